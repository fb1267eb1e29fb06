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
from gateway.errors import CircuitOpen
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
    A Target with a name. While its breaker is open its requests end with CircuitOpen: 503, BackendConnectionFailure.

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
    def has_credentials(self) -> bool:
        """Whether requests to it get credentials of its own."""
        return self._credentials is not None

    @property
    def open_for_s(self) -> float | None:
        """Seconds for which its breaker stays open; 0 while it is closed; None: it has none."""
        return None if self._breaker is None else self._breaker.open_for_s(self._clock())

    @property
    def available(self) -> bool:
        """Whether requests may be sent: the breaker is closed."""
        return self._breaker is None or not self._breaker.is_open(self._clock())

    def _guarded(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        if not self.available:
            message = f"Backend '{self.info.id}' is temporarily unavailable: its circuit breaker is open."
            return rejected(CircuitOpen(message, self.open_for_s))
        return self._authorized(request, options)

    def _authorized(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """Send with the credentials. That a token cannot be had is no failure of the backend, so it is not watched."""
        if self._credentials is None:
            return self._sent(request, options)
        identity = self._credentials.identity
        if identity is None:
            return self._sent(self._credentials.applied(request), options)
        applied = self._credentials.applied
        return identity.sent(lambda authorization: self._sent(applied(request, authorization), options))

    def _sent(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        sent = self._target.send(request, options)
        return sent if self._breaker is None else _watched(sent, self._breaker, self._clock, request.call)


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
    """
    Seconds after which to come again: ``retry-after-ms`` of models, which is finer, or ``Retry-After`` in either of its
    forms; None without a valid one.

    Source: RFC 9110 §10.2.3; Microsoft Learn, Azure OpenAI "Provisioned throughput", on 429.
    """
    milliseconds = _whole_number(response.headers.first("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = response.headers.first("Retry-After") or ""
    seconds = _whole_number(value)
    return _until_s(value) if seconds is None else seconds


def _whole_number(text: str | None) -> float | None:
    return float(text[:12]) if text and text.isascii() and text.isdecimal() else None


def _until_s(value: str) -> float | None:
    """Seconds until the date *value*; None if it is none."""
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
