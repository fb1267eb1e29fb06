"""
Redirects that the gateway follows for the client.

Only to the same origin (scheme, host and port of the backend): the request carries credentials that belong there. Only
requests whose body can be sent again. Any other redirect is passed on to the client as it is.

Source: RFC 9110 §15.4; Microsoft, "forward-request", follow-redirects
(https://learn.microsoft.com/azure/api-management/forward-request-policy).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from gateway.wire.messages import DEFAULT_PORTS, Request, Response, Url
from gateway.wire.pending import Pending
from gateway.wire.target import TargetError, split_target

_REDIRECTS = frozenset([301, 302, 303, 307, 308])

Send = Callable[[Request], Pending[Response]]


class _NextPlace(NamedTuple):
    """Where a redirect leads: the path below the backend's base, and the query."""

    path: str
    query: str


class RedirectedRequest(Pending[Response]):
    """One request through its redirects, to the answer that is not one."""

    __slots__ = ("_base", "_current", "_hops_left", "_request", "_send")

    def __init__(self, base: Url, send: Send, request: Request, max_hops: int) -> None:
        """*base*: the backend; *send*: sends a request there, following nothing."""
        super().__init__(self._abandon)
        self._base = base
        self._send = send
        self._request = request
        self._hops_left = max_hops
        self._current: Pending[Response] | None = None
        self._go()

    def _go(self) -> None:
        self._current = self._send(self._request)
        self._current.then(self._answered)

    def _answered(self, pending: Pending[Response]) -> None:
        try:
            response = pending.result()
        except Exception as error:
            self.reject(error)
            return
        place = self._next_place(response)
        if place is None:
            self.resolve(response)
            return
        self._hops_left -= 1
        response.body.discard()
        self._redirect(response.status_code, place)
        self._go()

    def _next_place(self, response: Response) -> _NextPlace | None:
        """Where the next request goes; None when *response* is the answer."""
        location = response.headers.first("location")
        body = self._request.body
        if response.status_code not in _REDIRECTS or location is None or not self._hops_left:
            return None
        if body is not None and not body.buffered:
            return None
        return _place_below(self._base, self._request.path, location)

    def _redirect(self, status: int, place: _NextPlace) -> None:
        """Point the request to the new place; 303, and POST on 301 and 302, become GET without a body."""
        request = self._request
        request.path, request.query = place
        if status == 303 or (status in (301, 302) and request.method == "POST"):
            request.method = "HEAD" if request.method == "HEAD" else "GET"
            request.body = None
            request.headers.remove("Content-Type")

    def _abandon(self) -> None:
        self.done = True
        if self._current is not None:
            self._current.cancel()


def _place_below(base: Url, path: str, location: str) -> _NextPlace | None:
    """What *location*, seen from *path*, means below *base*; None when it leads elsewhere or is malformed."""
    prefix = base.path.rstrip("/")
    current = path if path.startswith("/") else f"/{path}"
    try:
        parts = urlsplit(urljoin(f"{base.scheme}://{base.authority}{prefix}{current}", location))
        target, _ = split_target(parts.path or "/")
        if not _is_same_origin(parts, base) or not target.startswith(f"{prefix}/"):
            return None
    except (TargetError, ValueError):
        return None
    return _NextPlace(target[len(prefix) :], parts.query)


def _is_same_origin(parts: SplitResult, base: Url) -> bool:
    """Source: RFC 6454 §4. Raises ValueError: the port is not a number."""
    port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    return (parts.scheme, parts.hostname, port) == (base.scheme, base.host, base.port)
