"""
A backend: requests to it, over HTTP/1.1 through a pool of connections, or over HTTP/2 where that is asked for.

What does not depend on a request (authority, base path, TLS context) is prepared at load.

Source: RFC 9112 §3; RFC 9110 §7.6.1; Microsoft, "forward-request"
(https://learn.microsoft.com/azure/api-management/forward-request-policy).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from gateway.errors import UpstreamError
from gateway.wire.framing import HOP_BY_HOP, OWNED
from gateway.wire.messages import DEFAULT_PORTS, ForwardOptions, Request, Response, Url, join_paths
from gateway.wire.pending import Pending, rejected
from gateway.wire.settings import UpstreamSettings
from gateway.wire.upstream.dial import Dial, Direct, SocketFile, authorization_line, to_proxy, tunnel
from gateway.wire.upstream.exchange import UpstreamExchange
from gateway.wire.upstream.pool import Pool
from gateway.wire.upstream.redirects import RedirectedRequest
from gateway.wire.upstream.tls import client_context
from gateway.wire.upstream.way import Way

if TYPE_CHECKING:
    from gateway.wire.http2 import Http2Pool

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}")
_USUAL_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
_REWRITTEN = OWNED | HOP_BY_HOP | {"expect"}
_DEFAULT = UpstreamSettings()
_STRAIGHT = Way()
MAX_VARIANTS = 32  # of one backend: expressions can compute proxies and certificates

# Methods whose requests announce that they have no content. Source: RFC 9110 §8.6.
_WITH_CONTENT = frozenset(["POST", "PUT", "PATCH"])


class HttpTarget:
    """
    A backend. One per backend and process; ``send`` needs a running event loop, making it does not.

    Attributes:
        url: Scheme, host, port and base path.
        pool: Its connections over HTTP/1.1.
    """

    def __init__(self, url: str | Url, settings: UpstreamSettings = _DEFAULT, way: Way = _STRAIGHT) -> None:
        """*way*: the certificate to present, and the proxy to go through."""
        self.url = parse_base_url(url) if isinstance(url, str) else url
        self.settings = settings
        self.way = way
        self.pool = Pool(self._dial(("http/1.1",)), settings)
        self._http2: Http2Pool | None = None
        self._variants: dict[Way, HttpTarget] = {}
        host = f"[{self.url.host}]" if ":" in self.url.host else self.url.host
        port = "" if self.url.port == DEFAULT_PORTS.get(self.url.scheme) else f":{self.url.port}"
        self._host_line = f"Host: {host}{port}"
        self._base_path = self.url.path.rstrip("/")
        self._asked: tuple[str, str, str] | None = None  # method, path and query of the last request line
        self._line = ""

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """Send *request*; resolves with the answer's head. Errors: UpstreamError."""
        if request.outlet is not None:
            return request.outlet.send(request, self, options)
        if request.streams is not None:
            request.abandon_streams()
        if options.way is not None:
            return self._send_by(options.way, request, options)
        if options.follow_redirects:
            send = partial(self.send_once, options=options)
            return RedirectedRequest(self.url, send, request, self.settings.max_redirects)
        return self.send_once(request, options)

    def send_once(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """Send *request* and take the first answer, a redirect or not."""
        if options.http_version != "1" and self._speaks_http2(request, options):
            return self._send_over_http2(request, options)
        try:
            head, chunked = self._head(request)
        except (UpstreamError, UnicodeEncodeError) as error:
            return rejected(error)
        exchange = UpstreamExchange(self.pool, request, head, chunked, options.timeout_s)
        self.pool.dispatch(exchange)
        return exchange

    async def aclose(self) -> None:
        """Close every connection."""
        await self.pool.aclose()
        if self._http2 is not None:
            await self._http2.aclose()
        await asyncio.gather(*(variant.aclose() for variant in self._variants.values()))

    # -- by another way
    def _send_by(self, way: Way, request: Request, options: ForwardOptions) -> Pending[Response]:
        try:
            variant = self._variants.get(way) or self._variant(way)
        except (OSError, ValueError) as error:
            return rejected(_unreachable(error))
        return variant.send(request, replace(options, way=None))

    def _variant(self, way: Way) -> HttpTarget:
        """The same backend, reached by *way*. Raises OSError, ValueError: its certificate or proxy cannot be used."""
        if len(self._variants) >= MAX_VARIANTS:
            self._variants.pop(next(iter(self._variants))).pool.stopped = True  # its connections end with their work
        if way.proxy is not None and self.settings.unix_socket is not None:
            raise ValueError("a socket file is not reached through a proxy")
        absolute = way.proxy is not None and self.url.scheme == "http"
        target_class = ProxiedTarget if absolute else HttpTarget
        variant = self._variants[way] = target_class(self.url, self.settings, way)
        return variant

    # -- over HTTP/2
    def _speaks_http2(self, request: Request, options: ForwardOptions) -> bool:
        """Whether to try: not for WebSockets, and without TLS only where the document is sure of it."""
        return not request.upgrade and (options.http_version == "2" or self._is_secure)

    def _send_over_http2(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        from gateway.wire.http2 import Http2Exchange, request_fields  # forward-request has loaded it by then

        try:
            pool = self._http2 = self._http2 or self._http2_pool()
            fields = request_fields(request, self.path_and_query(request), self.url, request.method in _WITH_CONTENT)
        except (UpstreamError, UnicodeEncodeError) as error:
            return rejected(error)
        except OSError as error:
            return rejected(_unreachable(error))
        instead = None if options.http_version == "2" else partial(self.send_once, request, _as_http1(options))
        exchange = Http2Exchange(pool, request, fields, options.timeout_s, instead)
        pool.dispatch(exchange)
        return exchange

    def _http2_pool(self) -> Http2Pool:
        from gateway.wire.http2 import Http2Pool

        return Http2Pool(self._dial(("h2", "http/1.1")), self.settings, self._is_secure)

    @property
    def _is_secure(self) -> bool:
        return self.url.scheme in ("https", "wss")

    def _dial(self, protocols: tuple[str, ...]) -> Dial:
        """How connections are opened. Raises OSError, ValueError: what the way names cannot be used."""
        tls, settings = None, self.settings.tls
        if self._is_secure:
            tls = client_context(settings, protocols, self.way.certificate)
        name = (settings.server_name or self.url.host) if tls else None
        if self.settings.unix_socket is not None:
            return SocketFile(str(self.settings.unix_socket), tls, name)
        straight = Direct(self.url.host, self.url.port, tls, name, self.way.next_address_s)
        return straight if self.way.proxy is None else tunnel(self.way.proxy, straight)

    # -- over HTTP/1.1
    def _head(self, request: Request) -> tuple[bytes, bool]:
        """The request's head, and whether its body goes out in chunks."""
        lines = request.headers.lines
        if not _REWRITTEN.isdisjoint(lines):
            lines = {name: line for name, line in lines.items() if name not in _REWRITTEN}
        is_bare = request.body is None and request.method not in _WITH_CONTENT
        framing, chunked = ("", False) if is_bare else _framing(request)
        if request.upgrade or request.takes_trailers:
            framing = _with_offers(request, framing)
        text = f"{self._request_line(request)}{self._block(request, lines)}\r\n{framing}\r\n"
        return text.encode("latin-1"), chunked

    def _block(self, request: Request, lines: dict[str, str]) -> str:
        """All field lines, with the backend's Host in place of the client's."""
        host = lines.get("host")
        if host is None:
            return "\r\n".join([self._host_line, *lines.values()])
        if host is not request.received_host:
            return "\r\n".join(lines.values())
        lines["host"] = self._host_line  # in place, and restored below: quicker than a copy
        block = "\r\n".join(lines.values())
        lines["host"] = host
        return block

    def _request_line(self, request: Request) -> str:
        asked = request.method, request.path, request.query
        if asked != self._asked:  # most requests repeat the line of the one before, see docs/adr/0009
            self._line = f"{request.method} {self.path_and_query(request)} HTTP/1.1\r\n"
            self._asked = asked
        return self._line

    @property
    def authority(self) -> str:
        """The Host field that backends see unless a policy sets another."""
        return self._host_line.removeprefix("Host: ")

    def path_and_query(self, request: Request) -> str:
        """Path and query below the backend's base. Raises UpstreamError: no request line can be made."""
        if request.method not in _USUAL_METHODS:
            _check_method(request.method)
        path = request.path
        path = self._base_path + path if path.startswith("/") else join_paths(self._base_path, path)
        target = f"{path}?{request.query}" if request.query else path
        if target.isascii() and target.isprintable() and " " not in target and "#" not in target:
            return target  # it is allowed in a request line as it is
        return quote(target, safe="/?%&=+,;:@!$'()*~[]-._|^`{}\\\"<>")


class ProxiedTarget(HttpTarget):
    """A backend without TLS behind a proxy, which is asked for the whole URL. Source: RFC 9112 §3.2.2."""

    def _dial(self, protocols: tuple[str, ...]) -> Dial:
        """HTTP/2 goes through a tunnel; HTTP/1.1 is spoken with the proxy itself."""
        if self.way.proxy and protocols == ("http/1.1",):
            return to_proxy(self.way.proxy, self.way.next_address_s)
        return super()._dial(protocols)

    def _request_line(self, request: Request) -> str:
        authority = self.authority
        account = authorization_line(self.way.proxy) if self.way.proxy else ""
        return f"{request.method} http://{authority}{self.path_and_query(request)} HTTP/1.1\r\n{account}"


def _check_method(method: str) -> None:
    """Raises UpstreamError: *method* would break the request line."""
    if not _METHOD.fullmatch(method):
        raise UpstreamError("BackendConnectionFailure", "The request's method is malformed.")


def _as_http1(options: ForwardOptions) -> ForwardOptions:
    return replace(options, http_version="1")


def _unreachable(error: Exception) -> UpstreamError:
    """What a policy or the configuration names cannot be used."""
    return UpstreamError("BackendConnectionFailure", f"The backend cannot be reached: {error}.", 500)


def _may_switch(request: Request) -> bool:
    """
    Whether it asks for another protocol. With a body, which a policy has given it, it no longer does: a backend that
    stays with HTTP/1.1 would read the body as the next request.
    """
    body = request.body
    if request.upgrade and body is not None and (body.stream is not None or body.content):
        request.upgrade = ""
    return bool(request.upgrade)


def _framing(request: Request) -> tuple[str, bool]:
    """The lines that announce a body, or that there is none, and whether it goes out in chunks. RFC 9112 §6."""
    body = request.body
    if body is None:
        return "Content-Length: 0\r\n", False
    if body.stream is None:
        return f"Content-Length: {len(body.content)}\r\n", False
    if body.stream.length is not None:
        return f"Content-Length: {body.stream.length}\r\n", False
    return "Transfer-Encoding: chunked\r\n", True


def _with_offers(request: Request, framing: str) -> str:
    """*framing* with what the client offers to this hop: another protocol, or to read trailers."""
    if request.upgrade and _may_switch(request):
        return f"Connection: Upgrade\r\nUpgrade: {request.upgrade}\r\n"
    if request.takes_trailers and request.reserved is not None:
        return f"{framing}TE: trailers\r\nConnection: TE\r\n"
    return framing


def parse_base_url(text: str) -> Url:
    """A backend's base URL. Raises ValueError with the reason."""
    parts = urlsplit(text)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"{text!r} is not an absolute http or https URL")
    if parts.query or parts.fragment or parts.username:
        raise ValueError(f"{parts.scheme}://{parts.hostname} must not have user, query or fragment")
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    return Url(parts.scheme, parts.hostname, port, parts.path or "/")
