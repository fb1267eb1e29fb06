"""
limit-concurrency: a limited number of requests inside at the same time, for each value of a key.

Source: APIM policy reference, "limit-concurrency".
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.counters import ConcurrencySlots
from gateway.documents.shape import ID, Attribute, Content, Element, Kind
from gateway.errors import PolicyError
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.pipeline.run import run
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import MaybeLater, Outcome
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Steps, Value


@dataclass(frozen=True, slots=True)
class LimitConcurrency(PolicyType):
    """One compiled limit-concurrency; no request queues."""

    shape: ClassVar[Element] = Element(
        "limit-concurrency",
        "Runs its policies for a limited number of requests at the same time; others are answered with 429.",
        attributes=(
            ID,
            Attribute("key", "Requests with the same key share a limit.", required=True),
            Attribute(
                "max-count",
                "Requests that may run the policies at the same time.",
                Kind.INTEGER,
                required=True,
                expression=False,
                minimum=1,
            ),
        ),
        content=Content.POLICIES,
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    changes: ClassVar[None] = None

    key: Value[str]
    max_count: int
    steps: Steps
    slots: ConcurrencySlots

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<limit-concurrency>``."""
        return cls(settings.text("key"), settings.constant_int("max-count"), settings.steps(), settings.services.slots)

    @property
    def nested(self) -> tuple[Steps, ...]:
        """The policies inside."""
        return (self.steps,)

    def apply(self, context: Context) -> MaybeLater:
        """The outcome of the policies inside. Raises PolicyError: 429."""
        key = self.key(context)
        if not self.slots.acquire(key, self.max_count):
            message, limit = "Concurrency limit is exceeded", {"at_once": self.max_count}
            raise PolicyError(429, "ConcurrencyLimitExceeded", message, expected=limit, found="all in use")
        try:
            outcome = run(self.steps, context)
        except BaseException:
            self.slots.release(key)
            raise
        if outcome is None or isinstance(outcome, Response):
            self.slots.release(key)
            return outcome
        return self._inside(outcome, key)

    async def _inside(self, waiting: Awaitable[Outcome], key: str) -> Outcome:
        try:
            return await waiting
        finally:
            self.slots.release(key)
