"""
Serve the management plane only to requests whose Host is this machine, the configured address or a configured name.

DNS rebinding makes a browser send another site's requests here, with that site's name as ``Host``; those are refused.
Every answer forbids frames, storing, and whatever is not from here: one style sheet and one script are, both files.

The console takes the narrow rule. What programs read (``/readyz``, ``/metrics``, ``/traces``) is also served to
requests that name an address, or no host at all: load balancers send those, and a lured browser cannot. What another
site's page makes a browser send is refused everywhere: ``origins``.

Where other machines can connect, or a token is configured, everything but ``/healthz``, ``/readyz`` and ``/metrics``
asks for that token; if none is configured, it is refused.

Source: RFC 9110 §7.2, §11.6 and §15.5.20; RFC 6750 §2.1; Content Security Policy Level 3; Fetch Standard,
"Cross-Origin-Resource-Policy".
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.management.attempts import plain
from gateway.management.logins import PERSON, Logins, client_of
from gateway.management.origins import is_foreign
from gateway.wire.authority import is_authority

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


# A path and what answers there.
Addressed = tuple[str, Callable[[Request], Awaitable[Response]]]


@dataclass(frozen=True, slots=True)
class Visitors:
    """
    Who may call the management plane; makes the guards of its routes.

    Attributes:
        host: The host under ``management`` in the configuration.
        names: Further names, ``management-hosts``.
        logins: How callers show who they are.
        actions: Whether those who are logged in may change something.
    """

    host: str
    names: Collection[str] = ()
    logins: Logins = field(default_factory=Logins)
    actions: bool = False

    def probes(self) -> Middleware:
        """For what probes and scrapers read, without a token: ``/readyz``, ``/metrics``."""
        return Middleware(Guard, host=self.host, names=self.names, programs=True)

    def programs(self) -> Middleware:
        """For everything else that programs call: ``/traces``, ``/reload``."""
        return Middleware(Guard, host=self.host, names=self.names, programs=True, token_rule=self.token_rule())

    def pages(self) -> Middleware:
        """For what people open in a browser."""
        return Middleware(Guard, host=self.host, names=self.names, token_rule=self.token_rule(LOGIN))

    def door(self) -> Middleware:
        """For the page on which people log in."""
        return Middleware(Guard, host=self.host, names=self.names)

    def token_rule(self, login: str | None = None) -> TokenRule:
        """The rule about the token; *login*: where browsers are sent."""
        return TokenRule(self.logins, self.host.lower() == "localhost" or _is_loopback(self.host), login)


LOGIN = "/console/login"
LOCAL = Visitors("localhost")


def guarded(addressed: Iterable[Addressed], guard: Middleware) -> list[BaseRoute]:
    """*addressed* behind *guard*."""
    return [Route(path, answer, middleware=[guard]) for path, answer in addressed]


@dataclass(frozen=True, slots=True)
class TokenRule:
    """
    When the token has to be shown.

    Attributes:
        is_private: Whether the listener's configured address is loopback.
        login: Where browsers are sent that show none; None: for programs, which are told.
    """

    logins: Logins
    is_private: bool
    login: str | None = None

    def refusal(self, scope: Scope) -> Response | None:
        """Why a request without the token is not served; None: it may pass. Notes in *scope* who sends it."""
        if is_inside(scope):
            return None
        person = self.logins.person(scope)
        if person is not None:
            scope[PERSON] = person
            return None
        if not self.logins.exist:
            return None if self.is_private and _came_by_loopback(scope) else PlainTextResponse(UNSET, 403)
        return self._asked(scope)

    def _asked(self, scope: Scope) -> Response:
        wait_s = self.logins.wait_s(client_of(scope))
        if wait_s:
            return PlainTextResponse(TOO_OFTEN, 429, {"Retry-After": str(math.ceil(wait_s))})
        if (
            self.login is not None
            and scope["method"] == "GET"
            and "text/html" in Headers(scope=scope).get("accept", "")
        ):
            path = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
            return RedirectResponse(f"{self.login}?next={quote(path, safe='/')}", 303)
        return PlainTextResponse(ASKED, 401, {"WWW-Authenticate": 'Bearer realm="management"'})


UNSET = (
    "The management plane listens beyond this machine, and no token is configured.\n"
    "Set console: {token: {env: NAME}} or {token: {file: PATH}}, or let management listen on 127.0.0.1.\n"
)
TOO_OFTEN = "Too many wrong tokens; wait a minute.\n"
ASKED = "Send the console's token: Authorization: Bearer TOKEN\n"


INSIDE = "gateway.inside"
"""Where a request's scope says that only the gateway's own processes reach the socket over which it came."""


def is_inside(scope: Scope) -> bool:
    """Whether another process of this gateway asks: over a worker's own socket, in a private directory."""
    return scope.get(INSIDE) is True


def _came_by_loopback(scope: Scope) -> bool:
    """Whether the connection's own address is loopback; a socket that was passed in may be another than configured."""
    local = scope.get("server")
    address = None if local is None else _address(str(local[0]))
    return address is None or address.is_loopback


class Guard:
    """
    ASGI middleware.

    Args:
        host: The host under ``management`` in the configuration.
        names: Further names, ``management-hosts``.
        programs: Whether it protects what programs read: any IP address is accepted, and no host.
        token_rule: The rule about the token; None: it is never asked for.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        names: Collection[str] = (),
        programs: bool = False,
        token_rule: TokenRule | None = None,
    ) -> None:
        self._app = app
        self._host = host.lower()
        self._names = {"localhost", self._host, *(name.lower() for name in names)}
        self._programs = programs
        self._token_rule = token_rule

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421 if it names another host, 403 if another site made it, 401 or 403 if it lacks the token."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await (self._refusal(scope) or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        if not self._is_meant(scope):
            return PlainTextResponse("Not served under this name.\n", 421)
        if is_foreign(scope):
            return PlainTextResponse("Another site has made the browser send this.\n", 403)
        return None if self._token_rule is None else self._token_rule.refusal(scope)

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
        return ipaddress.ip_address(plain(text))
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return address is not None and address.is_loopback
