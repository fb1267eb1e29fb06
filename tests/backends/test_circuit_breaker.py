"""A breaker trips when its rule says so, and closes again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.backends import BreakerRule, CircuitBreaker
from gateway.errors import UpstreamError
from tests.backends.rules import breaking

COUNT = breaking(interval_s=10, trip_s=30, count=3)
SHARE = breaking(interval_s=10, trip_s=30, percentage=50, min_requests=4)


def play(breaker: CircuitBreaker, outcomes: str, start: float = 100.0, step_s: float = 1.0) -> float:
    """Record ``x`` (failed) and ``.`` (good) one step apart; the time of the last one."""
    for index, outcome in enumerate(outcomes):
        breaker.record(start + index * step_s, failed=outcome == "x")
    return start + (len(outcomes) - 1) * step_s


@pytest.mark.parametrize(
    ("rule", "outcomes", "step_s", "opens"),
    [
        pytest.param(COUNT, "xx", 1, False, id="too-few"),
        pytest.param(COUNT, "xxx", 1, True, id="enough"),
        pytest.param(COUNT, "x..x..x", 1, True, id="successes-between-do-not-matter"),
        pytest.param(COUNT, "xxxxxx", 5.1, False, id="too-far-apart"),
        pytest.param(SHARE, "xxx", 1, False, id="too-few-for-a-share"),
        pytest.param(SHARE, "..xx", 1, True, id="half"),
        pytest.param(SHARE, "...x..x", 1, False, id="below-half"),
        pytest.param(SHARE, "....xx", 3, True, id="old-successes-are-forgotten"),
        pytest.param(SHARE, "x" * 8, 3, True, id="slow-failures-within-the-interval"),
        pytest.param(SHARE, "x" * 8, 6, False, id="never-enough-in-one-interval"),
        pytest.param(replace(SHARE, count=2), "x.x", 1, True, id="either-limit"),
    ],
)
def test_breaker_trips_by_its_rule(rule: BreakerRule, outcomes: str, step_s: float, opens: bool) -> None:
    """Failures by count or by share within the interval open the circuit, and nothing else does."""
    breaker = CircuitBreaker(rule)
    assert breaker.is_open(play(breaker, outcomes, step_s=step_s)) is opens


def test_breaker_closes_with_a_clean_slate() -> None:
    """After the trip duration requests flow again, and old failures are forgotten."""
    for rule in (COUNT, SHARE):
        breaker = CircuitBreaker(rule)
        end = play(breaker, "xxxx"[: 3 if rule is COUNT else 4])
        breaker.record(end + 1, failed=True)  # of a call that was under way
        assert breaker.is_open(end + 29.9)
        assert not breaker.is_open(end + 30)
        assert not breaker.is_open(play(breaker, "xx", start=end + 30))


@pytest.mark.parametrize(
    ("accept", "told", "open_s"), [(False, 5, 30), (True, 5, 5), (True, None, 30), (True, 1e9, 86_400), (True, 0, 0)]
)
def test_retry_after_sets_the_pause(accept: bool, told: float | None, open_s: float) -> None:
    """A backend may say when to try again, if the rule accepts that, at most a day later."""
    breaker = CircuitBreaker(replace(COUNT, count=1, accept_retry_after=accept))
    breaker.record(0.0, failed=True, retry_after_s=told)
    assert breaker.is_open(max(0, open_s - 0.1)) is (open_s > 0)
    assert not breaker.is_open(open_s)


@pytest.mark.parametrize(
    ("error", "failing"),
    [
        (UpstreamError("Timeout", "", 504), True),
        (UpstreamError("Other", "", 503), True),
        (UpstreamError("Other", "", 404), False),
        (RuntimeError(), False),
    ],
    ids=["reason", "status", "neither", "own-bug"],
)
def test_only_the_backends_faults_count(error: Exception, failing: bool) -> None:
    """Errors count by reason or status; our own bugs do not open a backend's circuit."""
    assert COUNT.is_failing_error(error) is failing


def test_status_ranges_include_both_ends() -> None:
    """429 alone and 500 to 502 can be failures."""
    rule = replace(COUNT, status_ranges=((429, 429), (500, 502)))
    assert [s for s in (200, 428, 429, 430, 499, 500, 502, 503) if rule.is_failing_status(s)] == [429, 500, 502]


def test_memory_stays_small_under_load() -> None:
    """A hundred thousand outcomes leave at most ten slices and as many failures as the rule counts."""
    breaker = CircuitBreaker(breaking(10, 0, count=100_000, percentage=100, min_requests=10**9))
    for index in range(20_000):
        breaker.record(index * 0.01, failed=True)
    assert len(breaker._window._slices) <= 10
    assert len(breaker._failures) <= 1_001
