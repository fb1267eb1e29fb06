"""What a client is asked to do and what it has seen, whichever client it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Line(StrEnum):
    """How a client reaches the gateway."""

    HTTP1 = "HTTP/1.1"
    HTTP1_TLS = "HTTP/1.1 over TLS"
    H2C = "HTTP/2 without TLS"
    H2 = "HTTP/2 over TLS"

    @property
    def is_secure(self) -> bool:
        """Whether TLS is underneath."""
        return self in (Line.HTTP1_TLS, Line.H2)

    @property
    def version(self) -> int:
        """1 or 2."""
        return 2 if self in (Line.H2C, Line.H2) else 1


@dataclass(frozen=True, slots=True)
class Ask:
    """One request; *fields* may be repeated by a line end in a value, which becomes several fields."""

    path: str
    method: str = "GET"
    fields: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """
    An answer as the client reports it.

    Attributes:
        version: 1 or 2, by the client's own word.
        fields, trailers: By lower-case name.
        length: Octets of content.
        body: The content, where the client shows it.
    """

    version: int
    status: int
    fields: Mapping[str, str]
    length: int
    body: bytes = b""
    trailers: Mapping[str, str] = field(default_factory=dict)


class Client(Protocol):
    """A client, ready for use."""

    async def call(self, line: Line, origin: str, ask: Ask) -> Seen:
        """Send *ask* to *origin*."""

    async def aclose(self) -> None:
        """End what was started."""
