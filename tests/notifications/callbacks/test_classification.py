"""What the answers to callbacks mean, and when the next attempt is made."""

from __future__ import annotations

import pytest

from gateway.notifications.callbacks.classification import (
    CERTIFICATE,
    SCHEDULE_S,
    CallbackAnswer,
    Decision,
    Doubt,
    classify,
    next_attempt,
    parse_retry_after,
)

RETRY, PERMANENT, DELIVERED, CONSUMED = Decision.RETRY, Decision.PERMANENT, Decision.DELIVERED, Decision.CONSUMED


@pytest.mark.parametrize(
    ("status", "decision"),
    [
        *((status, DELIVERED) for status in (200, 201, 202, 204, 299)),
        *((status, PERMANENT) for status in (301, 302, 307, 308, 304)),
        *((status, PERMANENT) for status in (400, 401, 403, 404, 405, 409, 410, 413, 415, 422)),
        *((status, RETRY) for status in (408, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_status(status: int, decision: Decision) -> None:
    """Each status means delivered, permanently refused, or worth another attempt."""
    assert classify(CallbackAnswer(status), doubted_before=False) is decision


@pytest.mark.parametrize("status", [400, 404, 409, 410])
def test_consumed(status: int) -> None:
    """After an attempt that may have arrived, "unknown" means that the URL was used up."""
    assert classify(CallbackAnswer(status), doubted_before=True) is CONSUMED


@pytest.mark.parametrize("status", [401, 403, 302])
def test_not_consumed(status: int) -> None:
    """Other refusals stay refusals, whether an earlier attempt is in doubt or not."""
    assert classify(CallbackAnswer(status), doubted_before=True) is PERMANENT


@pytest.mark.parametrize(
    ("error", "decision"), [("url-refused", PERMANENT), ("dns-failure", RETRY), ("connect-timeout", RETRY)]
)
def test_no_answer(error: str, decision: Decision) -> None:
    """A URL that may not be called is given up; a network failure is retried."""
    assert classify(CallbackAnswer(error=error, doubt=Doubt.NONE), doubted_before=False) is decision


@pytest.mark.parametrize("attempts", range(1, 20))
def test_schedule(attempts: int) -> None:
    """Delays follow the schedule, spread over its upper half, and stop growing."""
    delay = SCHEDULE_S[min(attempts, len(SCHEDULE_S)) - 1]
    assert next_attempt(attempts, 1000.0, 0.0, CallbackAnswer(500), 3600) == 1000 + delay / 2
    assert next_attempt(attempts, 1000.0, 0.999, CallbackAnswer(500), 3600) < 1000 + delay


@pytest.mark.parametrize(("asked", "delay"), [("60", 60), ("99999", 3600), ("0", 1), ("soon", 1)])
def test_retry_after(asked: str, delay: float) -> None:
    """Retry-After lengthens the delay, up to a cap, and never shortens it."""
    assert next_attempt(1, 1000.0, 0.0, CallbackAnswer(429, retry_after=asked), 3600) == 1000 + delay


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("Thu, 01 Jan 1970 00:20:00 GMT", 200.0),
        ("Thu, 01 Jan 1970 00:10:00 GMT", 0.0),
        ("-5", None),
        ("1.5", None),
        ("", None),
        (None, None),
        ("²", None),
        ("9" * 400, 999999999999.0),
    ],
)
def test_parse_retry_after(value: str | None, seconds: float | None) -> None:
    """Both forms of the header are read, anything else is ignored."""
    assert parse_retry_after(value, 1000.0) == seconds


@pytest.mark.parametrize("answer", [CallbackAnswer(404), CallbackAnswer(error=CERTIFICATE)])
def test_few_tries(answer: CallbackAnswer) -> None:
    """Failures that a deployment may cause are retried three times, not just once and not for a day."""
    assert [classify(answer, False, number) for number in (1, 2, 3)] == [RETRY, RETRY, PERMANENT]
