"""What policies ask of counters, and the answers. Times are seconds since the epoch."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, Protocol, TypeAlias

# APIM counts quota periods from here unless first-period-start is given.
YEAR_ONE_S = -62_135_596_800.0
_LONGEST_KEY = 128


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


Window: TypeAlias = SlidingWindow | FixedWindow


class Demand(NamedTuple):
    """
    One counter that a call draws on.

    Attributes:
        key: Whose counter. The same key with the same period is the same counter, whatever the limits.
        amount: How much it takes once it is admitted; 0 only asks.
        owner: What the demands of one call have in common, and only they; a cluster keeps one owner's counters
            together. Empty: the key.
    """

    key: str
    window: Window
    amount: int = 1
    owner: str = ""

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
    """

    usages: tuple[Usage, ...]
    exceeded: int | None = None


class Counters(Protocol):
    """
    All-or-nothing counters.

    A counter is exhausted when what was used has reached its limit; an amount above 1 may therefore go past it once,
    as a call's bandwidth does, which is known only afterwards.
    """

    def admit(self, demands: Sequence[Demand]) -> Admission | Awaitable[Admission]:
        """Count all *demands*, or none of them when any counter is exhausted."""

    def add(self, demands: Sequence[Demand]) -> Awaitable[None] | None:
        """Count *demands* whatever the limits; a negative amount is withdrawn."""


def answer(usages: Sequence[Usage], admitted: bool) -> Admission:
    """The Admission for *usages*: refused for the exhausted counter with the longest wait."""
    if admitted:
        return Admission(tuple(usages))
    exhausted = [index for index, usage in enumerate(usages) if not usage.remaining]
    return Admission(tuple(usages), max(exhausted, key=lambda index: usages[index].wait_s))


class QuotaCount(NamedTuple):
    """What was counted in one period of a quota. *ends_at*: seconds since the epoch, infinite when it never renews."""

    key: str
    number: int
    ends_at: float
    amount: int
