"""
The circuit breaker of one backend: after too many failures no requests are sent for a while.

Pure: time is a parameter, in seconds of any monotonic clock.

Source: Microsoft, "Backends in API Management", circuit breaker: one rule; open for the trip duration, then closed with
a clean slate (https://learn.microsoft.com/azure/api-management/backends).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from gateway.errors import UpstreamError

_BUCKETS = 10
# A backend that asks for ten years must not be able to switch itself off forever.
MAX_RETRY_AFTER_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """
    When a breaker trips, and for how long.

    Attributes:
        interval_s, trip_s: Seconds in which failures count; seconds without a call after the trip.
        count: Failures within the interval that trip it.
        percentage: Share of failures within the interval, 1 to 100, that trips it, from *min_requests* requests on
            (APIM names no such minimum; without one the first failure would be 100 %).
        status_ranges: Answers that are failures, both ends included.
        error_reasons: Errors that are failures, such as ``Timeout``; one whose status lies in a range is one too.
        accept_retry_after: Whether the failing answer's ``Retry-After`` replaces *trip_s*.
    """

    interval_s: float
    trip_s: float
    count: int | None
    percentage: int | None
    status_ranges: tuple[tuple[int, int], ...]
    error_reasons: frozenset[str]
    accept_retry_after: bool
    min_requests: int = 5
    _failing: frozenset[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        failing = frozenset(status for low, high in self.status_ranges for status in range(low, high + 1))
        object.__setattr__(self, "_failing", failing)

    def is_failing_status(self, status: int) -> bool:
        """Whether an answer with *status* counts as a failure."""
        return status in self._failing

    def is_failing_error(self, error: BaseException) -> bool:
        """Whether *error* counts as a failure. Only errors of the backend do."""
        if not isinstance(error, UpstreamError):
            return False
        return error.reason in self.error_reasons or self.is_failing_status(error.status)


@dataclass(slots=True)
class CircuitBreaker:
    """The state of one backend's breaker in this process."""

    rule: BreakerRule
    _open_until: float = float("-inf")
    _failures: deque[float] = field(default_factory=deque)
    _window: _Window = field(init=False)

    def __post_init__(self) -> None:
        self._window = _Window(self.rule.interval_s / _BUCKETS)

    def is_open(self, now: float) -> bool:
        """Whether no requests are sent."""
        return now < self._open_until

    def open_for_s(self, now: float) -> float:
        """Seconds until requests are sent again; 0 while it is closed."""
        return max(0.0, self._open_until - now)

    def record(self, now: float, *, failed: bool, retry_after_s: float | None = None) -> None:
        """Count one outcome; while the breaker is open, outcomes of earlier calls are ignored."""
        shares = self.rule.percentage is not None
        if self.is_open(now) or not (failed or shares):
            return
        if shares:
            self._window.add(now, failed)
        if failed and (self._too_many(now) or self._too_large_a_share()):
            self._trip(now, retry_after_s)

    def _too_many(self, now: float) -> bool:
        if self.rule.count is None:
            return False
        self._failures.append(now)
        while self._failures[0] < now - self.rule.interval_s:
            self._failures.popleft()
        return len(self._failures) >= self.rule.count

    def _too_large_a_share(self) -> bool:
        total, failed = self._window.totals()
        enough = self.rule.percentage is not None and total >= self.rule.min_requests
        return enough and failed * 100 >= total * (self.rule.percentage or 0)

    def _trip(self, now: float, retry_after_s: float | None) -> None:
        asked_s = retry_after_s if self.rule.accept_retry_after else None
        self._open_until = now + (self.rule.trip_s if asked_s is None else min(asked_s, MAX_RETRY_AFTER_S))
        self._failures.clear()
        self._window.clear()


@dataclass(slots=True)
class _Slice:
    number: int
    requests: int = 0
    failures: int = 0


class _Window:
    """Requests and failures of the last interval, in ten slices: memory does not grow with the load."""

    __slots__ = ("_slices", "_width_s")

    def __init__(self, width_s: float) -> None:
        self._width_s = width_s
        self._slices: deque[_Slice] = deque()

    def add(self, now: float, failed: bool) -> None:
        number = int(now / self._width_s)
        while self._slices and self._slices[0].number <= number - _BUCKETS:
            self._slices.popleft()
        if not self._slices or self._slices[-1].number != number:
            self._slices.append(_Slice(number))
        self._slices[-1].requests += 1
        self._slices[-1].failures += failed

    def totals(self) -> tuple[int, int]:
        return sum(part.requests for part in self._slices), sum(part.failures for part in self._slices)

    def clear(self) -> None:
        self._slices.clear()
