"""What a row of the tables is, and the words for outcomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tests.wire.server.http2.frames import Code
from tests.wire.server.http2.raw_client import RawClient

Settings: TypeAlias = dict[int, int]


@dataclass(frozen=True, slots=True)
class Content:
    """Wait until *octets* of *stream* have come."""

    stream: int
    octets: int


@dataclass(frozen=True, slots=True)
class Interim:
    """Wait until *stream* has had the head of an answer, interim or not."""

    stream: int


Step: TypeAlias = "bytes | int | Content | Interim | Callable[[Settings], bytes]"
"""Bytes to send, made from the server's settings where they depend on those; or a stream whose end is awaited."""

IGNORED = "ignored"
CLOSED = "closed"
SILENT = "no answer to the next request"
UNTIMELY = "the next request fails"


def connection(code: Code) -> str:
    """A connection error."""
    return f"connection {code.name}"


def stream(code: Code) -> str:
    """A stream error; the connection goes on."""
    return f"stream {code.name}"


PROTOCOL = (connection(Code.PROTOCOL_ERROR),)
SIZE = (connection(Code.FRAME_SIZE_ERROR),)
COMPRESSION = (connection(Code.COMPRESSION_ERROR),)
FLOW = (connection(Code.FLOW_CONTROL_ERROR),)
STREAM_PROTOCOL = (stream(Code.PROTOCOL_ERROR),)
MALFORMED = (stream(Code.PROTOCOL_ERROR), "400")
"""A malformed request: a stream error, before which a server may answer. Source: RFC 9113 §8.1.1."""
ACCEPTED = ("200",)
NO_EFFECT = (IGNORED,)


def no_check(client: RawClient, received: bytes) -> bool:
    """Every outcome that fits is right."""
    return True


@dataclass(frozen=True, slots=True)
class Row:
    """
    One demand on a server.

    Attributes:
        section: Where it is written.
        what: What the client sends.
        steps: That, in bytes.
        right: Outcomes, any of which is right.
        stream: The stream that the outcome is about.
        raw: Without the prefaces, which are then part of *steps*.
        announced: The client's settings.
        check: What must hold as well, of the client and of the complete requests that the backend received.
        probe: The stream of the request that shows whether the connection still works; 0: there is none.
        needs: A setting without which the row means nothing to this server.
    """

    section: str
    what: str
    steps: Sequence[Step]
    right: tuple[str, ...]
    stream: int = 1
    raw: bool = False
    announced: tuple[tuple[int, int], ...] = ()
    check: Callable[[RawClient, bytes], bool] = no_check
    probe: int = 101
    needs: int | None = None

    @property
    def name(self) -> str:
        """Unique among all rows."""
        return f"{self.section} {self.what}"


@dataclass(frozen=True, slots=True)
class NotOurs:
    """A demand that is not made on the receiver of a server, or that no test from outside can see."""

    section: str
    demand: str
    reason: str
