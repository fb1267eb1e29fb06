"""
A request that the console composes, sent through the pipeline as if it had come by the listener, and traced.

With a stub only the call to the backend is replaced: everything else that policies do, from counting to send-request,
is done for real.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.assembly.apis import Assembly
from gateway.assembly.traces import private_book
from gateway.errors import GatewayError
from gateway.management.console.process import Ability
from gateway.pipeline.tracing.book import CREDENTIAL_HEADER, TRACE_HEADER, TRACE_ID_HEADER, TraceBook
from gateway.telemetry.requests.ring import RequestLog
from gateway.wire.body import Body, BodyTooLarge
from gateway.wire.fields import FieldError, fold_name
from gateway.wire.headers import Headers
from gateway.wire.messages import Ending, ForwardOptions, Request, Response, Target, Url
from gateway.wire.pending import Pending
from gateway.wire.settings import ClientLimits, ServerSettings
from gateway.wire.target import TargetError, split_target

PATIENCE_S = 30.0
MOST_BODY_BYTES = 256 * 1024

_METHOD = re.compile(r"[A-Z]{1,20}")
_PATH = re.compile(r"/[!-~]*")
# The gateway frames messages itself, and the trace is asked for here.
_FRAMING = ("Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Expect")
_NOT_GIVEN = {fold_name(name) for name in (*_FRAMING, CREDENTIAL_HEADER, TRACE_HEADER)}


def trying(assembly: Assembly) -> Ability:
    """
    ``{"method", "path", "headers", "token", "body", "stub"}`` → what came of it; *stub*: a status, or empty.

    The report has ``status``, ``reason``, ``headers``, ``body``, ``elapsed_ms``, ``record``, ``trace``.
    """

    settings = assembly.config.server_settings()

    async def perform(given: Mapping[str, str]) -> Mapping[str, Any]:
        book, credential = private_book(assembly.config)
        log = RequestLog()
        dispatcher = replace(assembly.dispatcher, watcher=book, requests=log)
        request = _request(given, settings)
        request.headers.replace(TRACE_HEADER, "true")
        request.headers.replace(CREDENTIAL_HEADER, credential)
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = dispatcher.handle(request)
                response = answer if isinstance(answer, Response) else await answer
                body = await _body(response)
        except TimeoutError:
            request.abandon_streams()
            raise GatewayError(f"no complete answer within {PATIENCE_S:g} s") from None
        elapsed_ms = (time.monotonic() - began) * 1000
        if request.on_end is not None:
            request.on_end(Ending(response.status_code, len(given.get("body", "").encode()), len(body)))
        return _report(response, body, elapsed_ms, book, log)

    return perform


def _report(response: Response, body: str, elapsed_ms: float, book: TraceBook, log: RequestLog) -> Mapping[str, Any]:
    trace = book.find(response.headers.first(TRACE_ID_HEADER) or "")
    response.headers.remove(TRACE_ID_HEADER)  # nobody else can find it under this id
    record = next(iter(log.recent()), None)
    return {
        "status": response.status_code,
        "reason": response.reason,
        "headers": [[name, value] for name, value in response.headers.items()],
        "body": body,
        "elapsed_ms": elapsed_ms,
        "record": None if record is None else record.as_json(),
        "trace": None if trace is None else trace.as_json(),
    }


async def _body(response: Response) -> str:
    """What can be shown of the answer's body."""
    try:
        await response.body.buffer(MOST_BODY_BYTES)
    except BodyTooLarge:
        response.body.discard()
        return f"(more than {MOST_BODY_BYTES // 1024} KiB)"
    return response.body.content.decode("utf-8", "replace")


# -- the request
def _request(given: Mapping[str, str], settings: ServerSettings) -> Request:
    """
    The request that the form describes, in the form and within the limits that the listener demands of clients.

    Raises:
        GatewayError: It is not one that a client could send.
    """
    method, target = given.get("method", "GET"), given.get("path", "/")
    if not _METHOD.fullmatch(method) or not _PATH.fullmatch(target):
        raise GatewayError("a method has capital letters only; a path begins with / and has neither spaces nor umlauts")
    try:
        path, query = split_target(target, settings.path_escapes)
    except TargetError as error:
        raise GatewayError(f"the listener refuses this path: {error}") from None
    headers, body = _headers(given), Body(given.get("body", "").encode())
    _require_bounded(f"{method} {target} HTTP/1.1", headers, settings.limits)
    stub = given.get("stub", "")
    if not stub:
        return Request(method, path, query, headers, body)
    if not re.fullmatch(r"[2-5]\d\d", stub):
        raise GatewayError("the stub answers with a status from 200 to 599")
    return _StubbedRequest(int(stub), method, path, query, headers, body)


def _require_bounded(line: str, headers: Headers, limits: ClientLimits) -> None:
    """Raises GatewayError: the listener would answer 414 or 431."""
    fields = [len(name) + len(value) + 4 for name, value in headers.items()]
    too_long = len(line) > limits.request_line_bytes or max(fields, default=0) > limits.header_line_bytes
    if too_long or len(fields) > limits.header_count or len(line) + sum(fields) > limits.head_bytes:
        raise GatewayError("the path or the headers are larger than the listener takes (limits in the configuration)")


def _headers(given: Mapping[str, str]) -> Headers:
    headers = Headers()
    for line in filter(None, map(str.strip, given.get("headers", "").splitlines())):
        name, colon, value = line.partition(":")
        if not colon or fold_name(name.strip()) in _NOT_GIVEN:
            raise GatewayError(f"the header {name[:80]!r} cannot be given here; write one NAME: VALUE per line")
        _append(headers, name.strip(), value.strip())
    token = given.get("token", "").strip()
    if token:
        _append(headers, "Authorization", f"Bearer {token.removeprefix('Bearer ')}")
    return headers


def _append(headers: Headers, name: str, value: str) -> None:
    if not value.isprintable():
        raise GatewayError(f"the value of the header {name[:80]!r} cannot be sent")
    try:
        headers.append(name, value)
    except FieldError as error:
        raise GatewayError(f"the header {name[:80]!r} cannot be sent: {error}") from None


class _StubTarget:
    """In place of the backend at *url*: answers with a status and an empty body."""

    def __init__(self, target: Target, status: int) -> None:
        self.url: Url = target.url
        self._status = status

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """The answer."""
        pending: Pending[Response] = Pending()
        pending.resolve(Response(self._status, Headers([("X-Stub", "true")])))
        return pending


class _StubbedRequest(Request):
    """A request whose target is a stub, whichever policies choose."""

    __slots__ = ("_chosen", "_stub_status")

    def __init__(self, stub_status: int, method: str, path: str, query: str, headers: Headers, body: Body) -> None:
        self._stub_status = stub_status
        super().__init__(method, path, query, headers, body)

    @property
    def target(self) -> Target | None:
        """The stub at the place of what was chosen."""
        return None if self._chosen is None else _StubTarget(self._chosen, self._stub_status)

    @target.setter
    def target(self, chosen: Target | None) -> None:
        self._chosen = chosen
