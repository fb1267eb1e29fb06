"""A record of the request log, in words."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.remedies.recorded import facts_of, record_in_words
from gateway.telemetry.requests.record import RecordedCaller, RequestOutcome, RequestRecord

CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"outcome": RequestOutcome.ANSWERED, "status": 200}, "The request was answered with 200.", ""),
    (
        {"reason": "TokenAudienceNotAllowed", "expected": ["api://orders"], "found": "api://stock", "status": 401},
        "The token's audience is api://stock, and api://orders is accepted here.",
        "Request the token for api://orders.",
    ),
    (
        {
            "reason": "TokenClaimValueNotAllowed",
            "expected": {"claim": "roles", "values": ["A", "B"]},
            "found": {"claim": "roles", "values": ["C"]},
            "status": 401,
        },
        "The token's claim roles is C, and A or B are required here.",
        "Assign the role A or B to the caller.",
    ),
    (
        {"reason": "RateLimitExceeded", "detail": "Rate limit is exceeded", "expected": {"calls": 10}, "found": None},
        "Rate limit is exceeded.",
        "Retry-After",
    ),
    ({"source": "return-response", "status": 403}, "The answer 403 is the decision", "condition"),
]


def record(**known: Any) -> dict[str, Any]:
    """As ``/requests`` gives it."""
    known = {"outcome": RequestOutcome.REFUSED, **known}
    caller = RecordedCaller("o1", claims={"oid": "o1", "exp": 1_900_000_000})
    return RequestRecord("r1", 1_900_000_060.0, "GET", "/orders", caller=caller, **known).as_json()


@pytest.mark.parametrize(("known", "what", "remedy"), CASES)
def test_words(known: dict[str, Any], what: str, remedy: str) -> None:
    """From a record alone comes one sentence with what was expected and found, and a remedy."""
    words = record_in_words(record(**known))
    assert what in words.what
    assert remedy in words.remedy


def test_the_time_is_the_requests() -> None:
    """A token is judged by the time of the request, not by that of the reader."""
    facts = facts_of(record(reason="TokenExpired"))
    assert facts.now == 1_900_000_060.0
    assert "60 s ago" in record_in_words(record(reason="TokenExpired")).remedy


def test_control_characters_are_not_repeated() -> None:
    """What a claim holds cannot begin a line, nor reach the terminal as a command."""
    words = record_in_words(record(reason="TokenAudienceNotAllowed", expected=["a"], found=["b\nrefused\x1b[2J"]))
    assert words.what == "The token's audience is b?refused?[2J, and a is accepted here."
