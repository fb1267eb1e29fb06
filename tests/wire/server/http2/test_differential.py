"""The same request in HTTP/1.1 and HTTP/2: one answer, one request at the backend, or the reason why not."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.test_caller_objectid import SPELLINGS
from tests.hostile.probes import PROBES
from tests.wire.server import test_request_head as heads
from tests.wire.server.http2.listener import gateway
from tests.wire.server.http2.recorder import Recorder, recording
from tests.wire.server.http2.requests import MALFORMED, Both, Verdict, first_verdict, second_verdict, translate
from tests.wire.test_target import NORMAL, REFUSED

CONNECTION_FIELDS = (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")
FORWARDED = [
    ["X-Forwarded-For: 192.0.2.1"],
    ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: a.test"],
    ["X-Forwarded-For: 192.0.2.1, nonsense"],
    ["X-Forwarded-Proto: gopher"],
    ["X-Forwarded-Host: a b"],
    ["X_Forwarded_For: 192.0.2.1"],
    ['Forwarded: for="[2001:db8::1]:5";proto=HTTPS;host="a.test"'],
    ["Forwarded: for=192.0.2.1", "X-Forwarded-For: 192.0.2.2"],
    ["Forwarded: for unknown"],
    ["X-Real-IP: 192.0.2.1", "X-Original-URL: /admin", "X-Client-Cert: a", "Via: 1.1 a", "Proxy: http://evil.example"],
]
OTHERS = [
    ["Accept: a", "Accept: b", "accept: c"],
    ["Cookie: a=b; c=d"],
    ["X-Value: \xe4\xf6\xfc"],
    ["X-Empty:"],
    ["Range: bytes=0-1", 'If-None-Match: "a", W/"b"'],
    ["TE: trailers"],
    ["Expect: 100-continue"],
    ["Content-Type: a", "content_type: b"],
    ["X-Request-Id: mine", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
]


def _head(*lines: str, target: str = "/a", method: str = "GET", content: str = "") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: api.example", *lines, "", content]).encode("latin-1")


def _completed(head: bytes) -> bytes:
    """*head* with the body that it announces."""
    length = re.search(rb"\r\ncontent-length:[ \t]*0*(\d{1,2})[ \t]*\r\n", head, re.IGNORECASE)
    return head + (b"x" * int(length[1]) if length else b"0\r\n\r\n" if b"chunked" in head.lower() else b"")


def sources() -> Iterator[tuple[str, bytes]]:
    """Heads of the tables of HTTP/1.1, and some more."""
    for target, *_ in [*NORMAL, *REFUSED]:
        yield f"target {target}", _head(target=target)
    for parameters in (heads.REFUSED, heads.VALID, heads.ACCEPTED):
        yield from ((f"head {case.id}", _completed(case.values[0])) for case in parameters)  # type: ignore[arg-type]
    yield from ((f"probe {probe.what}", probe.sent) for probe in PROBES)
    for fields in SPELLINGS:
        yield f"caller {fields}", _head(*(field.format(evil="evil") for field in fields))
    yield from ((f"fields {fields}", _head(*fields)) for fields in [*FORWARDED, *OTHERS])
    yield "body", _head("Content-Length: 3", method="POST", content="abc")
    yield "body, expected", _head("Content-Length: 3", "Expect: 100-continue", method="PUT", content="abc")


CASES = {name: both for name, sent in sources() if (both := translate(sent)) is not None}


@dataclass(frozen=True, slots=True)
class Difference:
    """Requests whose outcome differs, and why."""

    reason: str
    applies: Callable[[Both, Verdict, Verdict], bool]


DIFFERENCES = [
    Difference(
        "HTTP/2 has no fields of a connection, and its frames are the framing (RFC 9113 §8.2.2)",
        lambda both, _, second: both.has(*CONNECTION_FIELDS) and second.word == MALFORMED,
    ),
    Difference(
        "Host may repeat what :authority says (RFC 9113 §8.3.1); in HTTP/1.1 a second Host is refused",
        lambda both, first, second: both.value(b"host") == both.value(b":authority") and first.word == "400",
    ),
    Difference(
        "a head beyond limits/head-bytes ends a connection of HTTP/2, because its compression would have to be read",
        lambda _, first, second: first.word == "431" and second == Verdict("connection ENHANCE_YOUR_CALM"),
    ),
    Difference(
        "what is malformed in HTTP/2 ends its stream without an answer (RFC 9113 §8.1.1)",
        lambda _, first, second: first.word in ("400", "405") and second == Verdict(MALFORMED),
    ),
]


def reason(both: Both, first: Verdict, second: Verdict) -> str:
    """Why the outcomes differ: the table's reason, or how they differ if it has none."""
    for difference in DIFFERENCES:
        if difference.applies(both, first, second):
            return difference.reason
    return f"{first} ≠ {second}"


async def _compare(folder: Path, trusted: bool) -> dict[str, str]:
    """Reasons of the cases that differ."""
    found = {}
    async with recording() as recorder, gateway(folder, recorder.port, trusted=trusted) as server:
        for name, both in CASES.items():
            first, second = await _verdicts(both, server.port, recorder)
            if first != second:
                found[name] = reason(both, first, second)
    return found


async def _verdicts(both: Both, port: int, recorder: Recorder) -> tuple[Verdict, Verdict]:
    return await first_verdict(both, port, recorder), await second_verdict(both, port, recorder)


@pytest.mark.parametrize("trusted", [False, True], ids=["stranger", "trusted proxy"])
def test_both_versions_agree(tmp_path: Path, trusted: bool) -> None:
    """No request is refused in one version and passes in the other, or arrives differently, save for a named reason."""
    found = asyncio.run(_compare(tmp_path, trusted))
    known = {difference.reason for difference in DIFFERENCES}
    assert {name: why for name, why in found.items() if why not in known} == {}
    counts: dict[str, int] = defaultdict(int)
    for why in found.values():
        counts[why] += 1
    assert set(counts) == known


def test_the_tables_are_large() -> None:
    """Most heads of the tables exist in HTTP/2."""
    assert len(CASES) > 150
