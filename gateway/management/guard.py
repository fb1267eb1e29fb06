"""
Serve the management plane only to requests whose Host is this machine, the configured address or a configured name.

DNS rebinding makes a browser send another site's requests here, with that site's name as ``Host``; those are refused.
Every answer forbids scripts, frames, storing, and whatever is not from here.

The console takes the narrow rule. What programs read (``/readyz``, ``/metrics``, ``/traces``) is also served to
requests that name an address, or no host at all: load balancers send those, and a lured browser cannot.

Source: RFC 9110 §7.2 and §15.5.20; Content Security Policy Level 3; Fetch Standard, "Cross-Origin-Resource-Policy".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.wire.authority import is_authority

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


# A path and what answers there.
Addressed = tuple[str, Callable[[Request], Awaitable[Response]]]


class Guard:
    """
    ASGI middleware.

    Args:
        host: The host under ``management`` in the configuration.
        names: Further names, ``management-hosts``.
        programs: Whether it protects what programs read: any IP address is accepted, and no host.
    """

    def __init__(self, app: ASGIApp, host: str, names: Collection[str] = (), programs: bool = False) -> None:
        self._app = app
        self._host = host.lower()
        self._names = {"localhost", self._host, *(name.lower() for name in names)}
        self._programs = programs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421 if the request names another host."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        app = self._app if self._is_meant(scope) else PlainTextResponse("Not served under this name.\n", 421)
        await app(scope, receive, send_guarded)

    def _is_meant(self, scope: Scope) -> bool:
        fields = Headers(scope=scope).getlist("host")
        if not fields:
            return self._programs
        host = _host(fields[0]) if len(fields) == 1 else ""
        if not host or host in self._names:
            return bool(host)
        address = _address(host)
        return address is not None and (self._programs or address.is_loopback or self._is_bound(address, scope))

    def _is_bound(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, scope: Scope) -> bool:
        """Whether all addresses are listened on, and the connection came to *address*."""
        configured, local = _address(self._host), scope.get("server")
        everywhere = configured is not None and configured.is_unspecified
        return everywhere and local is not None and address == _address(str(local[0]))


def _host(authority: str) -> str:
    """The host in ``host:port``, lower case; empty where it is malformed."""
    return urlsplit(f"//{authority}").hostname or "" if is_authority(authority) else ""


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
