"""
What a backend requires of the gateway: header fields, query parameters, an Authorization.

They are added to a copy of the request as it leaves: policies, traces and retries never see them.

Source: Microsoft, "Backends in API Management", authorization credentials
(https://learn.microsoft.com/azure/api-management/backends).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus

from gateway.backends.identity import BackendIdentity
from gateway.wire.messages import Request


@dataclass(frozen=True, slots=True)
class Credentials:
    """
    Credentials of one backend; each replaces what the client sent under that name.

    Attributes:
        headers: Name and values.
        query: Name and value, not yet percent-encoded.
        authorization: The whole value of the Authorization field: ``Bearer …``.
        identity: Gives that value where it is a token of the gateway's own identity.
    """

    headers: tuple[tuple[str, tuple[str, ...]], ...] = field(default=(), repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    authorization: str = field(default="", repr=False)
    identity: BackendIdentity | None = field(default=None, repr=False)

    def applied(self, request: Request, token: str = "") -> Request:
        """
        A copy of *request* that carries the credentials; the body is shared, since it can only be sent once.

        Args:
            token: The value of Authorization that *identity* gave.
        """
        copy = _copy(request)
        for name, values in self.headers:
            copy.headers.replace(name, *values)
        if token or self.authorization:
            copy.headers.replace("Authorization", token or self.authorization)
        if self.query:
            copy.query = _with_parameters(request.query, self.query)
        return copy


def _copy(request: Request) -> Request:
    """*request* with headers of its own; slot by slot, because ``copy.copy`` takes longer than everything else here."""
    copy = Request.__new__(Request)
    for name in Request.__slots__:
        setattr(copy, name, getattr(request, name))
    copy.headers = request.headers.copy()
    return copy


def _with_parameters(query: str, parameters: tuple[tuple[str, str], ...]) -> str:
    """*query* with *parameters* at its end in place of all others of their names, however those are encoded."""
    names = {name for name, _ in parameters}
    kept = [term for term in query.split("&") if term and unquote_plus(term.partition("=")[0]) not in names]
    return "&".join([*kept, *(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters)])
