"""One request on its way to a backend, from the moment it is sent until the answer's head is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gateway.errors import UpstreamError
from gateway.wire.messages import Request, Response
from gateway.wire.pending import Pending

if TYPE_CHECKING:
    from gateway.wire.sweeper import Sweeper
    from gateway.wire.upstream.connection import UpstreamConnection

MAX_INTERIM = 16  # 1xx answers to one request

# Source: RFC 9110 §9.2.2.
_IDEMPOTENT = frozenset(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])


class Queue(Protocol):
    """Where exchanges wait for a connection."""

    @property
    def sweeper(self) -> Sweeper: ...
    def withdraw(self, exchange: Any) -> None: ...


class UpstreamExchange(Pending[Response]):
    """
    One request and the promise of its answer.

    Attributes:
        head: The request's head as it goes out.
        chunked: Whether the body goes out in chunks.
        repeatable: Whether it may be sent again although the backend may have seen it. Source: RFC 9112 §9.3.1.
        timeout_s: From the end of the request to the answer's head.
        resends: How often a stale connection has cost this request an attempt.
    """

    __slots__ = ("_pool", "chunked", "connection", "deadline", "head", "repeatable", "request", "resends", "timeout_s")

    def __init__(self, pool: Queue, request: Request, head: bytes, chunked: bool, timeout_s: float) -> None:
        super().__init__(self._abandon)
        self._pool = pool
        self.timeout_s = timeout_s
        self.request = request
        self.head = head
        self.chunked = chunked
        self.resends = 0
        self.deadline = pool.sweeper.deadline(timeout_s)
        self.connection: UpstreamConnection | None = None
        self.repeatable = request.body is None and request.method in _IDEMPOTENT and not request.upgrade

    @property
    def may_resend(self) -> bool:
        """Whether a connection that turned out to be closed may cost a second attempt; there is no third."""
        return self.repeatable and not self.resends and not self.done

    def sweep(self, now: float) -> None:
        """Give up when no connection was free in time."""
        if now >= self.deadline:
            self._pool.withdraw(self)
            self.time_out()

    def time_out(self) -> None:
        """The answer's head did not come in time."""
        self.reject(UpstreamError("Timeout", f"The backend did not answer within {self.timeout_s:g} s.", 504))

    def refuse(self, message: str, status: int = 502) -> None:
        """The request cannot be answered."""
        self.reject(UpstreamError("BackendConnectionFailure", message, status))

    def _abandon(self) -> None:
        """Nobody waits any more."""
        self.done = True
        if self.connection is not None:
            self.connection.abort()
        else:
            self._pool.withdraw(self)
