"""What policies need from outside the engine: created by the assembly, passed in at compile time, never global."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gateway.counters import ConcurrencySlots, MemoryCounters
from gateway.pipeline.background import Background
from gateway.pipeline.beside import Beside, shared
from gateway.pipeline.model_services import ModelServices
from gateway.value_cache import Caches, MemoryCache

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from gateway.counters import Counters
    from gateway.outside.seam import CredentialSource, EventSink, HttpClient
    from gateway.tokens.cache import TokenCache
    from gateway.tokens.registry import IssuerRegistry
    from gateway.wire.messages import Target
    from gateway.wire.upstream.way import StoredCertificate


# Settings of ``pipeline/limits``; the numbers are here because checking a document does without the settings' library.
BODY_BUFFER_BYTES = 10 * 1024 * 1024
EXPRESSION_TIME_S = 0.25


class Targets(Protocol):
    """Turns base URLs and backend ids into targets. Raises LoadError-free ``KeyError`` for an unknown id."""

    def for_url(self, base_url: str) -> Target: ...
    def for_id(self, backend_id: str) -> Target: ...


class ClientAuthorities(Protocol):
    """The authorities that the listener's client certificates lead to."""

    def issuer_of(self, certificate: Certificate) -> Certificate | None:
        """The authority that has issued *certificate*; None: it is not known here."""

    def revocation(self, certificate: Certificate) -> str | Awaitable[str]:
        """Why *certificate* is refused: it is revoked, or its status is unknown. Empty: it is good."""


class MetricSink(Protocol):
    """Where emit-metric counts."""

    def emit(self, namespace: str, name: str, value: float, dimensions: tuple[tuple[str, str], ...]) -> None: ...


@dataclass(frozen=True, slots=True)
class Services:
    """
    The outside world of the policies.

    Attributes:
        targets: Where requests can go.
        issuers: Shared key sets by metadata URL.
        token_cache: Verdicts of tokens that passed; None: every token is verified in full.
        schemas: Text of JSON and XML schemas by id, for validate-content.
        certificates: By id and by thumbprint.
        client_authorities: Of the listener's client certificates; None: it asks for none.
        counters, caches: Shared state: in memory, or in Redis.
        slots: Of limit-concurrency, in this process.
        http: Client for control traffic (send-request).
        credentials: Tokens for managed identities.
        sink: Where log-to-eventhub and its kin write.
        metrics: Where emit-metric counts.
        background: Work that runs after the answer.
        beside: Work on bodies that is too long for the loop.
        now: Seconds since the epoch.
        max_body_bytes: The largest body that is held in memory.
        models: What the policies for language models ask of other services.
        expression_time_s: Processor time of one evaluation, before it reads large documents.
    """

    targets: Targets
    issuers: IssuerRegistry | None = None
    token_cache: TokenCache | None = None
    schemas: Mapping[str, bytes] = field(default_factory=dict)
    certificates: Mapping[str, StoredCertificate] = field(default_factory=dict)
    client_authorities: ClientAuthorities | None = None
    counters: Counters = field(default_factory=MemoryCounters)
    slots: ConcurrencySlots = field(default_factory=ConcurrencySlots)
    caches: Caches = field(default_factory=lambda: Caches(MemoryCache()))
    http: HttpClient | None = None
    credentials: CredentialSource | None = None
    sink: EventSink | None = None
    metrics: MetricSink | None = None
    background: Background = field(default_factory=Background)
    beside: Beside = field(default_factory=shared)
    now: Callable[[], float] = time.time
    max_body_bytes: int = BODY_BUFFER_BYTES
    expression_time_s: float = EXPRESSION_TIME_S
    models: ModelServices = field(default_factory=ModelServices)
