"""
A backend over HTTP/1.1: requests to it, through a pool of connections.

What does not depend on a request (authority, base path, TLS context) is prepared at load.

Source: RFC 9112 §3; RFC 9110 §7.6.1; APIM, headers when forwarding (reference: apim-policies.md 8).
"""

from __future__ import annotations

import re
import ssl
from urllib.parse import quote, urlsplit

from gateway.errors import UpstreamError
from gateway.wire.answers import OWNED
from gateway.wire.messages import DEFAULT_PORTS, ForwardOptions, Request, Response, Url, join_paths
from gateway.wire.pending import Pending
from gateway.wire.pool import Pool
from gateway.wire.redirects import RedirectedRequest
from gateway.wire.request_head import HOP_BY_HOP
from gateway.wire.settings import UpstreamSettings
from gateway.wire.upstream_exchange import UpstreamExchange
from gateway.wire.upstream_tls import client_context

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}")
_USUAL_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
_REWRITTEN = OWNED | HOP_BY_HOP | {"expect"}
_DEFAULT = UpstreamSettings()

# Methods whose requests tell that they have no content. Source: RFC 9110 §8.6.
_WITH_CONTENT = frozenset(["POST", "PUT", "PATCH"])


class HttpTarget:
    """
    A backend. One per backend and process; ``send`` needs a running event loop, making it does not.

    Attributes:
        url: Scheme, host, port and base path.
        pool: Its connections.
    """

    def __init__(
        self, url: str | Url, settings: UpstreamSettings = _DEFAULT, tls: ssl.SSLContext | None = None
    ) -> None:
        """*tls*: a context made elsewhere, in place of the settings' own."""
        self.url = parse_base_url(url) if isinstance(url, str) else url
        self.settings = settings
        if self.url.scheme not in ("https", "wss"):
            tls = None
        elif tls is None:
            tls = client_context(settings.tls)
        self.pool = Pool(self.url.host, self.url.port, settings, tls)
        host = f"[{self.url.host}]" if ":" in self.url.host else self.url.host
        port = "" if self.url.port == DEFAULT_PORTS.get(self.url.scheme) else f":{self.url.port}"
        self._host_line = f"Host: {host}{port}"
        self._base_path = self.url.path.rstrip("/")

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """Send *request*; resolves with the answer's head. Errors: UpstreamError."""
        if request.streams is not None:
            request.abandon_streams()
        if options.follow_redirects:
            return RedirectedRequest(self, request, options, self.settings.max_redirects)
        return self.send_once(request, options)

    def send_once(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """Send *request* and take the first answer, whatever it is."""
        try:
            head, chunked = self._head(request)
        except (UpstreamError, UnicodeEncodeError) as error:
            refused: Pending[Response] = Pending()
            refused.reject(error)
            return refused
        exchange = UpstreamExchange(self.pool, request, head, chunked, options.timeout_s)
        self.pool.dispatch(exchange)
        return exchange

    async def aclose(self) -> None:
        """Close every connection."""
        await self.pool.aclose()

    def _head(self, request: Request) -> tuple[bytes, bool]:
        """The request's head, and whether its body goes out in chunks."""
        lines = request.headers.lines
        if not _REWRITTEN.isdisjoint(lines):
            lines = {name: line for name, line in lines.items() if name not in _REWRITTEN}
        framing, chunked = _framing(request)
        if request.upgrade:
            framing = f"Connection: Upgrade\r\nUpgrade: {request.upgrade}\r\n"
        text = f"{self._request_line(request)}{self._block(request, lines)}\r\n{framing}\r\n"
        return text.encode("latin-1"), chunked

    def _block(self, request: Request, lines: dict[str, str]) -> str:
        """All field lines, with the backend's Host in place of the client's."""
        host = lines.get("host")
        if host is None:
            return "\r\n".join([self._host_line, *lines.values()])
        if host is not request.received_host:
            return "\r\n".join(lines.values())
        lines["host"] = self._host_line  # in place and back again: quicker than a copy
        block = "\r\n".join(lines.values())
        lines["host"] = host
        return block

    def _request_line(self, request: Request) -> str:
        if request.method not in _USUAL_METHODS and not _METHOD.fullmatch(request.method):
            raise UpstreamError("BackendConnectionFailure", "The request's method is malformed.")
        path = request.path
        path = self._base_path + path if path.startswith("/") else join_paths(self._base_path, path)
        target = f"{path}?{request.query}" if request.query else path
        if not (target.isascii() and target.isprintable()) or " " in target or "#" in target:
            target = quote(target, safe="/?%&=+,;:@!$'()*~[]-._|^`{}\\\"<>")
        return f"{request.method} {target} HTTP/1.1\r\n"


def _framing(request: Request) -> tuple[str, bool]:
    """The lines that announce the body, and whether it goes out in chunks. Source: RFC 9112 §6."""
    body = request.body
    if body is None:
        return ("Content-Length: 0\r\n" if request.method in _WITH_CONTENT else ""), False
    if body.stream is None:
        return f"Content-Length: {len(body.content)}\r\n", False
    if body.stream.length is not None:
        return f"Content-Length: {body.stream.length}\r\n", False
    return "Transfer-Encoding: chunked\r\n", True


def parse_base_url(text: str) -> Url:
    """A backend's base URL. Raises ValueError with the reason."""
    parts = urlsplit(text)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"{text!r} is not an absolute http or https URL")
    if parts.query or parts.fragment or parts.username:
        raise ValueError(f"{parts.scheme}://{parts.hostname} must not have user, query or fragment")
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    return Url(parts.scheme, parts.hostname, port, parts.path or "/")
