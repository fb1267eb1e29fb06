"""
What the answer to a callback means, and when to try again: pure functions.

Source: Standard Webhooks 1.0.0, "Deliverability and reliability"; RFC 9110 §10.2.3 (Retry-After).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum

# Delays in seconds before attempt 2, 3, …; the last one repeats. ADF's wait ends in minutes, so the first are short.
SCHEDULE_S = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0)

FEW = 3
CERTIFICATE = "certificate-refused"
_REFUSED = frozenset({"url-refused", "consent-refused"})
_RETRIED = frozenset({408, 425, 429})
_CONSUMED = frozenset({400, 404, 409, 410})


class Doubt(StrEnum):
    """Whether a failed attempt may still have reached the receiver."""

    NONE = "not sent"
    POSSIBLE = "may have arrived"


class Decision(StrEnum):
    """What to do after an attempt."""

    DELIVERED = "delivered"
    RETRY = "retry"
    CONSUMED = "consumed"
    PERMANENT = "permanent"


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """
    What came of one attempt.

    Attributes:
        status: HTTP status; None when no answer came.
        error: Short class of the failure (``connect-timeout``, ``url-refused``); None when an answer came.
        doubt: Whether the receiver may have acted although no answer came.
        retry_after: The header as received.
        excerpt: Up to 1 kB of the answer, for people.
        allowed_origin: ``WebHook-Allowed-Origin``, the answer to a question for consent.
    """

    status: int | None = None
    error: str | None = None
    doubt: Doubt = Doubt.NONE
    retry_after: str | None = None
    excerpt: str = ""
    allowed_origin: str | None = None


def classify(answer: CallbackAnswer, doubted_before: bool, number: int = FEW) -> Decision:
    """
    The decision on one answer.

    Args:
        answer: Of this attempt.
        number: Of the attempt, 1 or more: what a deployment may cause is tried a few times.
        doubted_before: An earlier attempt may have arrived; then "unknown URL" most likely means "already used".
    """
    status, few = answer.status, number < FEW
    if status is None:
        return _classify_failure(answer.error, few)
    if 200 <= status < 300:
        return Decision.DELIVERED
    if status in _RETRIED or status >= 500:
        return Decision.RETRY
    if doubted_before and status in _CONSUMED:
        return Decision.CONSUMED
    return _final_unless(status == 404 and few)


def _final_unless(retried: bool) -> Decision:
    return Decision.RETRY if retried else Decision.PERMANENT


def _classify_failure(error: str | None, few: bool) -> Decision:
    if error == CERTIFICATE:
        return _final_unless(few)
    return Decision.PERMANENT if error in _REFUSED else Decision.RETRY


def next_attempt(attempts: int, now: float, jitter: float, answer: CallbackAnswer, max_retry_after_s: float) -> float:
    """
    When to try again, epoch seconds.

    Args:
        attempts: Made so far, 1 or more.
        jitter: Drawn by the caller from [0, 1); the delay is between half and the whole of the schedule's.
    """
    delay = SCHEDULE_S[min(attempts, len(SCHEDULE_S)) - 1]
    asked = min(parse_retry_after(answer.retry_after, now) or 0.0, max_retry_after_s)
    return now + max(delay * (0.5 + jitter / 2), asked)


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait, from either form of the header (a number or a date); None when absent or unreadable."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError):
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now)
