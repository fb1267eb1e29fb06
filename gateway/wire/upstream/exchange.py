"""One request on its way to a backend, from the moment it is sent until the answer's head is there."""

from __future__ import annotations

from typing import Any, Protocol

from gateway.errors import Unreached, UpstreamError
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.pending import Pending
from gateway.wire.sweeper import Sweeper
from gateway.wire.upstream.connection_login import logs_connection_in
from gateway.wire.upstream.response_head import ResponseHead

# Source: RFC 9110 §9.2.2.
_IDEMPOTENT = frozenset(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])


class Queue(Protocol):
    """Where exchanges wait for a connection."""

    @property
    def sweeper(self) -> Sweeper:
        """Looks after their deadlines."""

    def withdraw(self, exchange: Any) -> None:
        """*exchange* no longer needs a connection."""


class Carrier(Protocol):
    """The connection that an exchange is on."""

    def abort(self) -> None:
        """Break the exchange off."""


class UpstreamExchange(Pending[Response]):
    """
    One request and the promise of its answer.

    Attributes:
        head: The request's head as it goes out.
        chunked: Whether the body goes out in chunks.
        repeatable: Whether it may be sent again although the backend may have seen it. Source: RFC 9112 §9.3.1.
        timeout_s: From the end of the request to the answer's head.
        deadline: When waiting for a connection, and then for the answer, ends; in the event loop's time.
        resends: How often a stale connection has cost this request an attempt.
        logs_in: Whether it logs its connection in, which no other request may use then.
        carrier: Its connection; None while it waits for one, and once it is answered.
    """

    __slots__ = (
        "_queue", "carrier", "chunked", "deadline", "head", "logs_in", "repeatable", "request", "resends", "timeout_s",
    )  # fmt: skip

    def __init__(self, queue: Queue, request: Request, head: bytes, chunked: bool, timeout_s: float) -> None:
        super().__init__(self._abandon)
        self._queue = queue
        self.timeout_s = timeout_s
        self.request = request
        self.head = head
        self.chunked = chunked
        self.resends = 0
        self.deadline = queue.sweeper.now + queue.sweeper.interval_s + timeout_s
        self.carrier: Carrier | None = None
        self.logs_in = logs_connection_in(request.headers)
        self.repeatable = request.body is None and request.method in _IDEMPOTENT and not request.upgrade

    @property
    def may_resend(self) -> bool:
        """Whether a connection that turned out to be closed may cost a second attempt; there is no third."""
        return self.repeatable and not self.resends and not self.done

    def sweep(self, now: float) -> None:
        """Give up when no connection was free in time."""
        if now >= self.deadline:
            self._queue.withdraw(self)
            self.time_out()

    def inform(self, head: ResponseHead) -> None:
        """
        Pass an interim answer on to the client.

        100 stays here: the gateway has answered ``Expect`` itself and does not pass it on. Source: RFC 9110 §15.2.
        """
        if self.request.interim is not None and head.status != 100:
            self.request.interim(Response(head.status, Headers.from_lines(head.lines.copy()), None, head.reason))

    def time_out(self) -> None:
        """The answer's head did not come in time."""
        error = UpstreamError("Timeout", f"The backend did not answer within {self.timeout_s:g} s.", 504)
        error.expected, error.found = {"answer_within_s": self.timeout_s}, "no answer"
        self.reject(error)

    def refuse(self, message: str, status: int = 502) -> None:
        """The request cannot be answered."""
        self.reject(UpstreamError("BackendConnectionFailure", message, status))

    def give_up(self, message: str, status: int = 502) -> None:
        """The request has no connection, so nothing of it was sent."""
        self.reject(Unreached("BackendConnectionFailure", message, status))

    def _abandon(self) -> None:
        """The caller waits no more."""
        self.done = True
        if self.carrier is not None:
            self.carrier.abort()
        else:
            self._queue.withdraw(self)
