"""
What the running gateway says about itself on its management plane, without anything about its callers.

An answer that has another form than it should is not shown: something else may be listening there.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from gateway.commands.report.hiding import MASK, Hidden
from gateway.errors import GatewayError
from gateway.reading.values import MAX_SECRET_BYTES, http_url

TIMEOUT_S = 5.0  # without a byte
TOTAL_S = 20.0  # for an answer
MAX_BYTES = 8 * 1024 * 1024
SHOWN_REQUESTS = 1_000

# Of a request: what happened to it, never who sent it, nor what was in it. A path may name a person.
_REQUEST_FIELDS = (
    "id time method api operation status source scope section place reason backend elapsed_ms timings received sent "
    "client_left trace worker"
).split()
_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?P<labels>\{.*\})? (?P<value>[-+\w.]+)( \d+)?")
_LABEL = re.compile(r'(?P<name>\w+)="(?P<value>[^"\\]*+(?:\\.[^"\\]*+)*)"')
_EMITTED = "apim_"  # what policies emit: their dimensions may name callers
# The line of a finding: after its place and code comes a message, which may quote the document.
_FINDING = re.compile(
    r"([^\s:]+:\d+:\d+: [a-z][a-z0-9-]{0,60}):.*?(?=; [^\s:]+:\d+:\d+: |; .* need a restart$|$)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """What is shown, and in a few words what it is."""

    text: str
    about: str


class RunningGateway:
    """
    The gateway whose management plane is at *url*.

    Raises:
        GatewayError: *url* is not an http URL.
    """

    def __init__(self, url: str, token: str | None, hidden: Hidden) -> None:
        try:
            self._url = http_url(url).rstrip("/")
        except Exception:
            raise GatewayError("--management: write http://HOST:PORT, without user or query") from None
        self._hidden = hidden
        if token is not None:
            hidden.secret(token)
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        self._options: dict[str, Any] = {
            "timeout": TIMEOUT_S,
            "trust_env": False,
            "follow_redirects": False,
            "headers": headers,
        }

    def readiness(self) -> GatewayAnswer:
        """``/readyz``, with the last reload."""
        return self._shown("/readyz", "whether it is ready, and the last reload", _readiness)

    def metrics(self) -> GatewayAnswer:
        """``/metrics``; what policies emit is without its dimensions."""
        return self._shown("/metrics", "its metrics", _metrics)

    def requests(self) -> GatewayAnswer:
        """``/requests``: the last ones, without callers, paths and contents."""
        return self._shown(
            f"/requests?limit={SHOWN_REQUESTS}", "its last requests, without callers and paths", _requests
        )

    def _shown(self, path: str, about: str, form: Any) -> GatewayAnswer:
        try:
            text = form(asyncio.run(self._get(path)))
        except TimeoutError:
            return GatewayAnswer(f"no whole answer within {TOTAL_S:g} s\n", f"{about}: no whole answer in time")
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return GatewayAnswer(f"not reachable: {type(error).__name__}\n", f"{about}: not reachable")
        except _Refused as error:
            return GatewayAnswer(f"{error}\n", f"{about}: {error}")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return GatewayAnswer("not an answer of a gateway\n", f"{about}: not an answer of a gateway")
        return GatewayAnswer(self._hidden.scrub(text), about)

    async def _get(self, path: str) -> bytes:
        async with (
            asyncio.timeout(TOTAL_S),
            httpx2.AsyncClient(**self._options) as client,
            client.stream("GET", f"{self._url}{path}") as answer,
        ):
            if answer.status_code not in (200, 503):
                raise _Refused(_REFUSALS.get(answer.status_code, f"status {answer.status_code}"))
            return await _bounded(answer)


class _Refused(Exception):
    """There is nothing to show."""


_REFUSALS = {
    401: "needs a token (--token-file)",
    403: "needs a token (--token-file)",
    404: "not offered by this gateway",
    421: "refused this host name (management-hosts)",
}


async def _bounded(answer: httpx2.Response) -> bytes:
    content = bytearray()
    async for piece in answer.aiter_bytes():
        content += piece
        if len(content) > MAX_BYTES:
            raise _Refused(f"longer than {MAX_BYTES} bytes")
    return bytes(content)


def token_in(path: Path) -> str:
    """The token in a file. Raises GatewayError: it cannot be read, or cannot be sent in a header."""
    try:
        token = path.read_bytes()[:MAX_SECRET_BYTES].decode("ascii").strip()
    except (OSError, ValueError):
        token = ""
    if not token.isprintable() or not token:
        raise GatewayError(f"--token-file: {path} cannot be read as a token") from None
    return token


def _readiness(content: bytes) -> str:
    groups = json.loads(content)
    shown: dict[str, object] = {key: groups[key] is True for key in ("ready", "draining")}
    for group, members in groups.items():
        if isinstance(members, dict):
            shown[group] = {name: _status(member) for name, member in members.items()}
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def _status(member: Mapping[str, object]) -> dict[str, object]:
    detail = _FINDING.sub(rf"\1: {MASK}", str(member.get("detail", "")))
    return {"ready": member["ready"] is True, "detail": detail}


def _metrics(content: bytes) -> str:
    return "\n".join([*_samples(content.decode("utf-8")), ""])


def _samples(text: str) -> Iterator[str]:
    """Samples and their types; help texts are the same everywhere, and emitted ones come from documents."""
    for line in text.splitlines():
        sample = _SAMPLE.fullmatch(line)
        if re.fullmatch(r"# TYPE [\w:]+ \w+", line):
            yield line
        elif sample is not None:
            yield _masked_sample(sample) if sample["name"].startswith(_EMITTED) else line
        elif not line.startswith("#") and line:
            raise ValueError(line)


def _masked_sample(sample: re.Match[str]) -> str:
    labels = _LABEL.sub(rf'\g<name>="{MASK}"', sample["labels"] or "")
    return f"{sample['name']}{labels} {sample['value']}"


def _requests(content: bytes) -> str:
    records = json.loads(content)
    records = records["requests"] if isinstance(records, dict) else records
    lines = [json.dumps({key: _plain(record[key]) for key in _REQUEST_FIELDS if key in record}) for record in records]
    return "\n".join([*lines[:SHOWN_REQUESTS], ""])


def _plain(value: object) -> object:
    """Numbers, short texts, and mappings of numbers."""
    if isinstance(value, dict):
        return {str(key): number for key, number in value.items() if isinstance(number, int | float)}
    return value[:200] if isinstance(value, str) else value if isinstance(value, int | float) else None
