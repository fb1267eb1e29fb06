"""
Redirects that the gateway follows for the client.

Only to the same origin (scheme, host and port of the backend): the request carries credentials that belong there. Only
requests whose body can be sent again. Anything else is passed on to the client as it is.

Source: RFC 9110 §15.4; APIM "forward-request", follow-redirects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from gateway.wire.messages import DEFAULT_PORTS, ForwardOptions, Request, Response
from gateway.wire.pending import Pending
from gateway.wire.target import TargetError, split_target

if TYPE_CHECKING:
    from gateway.wire.upstream.upstream import HttpTarget

_REDIRECTS = frozenset([301, 302, 303, 307, 308])


class RedirectedRequest(Pending[Response]):
    """One request through its redirects, to the answer that is none."""

    __slots__ = ("_current", "_hops_left", "_options", "_request", "_target")

    def __init__(self, target: HttpTarget, request: Request, options: ForwardOptions, max_hops: int) -> None:
        super().__init__(self._abandon)
        self._target = target
        self._request = request
        self._options = options
        self._hops_left = max_hops
        self._current: Pending[Response] | None = None
        self._send()

    def _send(self) -> None:
        self._current = self._target.send_once(self._request, self._options)
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
        self._redirect(response.status_code, *place)
        self._send()

    def _next_place(self, response: Response) -> tuple[str, str] | None:
        """Path below the backend's base and query of the next request; None when *response* is the answer."""
        location = response.headers.first("location")
        body = self._request.body
        if response.status_code not in _REDIRECTS or location is None or not self._hops_left:
            return None
        if body is not None and not body.buffered:
            return None
        base = self._target.url
        current = self._request.path if self._request.path.startswith("/") else "/" + self._request.path
        prefix = base.path.rstrip("/")
        try:
            parts = urlsplit(urljoin(f"{base.scheme}://{base.authority}{prefix}{current}", location))
            port = parts.port or DEFAULT_PORTS.get(parts.scheme)
            path, _ = split_target(parts.path or "/")
        except (TargetError, ValueError):
            return None
        if (parts.scheme, parts.hostname, port) != (base.scheme, base.host, base.port):
            return None
        if not path.startswith(f"{prefix}/"):
            return None
        return path[len(prefix) :], parts.query

    def _redirect(self, status: int, path: str, query: str) -> None:
        """Point the request to the new place; 303, and POST on 301 and 302, become GET without a body."""
        request = self._request
        request.path, request.query = path, query
        if status == 303 or (status in (301, 302) and request.method == "POST"):
            request.method = "HEAD" if request.method == "HEAD" else "GET"
            request.body = None
            request.headers.remove("Content-Type")

    def _abandon(self) -> None:
        self.done = True
        if self._current is not None:
            self._current.cancel()
