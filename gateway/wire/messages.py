"""Requests and responses as the engine sees them: mutable, because policies change them in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import parse_qsl

from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.request_ids import ID_CHARACTERS, draw_id

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from gateway.wire.pending import Pending
    from gateway.wire.upstream.way import HttpProxy, StoredCertificate, Way

_PHRASES: dict[int, str] = {status.value: status.phrase for status in HTTPStatus}
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Url:
    """
    An absolute URL in parts.

    Attributes:
        path: Percent-encoded, begins with ``/``.
        query: Percent-encoded, without the leading ``?``; empty when there is none.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""

    @property
    def authority(self) -> str:
        """``host`` or ``host:port``, the port only where it is not the scheme's own."""
        return self.host if self.port == DEFAULT_PORTS.get(self.scheme) else f"{self.host}:{self.port}"

    @property
    def params(self) -> dict[str, list[str]]:
        """Decoded query parameters, several values each."""
        values_by_name: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            values_by_name.setdefault(name, []).append(value)
        return values_by_name

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}{'?' + self.query if self.query else ''}"


class Expiring(Protocol):
    """What ends at a deadline."""

    def sweep(self, now: float) -> None:
        """End if the deadline has come; *now* is the event loop's time."""


class RemoteCall(Protocol):
    """A request that is a gRPC call, as what carries it sees it; see ``gateway.wire.grpc.call``."""

    @property
    def status(self) -> int | None:
        """The grpc-status with which it has ended."""

    @property
    def fault(self) -> str | None:
        """Why the gateway has ended it where no policy did."""

    @property
    def gave_up(self) -> bool:
        """Whether its caller's own deadline has ended it, which says nothing about the backend."""

    def forwarding(self, options: ForwardOptions) -> ForwardOptions:
        """How the request goes on. Raises PolicyError, UpstreamError: it does not."""

    def sent_by(self, exchange: Expiring) -> None:
        """*exchange* has the request now."""

    def watch(self, watcher: Callable[[int], None]) -> None:
        """Call *watcher* with the grpc-status when the backend's answer ends with one."""

    def over(self) -> None:
        """The exchange has ended."""


class Request:
    """
    One request: what the client sent, and what goes to the backend.

    ``method``, ``headers``, ``body``, ``target``, ``path`` and ``query`` are what the backend will get and change as
    policies run; the ``original_…`` attributes stay.

    Attributes:
        path: Path below the target's own base path, percent-encoded, begins with ``/`` (or empty).
        query: Query for the backend without ``?``.
        target: Where the request goes; None until routing has set it.
        ip_address: The client's address, after the trusted-proxies rule.
        certificate: The client's certificate on a TLS listener that asks for one.
        client_certificate: For forward-request: what to show to the backend, when a policy chose one.
        proxy: For forward-request: the HTTP proxy to go through, when a policy chose one.
        id_key: Folded name of the field that carries the id to backend and client; empty: none does.
        id_line: That field's line; its last 36 characters are the id. The id alone where no field carries it.
        on_end: Called once by the server when the exchange is over, answered or not.
        expires_at: When the token that opened the exchange expires, seconds since the epoch; a stream that lasts
            longer is ended soon after. None for no limit.
        interim: For the wire: passes an interim answer on to the client; None where there is none to pass it to.
        received_host: For the wire: the client's own Host line. A Host that is not this very object was set by a
            policy, and only then replaces the backend's.
        takes_trailers: For the wire: whether the client understands trailers behind the answer's body.
        reserved: Folded names that only the gateway may set, so that no trailer may have one; None: no trailer passes.
        upgrade: Lower-case protocol that the client wants to switch to (``websocket``), or empty.
        upgraded: What the client sends once the protocol has been switched.
        memo: What parts of the application have found out about the head as it was received, each under itself as the
            key; the next request on the connection has the same memo where its head is the same to the byte.
        outline: The same about its request line and the names of its fields, which the next request also has where only
            values of fields differ, none of them ``Host`` or one that says where the request comes from.
        line_memo: What they have found out about single field lines of this connection's heads. An entry has the line
            that it is about, and holds while the request has that very object.
        call: The gRPC call that it is; None for any other request.
        streams: For the wire: bodies to abandon when the exchange ends before they do.
        outlet: What sends it to HTTP backends in place of the gateway's own connections; None: these do.
    """

    __slots__ = (
        "body",
        "call",
        "certificate",
        "client_certificate",
        "expires_at",
        "headers",
        "host",
        "id_key",
        "id_line",
        "interim",
        "ip_address",
        "line_memo",
        "matched_parameters",
        "matched_query",
        "memo",
        "method",
        "on_end",
        "original_method",
        "original_path",
        "original_query",
        "outlet",
        "outline",
        "path",
        "port",
        "proxy",
        "query",
        "received_host",
        "reserved",
        "scheme",
        "streams",
        "takes_trailers",
        "target",
        "upgrade",
        "upgraded",
    )

    def __init__(  # noqa: PLR0913 (one message, all its parts)
        self,
        method: str,
        path: str,
        query: str = "",
        headers: Headers | None = None,
        body: Body | None = None,
        *,
        scheme: str = "http",
        host: str = "localhost",
        port: int = 80,
        ip_address: str = "127.0.0.1",
        certificate: Certificate | None = None,
    ) -> None:
        self.method = self.original_method = method
        self.path = self.original_path = path
        self.query = self.original_query = query
        self.headers = Headers() if headers is None else headers
        self.body = body
        self.scheme = scheme
        self.host = host
        self.port = port
        self.ip_address = ip_address
        self.certificate = certificate
        self.target: Target | None = None
        self.client_certificate: StoredCertificate | None = None
        self.proxy: HttpProxy | None = None
        self.matched_parameters: dict[str, str] = {}
        self.matched_query: frozenset[str] = frozenset()
        self.on_end: Callable[[Ending], None] | None = None
        self.expires_at: float | None = None
        self.interim: Callable[[Response], None] | None = None
        self.received_host: str | None = None
        self.takes_trailers = False
        self.reserved: frozenset[str] | None = None
        self.upgrade = ""
        self.upgraded: BodyStream | None = None
        self.call: RemoteCall | None = None
        self.id_key = self.id_line = ""
        self.streams: list[BodyStream] | None = None
        self.outlet: Outlet | None = None
        self.memo: dict[object, Any] = {}
        self.outline: dict[object, Any] = {}
        self.line_memo: dict[object, Any] = {}

    @property
    def id(self) -> str:
        """The request's id, in the form of a UUID; drawn now where the wire has drawn none."""
        if not self.id_line:
            self.id_line = draw_id()
        return self.id_line[-ID_CHARACTERS:]

    @property
    def original_url(self) -> Url:
        """The URL as received."""
        return Url(self.scheme, self.host, self.port, self.original_path, self.original_query)

    def lend(self, stream: BodyStream) -> None:
        """Note that *stream* belongs to this exchange and ends with it."""
        if self.streams is None:
            self.streams = []
        self.streams.append(stream)

    def abandon_streams(self) -> None:
        """Whatever is still on its way will not be read."""
        streams, self.streams = self.streams, None
        for stream in streams or ():
            stream.discard()

    @property
    def url(self) -> Url:
        """The URL that is being built for the backend."""
        base = self.original_url if self.target is None else self.target.url
        path = self.path if self.target is None else join_paths(base.path, self.path)
        return Url(base.scheme, base.host, base.port, path, self.query)


class WireFault(NamedTuple):
    """
    An exchange that the wire itself has ended.

    Attributes:
        cut_short: Whether the backend has left the answer incomplete. Otherwise the wire has answered: the rest of the
            request is malformed or did not arrive, or the application has failed.
    """

    message: str
    cut_short: bool = False


@dataclass(slots=True)  # never changed; freezing would cost several times as much per request
class Ending:
    """
    How an exchange ended.

    Attributes:
        status_code: None when the client left before an answer.
        received_bytes, sent_bytes: Sizes of the bodies.
        expired: Whether a stream was ended because the token that opened it had expired.
        fault: What went wrong on the wire after the application had begun; None where nothing did.
    """

    status_code: int | None
    received_bytes: int = 0
    sent_bytes: int = 0
    client_left: bool = False
    expired: bool = False
    fault: WireFault | None = None


class Response:
    """
    One response: from the backend, from a policy, or the error answer.

    Attributes:
        given_reason: The reason phrase where it is not the registered one.
    """

    __slots__ = ("body", "given_reason", "headers", "status_code")

    def __init__(
        self,
        status_code: int = 200,
        headers: Headers | None = None,
        body: Body | None = None,
        reason: str | None = None,
    ) -> None:
        self.status_code = status_code
        self.headers = Headers() if headers is None else headers
        self.body = Body() if body is None else body
        self.given_reason = reason

    @property
    def reason(self) -> str:
        """Reason phrase; the registered one unless another was given."""
        return reason_phrase(self.status_code) if self.given_reason is None else self.given_reason

    @reason.setter
    def reason(self, text: str | None) -> None:
        self.given_reason = text


class Target(Protocol):
    """Where requests go: an HTTP upstream, a pool of them, or an application in this process."""

    @property
    def url(self) -> Url:
        """Scheme, host, port and base path that ``context.Request.Url`` shows."""

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """Send *request*; the Pending resolves when the response head is there. Errors: UpstreamError."""


class HttpUpstream(Target, Protocol):
    """A backend that speaks HTTP."""

    @property
    def authority(self) -> str:
        """The Host field that it sees unless a policy sets another."""

    def path_and_query(self, request: Request) -> str:
        """Path and query below its base. Raises UpstreamError: no request line can be made."""


class Outlet(Protocol):
    """Sends requests to HTTP backends by other means than the gateway's own connections."""

    def send(self, request: Request, upstream: HttpUpstream, options: ForwardOptions) -> Pending[Response]:
        """Send *request* to *upstream*, as ``Target.send`` does."""


@dataclass(frozen=True, slots=True)
class ForwardOptions:
    """
    How one request is sent on.

    Attributes:
        timeout_s: Seconds until the response head.
        http_version: ``1``, ``2``, or ``2or1``: HTTP/2 where the backend speaks it.
        way: Which certificate and proxy; None: what the configuration says.
    """

    timeout_s: float = 300.0
    follow_redirects: bool = False
    http_version: str = "1"
    way: Way | None = None


def reason_phrase(status_code: int) -> str:
    """The registered reason phrase, or an empty text."""
    return _PHRASES.get(status_code, "")


def join_paths(base: str, rest: str) -> str:
    """*base* and *rest* with exactly one slash between them; an empty *rest* adds nothing."""
    if not rest:
        return base or "/"
    return f"{base.rstrip('/')}/{rest.lstrip('/')}"
