"""What all connections of one listener share, and how a checked head becomes the application's request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.x509 import Certificate

from gateway.remedies.questions import remedies_for
from gateway.wire.authority import is_authority
from gateway.wire.fields import field_key
from gateway.wire.headers import Headers
from gateway.wire.messages import DEFAULT_PORTS, Request, Response
from gateway.wire.request_ids import ID_CHARACTERS, pool_of
from gateway.wire.server.forwarded import Peer
from gateway.wire.server.forwarding_fields import UnreadableForwarding, read_forwarding
from gateway.wire.server.http2.calm import AddressResets
from gateway.wire.server.http2.unfinished import SharedPlaces
from gateway.wire.server.http2.unsent import UnsentBytes
from gateway.wire.server.request_head import HeadError, RequestHead, parse_head, shown_target
from gateway.wire.server.varied_head import vary
from gateway.wire.settings import ServerSettings


class RequestHandler(Protocol):
    """The application of a listener."""

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer *request*: immediately, with a Pending (cheap), or with a coroutine (one task)."""


_MAX_REMEMBERED = 8 * 1024


@dataclass(frozen=True, slots=True)
class WireRefusal:
    """
    A request that does not reach the application.

    Attributes:
        id: Its id, as the answer shows it.
        client: The address of the other end of the connection.
        method, path: As they were sent, without the query; empty where they could not be read.
        expected, found: Limit and size, or what else was asked for and sent, where that is the cause.
    """

    id: str
    status: int
    message: str
    client: str
    expected: object = None
    found: object = None
    method: str = ""
    path: str = ""


def _unheard(refusal: WireRefusal) -> None:
    """The default: refusals are not counted."""


@dataclass(slots=True, eq=False)
class Listener:
    """
    What all connections of one listener share.

    Attributes:
        application: Answers the requests that begin from now on; it may be replaced between two of them.
        settings: For connections that are made from now on, and limits of heads on all of them.
        refused: Called for every request that does not reach the application.
    """

    application: RequestHandler
    settings: ServerSettings = ServerSettings()
    refused: Callable[[WireRefusal], None] = _unheard
    stalled: set[object] = field(default_factory=set, compare=False)
    """Connections whose clients take nothing though an answer waits."""
    resets: AddressResets = field(default_factory=AddressResets, compare=False)
    """What clients of HTTP/2 have left for streams that end early."""
    unfinished: SharedPlaces = field(default_factory=SharedPlaces, compare=False)
    """For requests of HTTP/2 that have not come completely."""
    unsent: UnsentBytes = field(default_factory=UnsentBytes, compare=False)
    """Of answers over HTTP/2."""
    is_stopping: bool = False
    """Whether connections that were accepted just before the end are told so when they begin."""

    def note(self, refusal: HeadError, drawn: str, client: str) -> None:
        """Report a request that does not reach the application; *drawn* is the id that its answer shows."""
        method, path = shown_target(refusal.line)
        sides = refusal.expected, refusal.found
        self.refused(WireRefusal(drawn, refusal.status, refusal.message, client, *sides, method, path))

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        """Never called: uvicorn wants its application to look like ASGI."""
        raise NotImplementedError


class Caller:
    """
    The client of one connection: turns heads into requests.

    A head that equals the last one on the connection is not parsed again; of one that varies, only the changes are:
    most clients repeat themselves.

    Attributes:
        received: The last head as received, with the empty line at its end; empty if it is not remembered.
        head: The parsed head.
    """

    __slots__ = (
        "_certificate",
        "_client_id_name",
        "_id_key",
        "_id_lines",
        "_lines",
        "_networks",
        "_origin",
        "_peer",
        "_settings",
        "_version",
        "head",
        "received",
    )

    def __init__(
        self, peer: Peer, settings: ServerSettings, certificate: Certificate | None, version: str = ""
    ) -> None:
        """*version*: of HTTP, as Via names it; empty: the one in the request line."""
        self._version = version
        self._peer = peer
        self._settings = settings
        self._networks = settings.trusted_proxies
        self._certificate = certificate
        self._name_ids(settings)
        self.received = b""
        self._lines: list[str] = []  # of the last head
        self.head: RequestHead | None = None
        self._origin = _Origin(peer.address, peer.scheme, "", 0, None)

    @property
    def is_trusted(self) -> bool:
        """Whether the peer is a trusted proxy."""
        return self._peer.trusted

    def read(self, received: bytes) -> RequestHead:
        """Check the head *received*, which ends with its empty line. Raises HeadError."""
        last = self.head
        if received == self.received and last is not None:
            return last
        data = received[:-4]
        lines = data.decode("latin-1").split("\r\n")
        try:
            is_varied = last is not None and vary(last, self._lines, lines, self._settings)
            head = last if last is not None and is_varied else self._parsed(data, lines)
        except HeadError as error:
            error.line = lines[0]
            raise
        remembered = (received, lines, head) if len(data) <= _MAX_REMEMBERED else (b"", [], None)
        self.received, self._lines, self.head = remembered
        return head

    def _parsed(self, data: bytes, lines: list[str]) -> RequestHead:
        """A head that is not like the last one. Raises HeadError."""
        head = parse_head(data, lines, self._settings)
        self._origin = self._rewrite(head)
        if self._settings.via:
            _add_via(head, f"{self._version or f'1.{head.minor}'} {self._settings.via}")
        return head

    def renew(self, settings: ServerSettings) -> None:
        """Read the next head anew, under *settings*: what the last one meant was another application's answer."""
        self.received, self._lines, self.head = b"", [], None
        self._settings, self._networks = settings, settings.trusted_proxies
        self._name_ids(settings)
        self._peer = self._peer.renewed(self._networks)
        self._origin = _Origin(self._peer.address, self._peer.scheme, "", 0, None)

    def request(self, head: RequestHead) -> Request:
        """The request of the last *head*; its body is not yet attached."""
        origin = self._origin
        request = Request(head.method, head.path, head.query, Headers.from_lines(head.lines.copy()))
        # Positional: keywords would cost as much as the rest of the request together.
        request.scheme, request.host, request.port = origin.scheme, origin.host, origin.port
        request.ip_address = origin.address
        request.certificate = self._certificate
        request.received_host = origin.host_line
        request.memo, request.outline, request.line_memo = head.memo, head.outline, head.line_memo
        if self._id_key:
            key = request.id_key = self._id_key
            if self._client_id_name and key in request.headers.lines:
                request.headers.replace(self._client_id_name, request.headers.first(key) or "")
            ids = self._id_lines
            request.headers.lines[key] = request.id_line = ids.ready.pop() if ids.ready else ids.draw()
        if head.upgrade:
            request.upgrade = head.upgrade
        if head.takes_trailers:
            request.takes_trailers = True
        return request

    def _name_ids(self, settings: ServerSettings) -> None:
        name = settings.id_header
        self._id_key, self._id_lines = field_key(name) if name else "", pool_of(f"{name}: " if name else "")
        self._client_id_name = settings.client_id_header

    def draw_id(self) -> tuple[str, str]:
        """An id for what is refused before it is a request, and the line that shows it, with its CRLF; or no line."""
        line = self._id_lines.draw()
        return line[-ID_CHARACTERS:], f"{line}\r\n" if self._id_key else ""

    def _rewrite(self, head: RequestHead) -> _Origin:
        """Make the forwarding fields true: where the request comes from, and where it was sent."""
        lines, peer = head.lines, self._peer
        host_line = lines.get("host")
        if not peer.trusted:
            peer.rewrite(lines, head.host)
            if host_line is not None and host_line == self._origin.host_line:
                lines["host"] = self._origin.host_line  # the same object: see Request.received_host
                return self._origin
            return _Origin(peer.address, peer.scheme, *_authority(head.host, peer.scheme), host_line)
        return self._forwarded_origin(head, host_line)

    def _forwarded_origin(self, head: RequestHead, host_line: str | None) -> _Origin:
        """The same for a trusted proxy's request. Raises HeadError: its forwarding fields cannot be read."""
        lines, peer = head.lines, self._peer
        try:
            forwarding = read_forwarding(lines, self._networks)
        except UnreadableForwarding as error:
            raise HeadError(400, str(error), expected={"remedy": remedies_for(error.fault)}) from None
        scheme, host = forwarding.scheme or peer.scheme, forwarding.host or head.host
        if scheme not in DEFAULT_PORTS or (host and not is_authority(host)):
            raise HeadError(400, "Malformed scheme or host in the forwarding headers")
        peer.extend(lines, head.host)
        return _Origin(forwarding.address or peer.address, scheme, *_authority(host, scheme), host_line)


@dataclass(frozen=True, slots=True)
class _Origin:
    """Client address, and scheme, host and port as the client used them; *host_line* is its Host field."""

    address: str
    scheme: str
    host: str
    port: int
    host_line: str | None


def _add_via(head: RequestHead, own: str) -> None:
    """Add this hop, *own*: the version that the client speaks, and our name. Source: RFC 9110 §7.6.3."""
    before = head.lines.get("via")
    head.lines["via"] = f"Via: {own}" if before is None else f"{before}, {own}"


def _authority(host: str, scheme: str) -> tuple[str, int]:
    """Name and port of a Host value."""
    name, colon, port = host.rpartition(":")
    if colon and not port:  # RFC 3986 §3.2.3: an empty port is the scheme's own
        return name, DEFAULT_PORTS.get(scheme, 80)
    if colon and port.isdecimal():
        return name, int(port)
    return host, DEFAULT_PORTS.get(scheme, 80)
