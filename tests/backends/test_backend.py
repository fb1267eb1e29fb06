"""A backend sends, guards and names itself."""

from __future__ import annotations

import pytest

from gateway.backends import Backend, BackendInfo, CircuitBreaker, Credentials
from gateway.errors import UpstreamError
from tests.backends.rules import breaking
from tests.backends.scripted import OPTIONS, REFUSED, SLOW, Clock, ScriptedTarget, answer, get

RULE = breaking(interval_s=60, trip_s=10, count=2)


def test_plain_backend_passes_everything() -> None:
    """Without breaker and credentials the request itself goes to the upstream."""
    target, request = ScriptedTarget(), get()
    backend = Backend("b", target)
    assert backend.send(request, OPTIONS).result().status_code == 200
    assert target.received == [request]
    assert (backend.info, backend.url, backend.available) == (BackendInfo("b", "Single"), target.url, True)


@pytest.mark.parametrize("outcome", [500, 599, REFUSED, SLOW], ids=["500", "599", "refused", "timeout"])
def test_open_breaker_answers_503_at_once(outcome: int | Exception) -> None:
    """After the failures of the rule the backend is not called until the trip is over."""
    clock, target = Clock(), ScriptedTarget(outcomes=[outcome, outcome])
    backend = Backend("b", target, breaker=CircuitBreaker(RULE), clock=clock)
    for _ in range(2):
        sent = backend.send(get(), OPTIONS)
        if isinstance(outcome, Exception):
            pytest.raises(UpstreamError, sent.result)
    with pytest.raises(UpstreamError, match="'b' is temporarily unavailable") as caught:
        backend.send(get(), OPTIONS).result()
    assert (caught.value.status, caught.value.reason, backend.available) == (503, "BackendConnectionFailure", False)
    assert len(target.received) == 2
    clock.now += 10
    assert backend.available
    assert backend.send(get(), OPTIONS).result().status_code == 200


def test_good_answers_keep_it_closed() -> None:
    """404 is an answer, not a failure."""
    target = ScriptedTarget(outcomes=[404] * 5)
    backend = Backend("b", target, breaker=CircuitBreaker(RULE))
    assert [backend.send(get(), OPTIONS).result().status_code for _ in range(6)] == [404] * 5 + [200]


@pytest.mark.parametrize(
    ("milliseconds", "open_s"), [("1500", 1.5), ("0", 0), ("1.5", 7), ("-1", 7), ("", 7), ("9" * 5_000, 86_400)]
)
def test_milliseconds_come_first(milliseconds: str, open_s: float) -> None:
    """The finer field of models sets the pause; where it makes no sense, Retry-After does."""
    clock = Clock()
    target = ScriptedTarget(outcomes=[answer(429, ("Retry-After", "7"), ("retry-after-ms", milliseconds))])
    rule = breaking(interval_s=60, trip_s=10, count=1, accept_retry_after=True, status_ranges=((429, 429),))
    backend = Backend("b", target, breaker=CircuitBreaker(rule), clock=clock)
    backend.send(get(), OPTIONS)
    assert backend.open_for_s == open_s


@pytest.mark.parametrize(
    ("value", "open_s"),
    [
        ("7", 7),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00", 0),
        ("soon", 10),
        ("-5", 10),
        ("\u0663", 10),
        ("9" * 5_000, 86_400),
    ],
    ids=lambda value: str(value)[:12],
)
def test_retry_after_is_read_in_both_forms(value: str, open_s: float) -> None:
    """Seconds and dates set the pause; anything else leaves the rule's own."""
    clock = Clock()
    target = ScriptedTarget(outcomes=[answer(503, ("Retry-After", value))])
    rule = breaking(interval_s=60, trip_s=10, count=1, accept_retry_after=True)
    backend = Backend("b", target, breaker=CircuitBreaker(rule), clock=clock)
    backend.send(get(), OPTIONS)
    clock.now += max(0, open_s - 0.5)
    assert backend.available is (open_s == 0)
    clock.now += 0.5
    assert backend.available


def test_cancelling_reaches_the_upstream() -> None:
    """When the client leaves, the upstream is told, and the breaker counts nothing."""
    target = ScriptedTarget()
    target.held = True
    backend = Backend("b", target, breaker=CircuitBreaker(breaking(60, 10, count=1)))
    sent = backend.send(get(), OPTIONS)
    cancelled: list[bool] = []
    target.pendings[0].on_cancel = lambda: cancelled.append(True)
    sent.cancel()
    target.answer(target.pendings[0], REFUSED)
    assert (cancelled, sent.done, backend.available) == ([True], False, True)


def test_credentials_are_added_on_the_way() -> None:
    """The upstream gets the credentials, with a breaker or without."""
    for breaker in (None, CircuitBreaker(RULE)):
        target = ScriptedTarget()
        Backend("b", target, Credentials(authorization="Bearer t"), breaker).send(get(), OPTIONS)
        assert target.received[0].headers.first("Authorization") == "Bearer t"
