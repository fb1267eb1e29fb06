"""
How a caller of the management plane shows who it is: the token as a bearer, a session after a login, a trusted proxy.

Source: RFC 6750 §2.1; RFC 6265bis, "SameSite"; OWASP "Session Management Cheat Sheet".
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from gateway.management.attempts import Attempts, plain
from gateway.management.sessions import LASTS_S, Sessions

COOKIE = "gateway-console"
PERSON = "gateway.person"
"""Where an application finds, in its scope, the ``Person`` that calls it; missing: nobody is logged in."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LONGEST_NAME = 200

Way = Literal["bearer", "session", "proxy"]


@dataclass(frozen=True, slots=True)
class Person:
    """
    Who calls.

    Attributes:
        name: For the log: as the proxy names them, or how they logged in.
        csrf: What a form must send along; empty for programs, whose token no other site can send.
    """

    name: str
    way: Way
    csrf: str = ""


@dataclass(slots=True)
class Logins:
    """
    What this process knows of logins; it outlives a reload that changes nothing of it.

    Attributes:
        token: What callers must show; None: none is configured.
        header: In which a proxy names whom it has logged in; None: none is believed.
        proxies: Networks of those proxies.
    """

    token: str | None = None
    header: str | None = None
    proxies: Sequence[Network] = ()
    sessions: Sessions = field(default_factory=Sessions)
    attempts: Attempts = field(default_factory=Attempts)
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @property
    def exist(self) -> bool:
        """Whether anybody can log in."""
        return self.token is not None or self.header is not None

    def same(self, other: Logins) -> bool:
        """Whether *other* believes the same."""
        mine, others = (self.token, self.header, self.proxies), (other.token, other.header, other.proxies)
        return mine == others

    def person(self, scope: Scope) -> Person | None:
        """Who sends a request; None: it does not say, or nobody is believed."""
        return self._by_bearer(scope) or self._by_session(scope) or self._by_proxy(scope)

    def begin(self, token: str, client: str) -> str | None:
        """The id of a new session for the right *token*; None for a wrong one, which counts against *client*."""
        if self.wait_s(client) or self.token is None:
            return None
        if not is_equal(token, self.token):
            self.attempts.failed(client)
            return None
        return self.sessions.begin()

    def wait_s(self, client: str) -> float:
        """Seconds until *client* may try another token."""
        return self.attempts.wait_s(client)

    def _by_bearer(self, scope: Scope) -> Person | None:
        fields, client = Headers(scope=scope).getlist("authorization"), client_of(scope)
        scheme, _, shown = fields[0].partition(" ") if len(fields) == 1 else ("", "", "")
        if self.token is None or scheme.lower() != "bearer" or self.wait_s(client):
            return None
        if is_equal(shown.strip(), self.token):
            return Person("token", "bearer")
        self.attempts.failed(client)
        return None

    def _by_session(self, scope: Scope) -> Person | None:
        session_id = HTTPConnection(scope).cookies.get(COOKIE, "")
        session = self.sessions.find(session_id) if session_id and self.token is not None else None
        return None if session is None else Person("console login", "session", session.csrf)

    def _by_proxy(self, scope: Scope) -> Person | None:
        names = [] if self.header is None else Headers(scope=scope).getlist(self.header)
        if len(names) != 1 or not 0 < len(names[0]) <= LONGEST_NAME or not self._is_trusted(client_of(scope)):
            return None
        csrf = hmac.digest(self._secret, names[0].encode("utf-8", "replace"), "sha256").hex()
        return Person(names[0], "proxy", csrf)

    def _is_trusted(self, client: str) -> bool:
        try:
            address = ipaddress.ip_address(client)
        except ValueError:
            return False
        return any(address in network for network in self.proxies)


def client_of(scope: Scope) -> str:
    """The address at the other end of the connection."""
    client = scope.get("client")
    return "" if client is None else plain(str(client[0]))


def cookie(session_id: str, is_encrypted: bool) -> str:
    """``Set-Cookie`` for a session; for an empty id, the one that ends it. *is_encrypted*: for https only."""
    age = int(LASTS_S) if session_id else 0
    secure = "; Secure" if is_encrypted else ""
    return f"{COOKIE}={session_id}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"


def is_equal(shown: str, token: str) -> bool:
    """Whether two secrets are the same, in a time that does not tell how much of them is."""
    return hmac.compare_digest(shown.encode("utf-8", "replace"), token.encode())
