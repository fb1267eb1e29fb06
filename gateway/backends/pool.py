"""
A pool of backends: round-robin, weighted, in groups of priority, and sticky sessions where configured.

Source: Microsoft, "Backends in API Management", load-balanced pool: a group of lower priority is used only while every
breaker of the groups above is open (https://learn.microsoft.com/azure/api-management/backends).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from typing import Protocol

from gateway.backends.backend import BackendInfo
from gateway.errors import CircuitOpen
from gateway.wire.messages import ForwardOptions, Request, Response, Url
from gateway.wire.pending import Pending, rejected


class PoolTarget(Protocol):
    """What a pool needs of its members: a backend, or another pool."""

    @property
    def info(self) -> BackendInfo: ...
    @property
    def url(self) -> Url: ...
    @property
    def available(self) -> bool: ...
    @property
    def has_credentials(self) -> bool: ...
    @property
    def open_for_s(self) -> float | None: ...
    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]: ...


@dataclass(frozen=True, slots=True)
class PoolMember:
    """
    One backend in a pool.

    Attributes:
        weight: Its share among the members of its group, 1 to 100; 0 excludes it.
        priority: Its group; 1 comes first.
    """

    target: PoolTarget
    weight: int
    priority: int


@dataclass(frozen=True, slots=True)
class SessionAffinity:
    """Callers return to the same member by the cookie *cookie_name*."""

    cookie_name: str = "SessionId"


class BackendPool:
    """
    A Target over several. With every breaker open: CircuitOpen, a 503 BackendConnectionFailure.

    A failed call is not sent to another member here: the retry policy does that, and knows whether it may.

    Attributes:
        info: ``context.Backend``.
    """

    __slots__ = ("_affinity", "_groups", "_sticky", "info")

    def __init__(self, id: str, members: Sequence[PoolMember], affinity: SessionAffinity | None = None) -> None:
        """Raises ValueError when no member has a weight."""
        weighted = sorted((member for member in members if member.weight > 0), key=lambda member: member.priority)
        if not weighted:
            raise ValueError(f"pool {id!r} has no member with a weight above 0")
        self.info = BackendInfo(id, "Pool")
        self._groups = [_Group(list(group)) for _, group in groupby(weighted, key=lambda member: member.priority)]
        self._affinity = affinity
        # A hash in the cookie reveals nothing about the member.
        self._sticky = {
            sha256(f"{id}/{member.target.info.id}".encode()).hexdigest()[:16]: member.target for member in weighted
        }

    @property
    def url(self) -> Url:
        """The URL of the first member: which one gets a request is known only when it is sent."""
        return self._groups[0].members[0].target.url

    @property
    def members(self) -> list[PoolMember]:
        """Those with a weight, by priority."""
        return [member for group in self._groups for member in group.members]

    @property
    def available(self) -> bool:
        """Whether any member takes requests."""
        return any(member.target.available for member in self.members)

    @property
    def has_credentials(self) -> bool:
        """Whether requests to any member get credentials of its own."""
        return any(member.target.has_credentials for member in self.members)

    @property
    def open_for_s(self) -> float:
        """Seconds until a member takes requests; 0 while one does."""
        return min(member.target.open_for_s or 0.0 for member in self.members)

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """Send *request* to the next member. Errors: UpstreamError."""
        if self._affinity is not None:
            return self._send_in_session(self._affinity.cookie_name, request, options)
        target = self._next()
        return self._none() if target is None else target.send(request, options)

    def _send_in_session(self, cookie_name: str, request: Request, options: ForwardOptions) -> Pending[Response]:
        known = self._sticky.get(_cookie(request, cookie_name))
        if known is not None and known.available:
            return known.send(request, options)
        target = self._next()
        if target is None:
            return self._none()
        token = next(token for token, member in self._sticky.items() if member is target)
        secure = "; Secure" if request.scheme == "https" else ""
        return target.send(request, options).map(
            lambda response: _with_cookie(response, f"{cookie_name}={token}; Path=/; HttpOnly{secure}")
        )

    def _next(self) -> PoolTarget | None:
        for group in self._groups:
            target = group.next()
            if target is not None:
                return target
        return None

    def _none(self) -> Pending[Response]:
        message = f"Backend pool '{self.info.id}' is temporarily unavailable: every member's circuit breaker is open."
        return rejected(CircuitOpen(message, self.open_for_s))


class _Group:
    """
    Members of one priority, taken in turn by weight.

    Smooth weighted round-robin: each turn every available member gains its weight as credit, and the member with the
    most credit is taken and pays the sum of all weights. 5, 1, 1 gives A A B A C A A, not five A in a row. Equal
    weights are plain round-robin.
    """

    __slots__ = ("_credit", "members")

    def __init__(self, members: list[PoolMember]) -> None:
        self.members = members
        self._credit = [0] * len(members)

    def next(self) -> PoolTarget | None:
        total, chosen = 0, -1
        for index, member in enumerate(self.members):
            if not member.target.available:
                continue
            total += member.weight
            self._credit[index] += member.weight
            if chosen < 0 or self._credit[index] > self._credit[chosen]:
                chosen = index
        if chosen < 0:
            return None
        self._credit[chosen] -= total
        return self.members[chosen].target


def _cookie(request: Request, name: str) -> str:
    """The value of the cookie *name*, empty when it is absent. Source: RFC 6265 §4.2."""
    pairs = (pair.strip() for line in request.headers.values("Cookie") for pair in line.split(";"))
    for pair in pairs:
        pair_name, _, value = pair.partition("=")
        if pair_name == name:
            return value.strip('"')
    return ""


def _with_cookie(response: Response, cookie: str) -> Response:
    response.headers.append("Set-Cookie", cookie)
    return response
