"""
The deployment's own limit of tokens per minute, and the fields that tell clients what is left of it.

Source: Microsoft Learn, "Manage Azure OpenAI quota"; OpenAI, "Rate limits in headers".
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

WINDOW_S = 60.0
FORMS = ("both", "seconds", "milliseconds", "date", "none")


class TokenQuota:
    """
    Tokens per minute, in windows that begin with the first call.

    Attributes:
        per_minute: The limit; None: there is none, and answers carry no fields about it.
        used: Tokens of this window.
    """

    def __init__(self, per_minute: int | None = None) -> None:
        self.per_minute = per_minute
        self.used = 0
        self._began = float("-inf")

    def wait_s(self, now: float) -> float:
        """Seconds until the next call may come; 0 if it may now."""
        if now >= self._began + WINDOW_S:
            self._began, self.used = now, 0
        spent = self.per_minute is not None and self.used >= self.per_minute
        return self._began + WINDOW_S - now if spent else 0.0

    def take(self, tokens: int) -> None:
        """Count the tokens of a call."""
        self.used += tokens

    def fields(self) -> dict[str, str]:
        """``x-ratelimit-…``, if there is a limit."""
        if self.per_minute is None:
            return {}
        left = max(0, self.per_minute - self.used)
        return {"x-ratelimit-limit-tokens": str(self.per_minute), "x-ratelimit-remaining-tokens": str(left)}


def retry_fields(seconds: float, form: str, now: float) -> dict[str, str]:
    """
    How a 429 says when to come again.

    Args:
        form: One of ``FORMS``; Azure OpenAI sends both.

    Raises:
        ValueError: The form does not exist.
    """
    if form not in FORMS:
        raise ValueError(f"unknown form {form!r}; known are {', '.join(FORMS)}")
    fields = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": f"{seconds:g}s"}
    if form in ("both", "seconds"):
        fields["retry-after"] = str(max(1, round(seconds)))
    if form in ("both", "milliseconds"):
        fields["retry-after-ms"] = str(round(seconds * 1000))
    if form == "date":
        fields["retry-after"] = format_datetime(datetime.fromtimestamp(now, UTC) + timedelta(seconds=seconds), True)
    return fields
