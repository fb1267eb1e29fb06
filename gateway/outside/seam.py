"""
What the engine expects of the world outside the process: calls, events and credentials.

Policies and tests know only these forms; the real clients are in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.telemetry.trace_context import TraceContext
    from gateway.wire.headers import Headers
    from gateway.wire.messages import Response
    from gateway.wire.upstream.way import HttpProxy, StoredCertificate


@dataclass(frozen=True, slots=True)
class Call:
    """
    An outgoing call of a policy.

    Attributes:
        timeout_s: Seconds for the whole call.
        trace: Of the request on whose behalf it is made; None while telemetry is off.
    """

    method: str
    url: str
    headers: Headers
    body: bytes
    timeout_s: float
    certificate: StoredCertificate | None = None
    proxy: HttpProxy | None = None
    trace: TraceContext | None = None


class HttpClient(Protocol):
    """Makes the calls of send-request; not for requests to backends."""

    def send(self, call: Call) -> Awaitable[Response]:
        """The answer, its body in memory and decoded; redirects are not followed. Raises UpstreamError."""


class CredentialSource(Protocol):
    """Tokens of the gateway's own identities: a managed identity in Azure, something else elsewhere."""

    def token(self, resource: str, client_id: str | None) -> str | Awaitable[str]:
        """An access token for *resource*. Raises UpstreamError: no token could be had."""


@dataclass(frozen=True, slots=True)
class Event:
    """
    What log-to-eventhub, send-service-bus-message and publish-to-dapr hand out.

    Attributes:
        kind: ``eventhub`` or ``servicebus``.
        destination: Logger id, queue or topic.
        properties: Partition, message properties: name and text.
    """

    kind: str
    destination: str
    content: bytes
    properties: tuple[tuple[str, str], ...] = ()


class EventSink(Protocol):
    """Where events go: a file, an HTTP endpoint, Azure. Its own failures are its own to log."""

    def write(self, event: Event) -> Awaitable[None] | None: ...
