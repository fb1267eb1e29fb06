"""What policies ask of counters, and the answers. Times are seconds since the epoch."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple, Protocol, TypeAlias

# APIM counts quota periods from here unless first-period-start is given.
YEAR_ONE_S = -62_135_596_800.0
_LONGEST_KEY = 128
_MEAN_MONTH_S = 2_629_746  # a twelfth of 365.2425 days


@dataclass(frozen=True, slots=True)
class SlidingWindow:
    """A rate limit: at most *limit* within any *period_s* seconds."""

    limit: int
    period_s: float
    identity: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "identity", f"rate/{self.period_s:g}")


@dataclass(frozen=True, slots=True)
class FixedWindow:
    """
    A quota: at most *limit* within each period, counted from *start_s* in steps of *period_s* seconds.

    A period of 0 never renews.
    """

    limit: int
    period_s: float
    start_s: float = YEAR_ONE_S
    identity: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "identity", f"quota/{self.period_s:g}/{self.start_s:.0f}")

    def number(self, now: float) -> int:
        """Which period *now* lies in."""
        return math.floor((now - self.start_s) / self.period_s) if self.period_s else 0

    def ends_at(self, number: int) -> float:
        """When that period ends; infinite when it never does."""
        return self.start_s + (number + 1) * self.period_s if self.period_s else math.inf


@dataclass(frozen=True, slots=True)
class CalendarWindow:
    """
    A quota: at most *limit* within each span of *months* of the calendar, in UTC: 1, or 12 for a year.

    Source: Microsoft, "llm-token-limit": a period begins at the UTC time truncated to its unit
    (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy).
    """

    limit: int
    months: int
    identity: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "identity", f"quota/months/{self.months}")

    @property
    def period_s(self) -> float:
        """The mean length, in seconds."""
        return self.months * _MEAN_MONTH_S

    def number(self, now: float) -> int:
        """Which period *now* lies in."""
        moment = datetime.fromtimestamp(now, UTC)
        return (moment.year * 12 + moment.month - 1) // self.months

    def ends_at(self, number: int) -> float:
        """When that period ends."""
        year, month = divmod((number + 1) * self.months, 12)
        return datetime(year, month + 1, 1, tzinfo=UTC).timestamp()


Window: TypeAlias = SlidingWindow | FixedWindow | CalendarWindow


class Demand(NamedTuple):
    """
    One counter that a call draws on.

    Attributes:
        key: Whose counter. The same key with the same period is the same counter, whatever the limits.
        amount: How much it takes once it is admitted; 0 only asks. A negative one is withdrawn.
        owner: What the demands of one call have in common, and only they; a cluster keeps one owner's counters
            together. Empty: the key.
        whole: It is admitted only where all of *amount* is left; otherwise where anything is.
        counted_at: For a withdrawal: when the amount was counted (``Admission.at``). What has expired since then is
            not withdrawn from what others have used. None: from the newest.
    """

    key: str
    window: Window
    amount: int = 1
    owner: str = ""
    whole: bool = False
    counted_at: float | None = None

    def exceeds(self, used: int) -> bool:
        """Whether a counter of which so much is *used* refuses it."""
        return used + self.amount > self.window.limit if self.whole else used >= self.window.limit

    @property
    def threshold(self) -> int:
        """It is admitted as soon as less than this is used; where it never is, as soon as nothing is."""
        return max(1, self.window.limit - self.amount + 1) if self.whole else self.window.limit

    @property
    def storage_key(self) -> str:
        """Names the counter. Keys come from callers: a long one is replaced by its hash."""
        key = self.key
        if len(key) > _LONGEST_KEY:
            key = "sha256:" + sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self.window.identity}/{key}"


class Usage(NamedTuple):
    """
    The state of one counter after the question.

    Attributes:
        remaining: What is left, never below 0.
        wait_s: Seconds until the next call is admitted; 0 is now, infinite is never.
    """

    used: int
    remaining: int
    wait_s: float


class Admission(NamedTuple):
    """
    The answer to several demands at once.

    Attributes:
        usages: In the order of the demands.
        exceeded: Index of the exhausted counter with the longest wait; None: admitted, and all were counted.
        at: When that was, by the clock of the counters; infinite where they cannot be corrected later, because
            another counter has stood in for them.
    """

    usages: tuple[Usage, ...]
    exceeded: int | None = None
    at: float = math.inf


class Counters(Protocol):
    """
    All-or-nothing counters.

    A counter is exhausted when what was used has reached its limit; an amount above 1 may therefore go past it once,
    as a call's bandwidth does, which is known only afterwards. A demand that is ``whole`` never goes past it.
    """

    def admit(self, demands: Sequence[Demand]) -> Admission | Awaitable[Admission]:
        """Count all *demands*, or none of them when any counter is exhausted."""

    def add(self, demands: Sequence[Demand]) -> Awaitable[None] | None:
        """Count *demands* whatever the limits; a negative amount is withdrawn."""


def answer(usages: Sequence[Usage], admitted: bool, at: float = math.inf) -> Admission:
    """The Admission for *usages*: refused for the exhausted counter with the longest wait."""
    if admitted:
        return Admission(tuple(usages), at=at)
    exhausted = [index for index, usage in enumerate(usages) if usage.wait_s or not usage.remaining]
    return Admission(tuple(usages), max(exhausted, key=lambda index: usages[index].wait_s))


class QuotaCount(NamedTuple):
    """What was counted in one period of a quota. *ends_at*: seconds since the epoch, infinite when it never renews."""

    key: str
    number: int
    ends_at: float
    amount: int
