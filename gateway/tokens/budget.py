"""
When an unknown key id is worth a fetch: a budget per issuer that floods cannot exhaust.

Scheduled refreshes do not pass here, so they always have their slot.

Source: docs/adr/0020-when-keys-are-fetched.md (APIM: at most one such fetch in 5 minutes).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

MAX_REMEMBERED = 1_024


@dataclass(frozen=True, slots=True)
class BudgetRules:
    """
    How many fetches unknown key ids may cause.

    Attributes:
        window_s: Seconds over which fetches are counted; during a flood a rotation may be noticed that much later.
        per_window: Fetches in any window, whoever causes them.
        unknown_s: Seconds for which a key id that a fetch did not find causes no further fetch.
    """

    window_s: float = 30.0
    per_window: int = 2
    unknown_s: float = 300.0


class FetchBudget:
    """Grants fetches for unknown key ids: a few per window, and one per window for the same source (client address)."""

    def __init__(self, rules: BudgetRules) -> None:
        self._rules = rules
        self._granted: deque[tuple[float, str]] = deque()
        self._unknown: dict[str, float] = {}

    def grants(self, kid: str | None, source: str, now: float) -> bool:
        """Whether a fetch for *kid* may begin; a grant is spent immediately."""
        while self._granted and self._granted[0][0] <= now - self._rules.window_s:
            self._granted.popleft()
        if kid is not None and self._unknown.get(kid, now) > now:
            return False
        if len(self._granted) >= self._rules.per_window or any(spender == source for _, spender in self._granted):
            return False
        self._granted.append((now, source))
        return True

    def not_found(self, kid: str, now: float) -> None:
        """Remember that a fetch has just failed to find *kid*; the oldest entry is evicted."""
        self._unknown.pop(kid, None)
        if len(self._unknown) >= MAX_REMEMBERED:
            del self._unknown[next(iter(self._unknown))]
        self._unknown[kid] = now + self._rules.unknown_s
