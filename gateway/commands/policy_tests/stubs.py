"""Backends and other services of a test: they note what they are asked and answer as written."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.commands.policy_tests.model import StubAnswer
from gateway.errors import UpstreamError
from gateway.outside.seam import Call
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import ForwardOptions, Request, Response, Url, join_paths
from gateway.wire.pending import Pending
from gateway.wire.settings import UpstreamSettings

ANYTHING = StubAnswer.model_validate({})


@dataclass(frozen=True, slots=True)
class Record:
    """One request that reached a stub. *url* without its query."""

    method: str
    url: str
    path: str
    query: str
    headers: Headers
    body: bytes


@dataclass(slots=True)
class StubScript:
    """Answers in order, and what was asked."""

    answers: Sequence[StubAnswer]
    seen: list[Record] = field(default_factory=list)
    _used: dict[int, int] = field(default_factory=dict)

    def answer(self, record: Record) -> StubAnswer | None:
        """The first answer that fits and is not used up; None: none does."""
        self.seen.append(record)
        for index, answer in enumerate(self.answers):
            used = self._used.get(index, 0)
            if _fits(answer, record) and (answer.times is None or used < answer.times):
                self._used[index] = used + 1
                return answer
        return None


def _fits(answer: StubAnswer, record: Record) -> bool:
    return (
        (answer.method is None or answer.method.upper() == record.method)
        and _like(answer.path, record.path)
        and _like(answer.url, record.url)
    )


def _like(pattern: str | None, text: str) -> bool:
    """Whether *text* is like *pattern*, in which ``*`` matches anything."""
    return pattern is None or re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def fields(given: Mapping[str, str | list[str]]) -> Headers:
    """Header fields as a test writes them."""
    lines = ((name, values if isinstance(values, list) else [values]) for name, values in given.items())
    return Headers((name, value) for name, values in lines for value in values)


def content(body: str | None, document: object) -> bytes:
    """The bytes of a body that is text or a JSON document."""
    if body is not None:
        return body.encode()
    return b"" if document is None else json.dumps(document).encode()


def response_of(answer: StubAnswer) -> Response:
    """The response that *answer* describes; a JSON body gets its content type."""
    headers = fields(answer.headers)
    if answer.json_ is not None and "Content-Type" not in headers:
        headers.append("Content-Type", "application/json")
    return Response(answer.status, headers, Body(content(answer.body, answer.json_)))


class StubTarget:
    """An upstream that answers by its script; made by ``ConfiguredTargets`` in place of real ones."""

    def __init__(self, script: StubScript, url: Url, settings: UpstreamSettings) -> None:
        self.url = url
        self.settings = settings
        self._script = script

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """Resolves after the answer's delay. Errors: UpstreamError, as the real one's."""
        pending: Pending[Response] = Pending()
        answer = self._script.answer(self._record(request)) or ANYTHING
        loop = asyncio.get_running_loop()
        if answer.failure == "connection":
            error = UpstreamError("BackendConnectionFailure", "the stub refuses the connection", 502)
            loop.call_later(answer.delay_s, pending.reject, error)
        elif answer.failure == "timeout" or answer.delay_s > options.timeout_s:
            loop.call_later(options.timeout_s, pending.reject, UpstreamError("Timeout", "the stub is too slow", 504))
        else:
            loop.call_later(answer.delay_s, pending.resolve, response_of(answer))
        return pending

    async def aclose(self) -> None:
        """Nothing is open."""

    def _record(self, request: Request) -> Record:
        path = join_paths(self.url.path, request.path)
        url = Url(self.url.scheme, self.url.host, self.url.port, path)
        body = request.body.content if request.body else b""
        return Record(request.method, str(url), path, request.query, request.headers.copy(), body)


@dataclass(frozen=True, slots=True)
class StubConnect:
    """``Connect`` of ``ConfiguredTargets``: every upstream follows the same script."""

    script: StubScript

    def __call__(self, url: str | Url, settings: UpstreamSettings | None = None) -> StubTarget:
        return StubTarget(self.script, parse(url) if isinstance(url, str) else url, settings or UpstreamSettings())


def parse(url: str) -> Url:
    """*url* in parts. Raises ValueError."""
    from gateway.wire.upstream.http_target import parse_base_url

    return parse_base_url(url)


@dataclass(frozen=True, slots=True)
class StubServices:
    """What send-request and send-one-way-request reach."""

    script: StubScript
    unexpected: list[str] = field(default_factory=list)

    async def send(self, call: Call) -> Response:
        """The scripted answer. Raises UpstreamError; a call that no stub fits is noted and fails the test."""
        url, _, query = call.url.partition("?")
        path = "/" + url.partition("://")[2].partition("/")[2]
        record = Record(call.method, url, path, query, call.headers.copy(), call.body)
        answer = self.script.answer(record)
        if answer is None:
            self.unexpected.append(f"{call.method} {url}")
            raise UpstreamError("BackendConnectionFailure", f"no stub answers {call.method} {url}", 502)
        if answer.failure == "connection":
            raise UpstreamError("BackendConnectionFailure", "the stub refuses the connection", 502)
        if answer.failure == "timeout" or answer.delay_s > call.timeout_s:
            await asyncio.sleep(call.timeout_s)
            raise UpstreamError("Timeout", f"no answer within {call.timeout_s:g} s", 504)
        await asyncio.sleep(answer.delay_s)
        return response_of(answer)


class StubCredentials:
    """Managed identities of a test: a token that names its resource."""

    def token(self, resource: str, client_id: str | None) -> str:
        """``identity-token-for:RESOURCE``."""
        return f"identity-token-for:{resource}"
