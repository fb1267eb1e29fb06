"""What a client of gRPC is asked to do, whichever client it is."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from google.protobuf.wrappers_pb2 import StringValue

from tests.acceptance.grpc_rig import SERVICE
from tests.acceptance.test_grpc import Ended


class Way(StrEnum):
    """How a call reaches the gateway."""

    CLEAR = "gRPC (HTTP/2, clear)"
    TLS = "gRPC over TLS"
    WEB = "gRPC-Web"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the gateway listens; *ca* is the authority of its certificate, None: it has no TLS."""

    address: str
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """
    One call to the service, or to a route to it that has a policy.

    Attributes:
        method: Its kind, as `grpc_rig.KINDS` names them.
        messages: Texts; one, if *method* sends one message.
    """

    method: str
    messages: tuple[bytes, ...]
    route: str = SERVICE
    metadata: tuple[tuple[str, str | bytes], ...] = ()
    timeout_s: float | None = None


def write(text: bytes) -> bytes:
    """*text* as a message."""
    message: bytes = StringValue(value=text.decode()).SerializeToString()
    return message


def read(message: bytes) -> bytes:
    """The text of a message."""
    text: str = StringValue.FromString(message).value
    return text.encode()


def unpadded(value: str) -> bytes:
    """The octets of a value of metadata whose name ends in ``-bin``, which may lack its padding."""
    return b64decode(value + "=" * (-len(value) % 4))


class Caller(Protocol):
    """A client, ready for use."""

    async def call(self, call: Call) -> Ended:
        """Make *call*, to its end."""

    async def talk(self, *texts: bytes) -> list[bytes]:
        """Send *texts* on one stream, each after the answer to the one before it; the answers."""

    async def cancel(self, call: Call, has_begun: Callable[[], bool]) -> None:
        """Make *call*, and cancel it as soon as it *has_begun*."""

    async def health(self) -> str:
        """The status of the server, by grpc.health.v1."""

    async def services(self) -> list[str]:
        """The services that reflection lists."""

    async def aclose(self) -> None:
        """End what was started."""
