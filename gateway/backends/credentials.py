"""
What a backend wants to see from the gateway: header fields, query parameters, an Authorization.

They are put on a copy of the request as it leaves: policies, traces and retries never see them.

Source: APIM "Backends", authorization credentials.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus

from gateway.wire.messages import Request


@dataclass(frozen=True, slots=True)
class Credentials:
    """
    Credentials of one backend; each replaces what the client sent under that name.

    Attributes:
        headers: Name and values.
        query: Name and value, not yet percent-encoded.
        authorization: The whole value of the Authorization field: ``Bearer …``.
    """

    headers: tuple[tuple[str, tuple[str, ...]], ...] = field(default=(), repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    authorization: str = field(default="", repr=False)

    def applied(self, request: Request) -> Request:
        """A copy of *request* that carries the credentials; the body is shared, for it can only be sent once."""
        twin = _copy(request)
        for name, values in self.headers:
            twin.headers.replace(name, *values)
        if self.authorization:
            twin.headers.replace("Authorization", self.authorization)
        if self.query:
            twin.query = _with_parameters(request.query, self.query)
        return twin


def _copy(request: Request) -> Request:
    """*request* with headers of its own. Slot by slot, because ``copy.copy`` takes longer than all the rest here."""
    twin = Request.__new__(Request)
    for name in Request.__slots__:
        setattr(twin, name, getattr(request, name))
    twin.headers = request.headers.copy()
    return twin


def _with_parameters(query: str, parameters: tuple[tuple[str, str], ...]) -> str:
    """*query* with *parameters* at its end and no other of their names, however those are spelled."""
    names = {name for name, _ in parameters}
    kept = [term for term in query.split("&") if term and unquote_plus(term.partition("=")[0]) not in names]
    return "&".join([*kept, *(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters)])
