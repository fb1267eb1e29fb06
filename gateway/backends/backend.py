"""One backend: an upstream, the credentials it needs, and its circuit breaker."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Literal

from gateway.backends.circuit_breaker import CircuitBreaker
from gateway.backends.credentials import Credentials
from gateway.errors import UpstreamError
from gateway.wire.grpc.status import as_http
from gateway.wire.messages import ForwardOptions, RemoteCall, Request, Response, Target, Url
from gateway.wire.pending import Pending, rejected


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """``context.Backend``."""

    id: str
    type: Literal["Single", "Pool"] = "Single"
    azure_region: str = ""


class Backend:
    """
    A Target with a name. While its breaker is open it answers with UpstreamError 503, BackendConnectionFailure.

    Attributes:
        info: ``context.Backend``.
        send: Sends a request. Errors: UpstreamError. The target's own method where nothing is added or watched.
    """

    __slots__ = ("_breaker", "_clock", "_credentials", "_target", "info", "send")

    def __init__(
        self,
        id: str,
        target: Target,
        credentials: Credentials | None = None,
        breaker: CircuitBreaker | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """*clock*: seconds, monotonic."""
        self.info = BackendInfo(id)
        self._target = target
        self._credentials = credentials
        self._breaker = breaker
        self._clock = clock
        plain = credentials is None and breaker is None
        self.send: Callable[[Request, ForwardOptions], Pending[Response]] = target.send if plain else self._guarded

    @property
    def url(self) -> Url:
        """The upstream's URL."""
        return self._target.url

    @property
    def target(self) -> Target:
        """The upstream, or the application."""
        return self._target

    @property
    def open_for_s(self) -> float | None:
        """Seconds for which its breaker stays open; 0 while it is closed; None: it has none."""
        return None if self._breaker is None else self._breaker.open_for_s(self._clock())

    @property
    def available(self) -> bool:
        """Whether requests may be sent: the breaker is closed."""
        return self._breaker is None or not self._breaker.is_open(self._clock())

    def _guarded(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        if self._breaker is None:
            return self._send(request, options)
        if self._breaker.is_open(self._clock()):
            message = f"Backend '{self.info.id}' is not available: its circuit breaker is open."
            return unavailable(message, self.open_for_s)
        return _watched(self._send(request, options), self._breaker, self._clock, request.call)

    def _send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        outgoing = request if self._credentials is None else self._credentials.applied(request)
        return self._target.send(outgoing, options)


def unavailable(message: str, open_for_s: float | None = None) -> Pending[Response]:
    """The answer while no request may be sent, perhaps for *open_for_s* seconds more."""
    error = UpstreamError("BackendConnectionFailure", message, 503)
    error.expected = {"circuit": "closed"}
    error.found = {"circuit": "open", "for_s": None if open_for_s is None else round(open_for_s, 1)}
    return rejected(error)


def _watched(
    sent: Pending[Response], breaker: CircuitBreaker, clock: Callable[[], float], call: RemoteCall | None
) -> Pending[Response]:
    """
    *sent*, with its outcome reported to *breaker* when it is known: of a gRPC *call*, when its grpc-status is there.
    A cancelled call has none, and one that its caller's own deadline ends counts for nothing: anybody may write that.
    """
    watched: Pending[Response] = Pending(sent.cancel)

    def record(done: Pending[Response]) -> None:
        try:
            response = done.result()
        except Exception as error:
            if call is None or not call.gave_up:
                breaker.record(clock(), failed=breaker.rule.is_failing_error(error))
            watched.reject(error)
            return
        if call is not None and response.status_code == 200:
            call.watch(partial(_record_call, breaker, clock))
            watched.resolve(response)
            return
        failed = breaker.rule.is_failing_status(response.status_code)
        breaker.record(clock(), failed=failed, retry_after_s=_retry_after_s(response) if failed else None)
        watched.resolve(response)

    sent.then(record)
    return watched


def _record_call(breaker: CircuitBreaker, clock: Callable[[], float], grpc_status: int) -> None:
    breaker.record(clock(), failed=breaker.rule.is_failing_status(as_http(grpc_status)))


def _retry_after_s(response: Response) -> float | None:
    """``Retry-After`` in seconds, from either of its forms; None without a valid one. Source: RFC 9110 §10.2.3."""
    value = response.headers.first("Retry-After") or ""
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
