"""
HTTP to one environment of F&O, over the gateway's own connections to backends.

Two calls are made for each job, so what one costs decides how many jobs a process can start (ADR 73). No redirect is
followed (they lead to log-in pages), no cookie is kept, and an answer is bounded in time and size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from gateway.notifications.settings import D365Settings
from gateway.telemetry.calls import calling
from gateway.wire.body import Body, BodyStream, BodyTooLarge, Sink
from gateway.wire.content_coding import CodingError, codings, decode
from gateway.wire.headers import Headers
from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.settings import UpstreamSettings
from gateway.wire.upstream.environment_proxy import environment_proxy
from gateway.wire.upstream.http_target import HttpTarget, parse_base_url
from gateway.wire.upstream.way import Way

# Forty rows are about 12 kB; a page of errors may be longer.
_MAX_ANSWER_BYTES = 8 * 1024 * 1024
# Half a minute of silence is enough for a firewall to forget a connection, and a start on it would be in doubt.
_IDLE_S = 5.0
_NEXT_ADDRESS_S = 0.25
_FIELDS = (
    ("accept", "application/json"),
    ("accept-encoding", "identity"),
    ("user-agent", "gateway-notifications"),
    ("odata-version", "4.0"),
    ("odata-maxversion", "4.0"),
)


@dataclass(frozen=True, slots=True)
class D365Call:
    """One call; *query* is percent-encoded, *content* JSON, None where the call has no body."""

    method: str
    path: str
    token: str = field(default="", repr=False)
    query: str = ""
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class D365Answer:
    """A whole answer, its content codings undone."""

    status: int
    content: bytes
    headers: Headers


class D365Wire(Protocol):
    """What carries calls to F&O; a function in tests."""

    async def send(self, call: D365Call, check: Callable[[], None] | None = None) -> D365Answer:
        """
        The answer to one call, whatever its status.

        Args:
            check: Asked once the connection is open, immediately before the body is written; what it raises ends the
                call, and F&O cannot act on one whose body has not arrived.

        Raises:
            Unreached: Nothing was sent.
            UpstreamError, BodyTooLarge, CodingError: There is no whole answer, but F&O may have acted on the call.
            FieldError: The token cannot be sent; nothing was.
        """
        ...

    async def close(self) -> None:
        """Drop all connections."""
        ...


class D365Connection:
    """
    The connections to one environment, each for one call at a time.

    Raises:
        GatewayError: The proxy that the environment variables name cannot be used.
    """

    def __init__(self, settings: D365Settings) -> None:
        url = parse_base_url(settings.instance_url)
        self._base = settings.instance_url.rstrip("/")
        self._options = ForwardOptions(
            timeout_s=settings.read_timeout_s,
            way=Way(proxy=environment_proxy(url), next_address_s=_NEXT_ADDRESS_S),
        )
        self._target = HttpTarget(
            url,
            UpstreamSettings(
                connect_timeout_s=settings.connect_timeout_s,
                body_timeout_s=settings.read_timeout_s,
                idle_timeout_s=_IDLE_S,
                max_connections=settings.concurrency,
            ),
        )

    async def send(self, call: D365Call, check: Callable[[], None] | None = None) -> D365Answer:
        """See ``D365Wire``."""
        headers = Headers((*_FIELDS, ("authorization", f"Bearer {call.token}")))
        body = None
        if call.content is not None:
            headers.append("content-type", "application/json")
            body = Body(call.content) if check is None else Body(stream=_CheckedBody(call.content, check))
        with calling("d365", call.method, f"{self._base}{call.path}") as traced:
            for name, value in traced.fields.items():
                headers.append(name, value)
            response = await self._whole(Request(call.method, call.path, call.query, headers, body))
            traced.status = response.status_code
        return D365Answer(response.status_code, _plain(response), response.headers)

    async def _whole(self, request: Request) -> Response:
        """The answer with its body. One that is not read to its end would keep its connection, so that is closed."""
        try:
            response = await self._target.send(request, self._options)
            await response.body.buffer(_MAX_ANSWER_BYTES)
        except BaseException:
            request.abandon_streams()
            raise
        return response

    async def close(self) -> None:
        """See ``D365Wire``."""
        await self._target.aclose()


def _plain(response: Response) -> bytes:
    """
    The content without its codings. Where it cannot be decoded, a status that is an error still says what it says.

    Raises:
        CodingError, BodyTooLarge: A success cannot be decoded.
    """
    applied = codings(response.headers.joined("content-encoding"))
    content = response.body.content
    if not (applied and content):
        return content
    try:
        return decode(content, applied, _MAX_ANSWER_BYTES)
    except (CodingError, BodyTooLarge):
        if response.status_code < 300:
            raise
        return b""


class _CheckedBody(BodyStream):
    """A request's body that is written only if a check passes at that moment."""

    __slots__ = ("_check",)

    def __init__(self, content: bytes, check: Callable[[], None]) -> None:
        super().__init__(len(content))
        self._check = check
        self.feed(content)
        self.finish()

    def pipe(self, sink: Sink) -> None:
        """The connection is open, and the head has been written."""
        try:
            self._check()
        except Exception as error:
            sink.fail(error)
        else:
            super().pipe(sink)
