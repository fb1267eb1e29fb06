"""
retry: run policies again while a condition holds.

Source: APIM policy reference, "retry".
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Content, Element, Kind
from gateway.errors import CircuitOpen, ExpressionError, UpstreamError
from gateway.pipeline.buffering import BufferBody
from gateway.pipeline.notes import Mark
from gateway.pipeline.outcome import finish
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.pipeline.run import make_room, run
from gateway.pipeline.step import CheckedCondition
from gateway.policies.parts.elements import seconds
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import Outcome
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Steps, Value

MAX_COUNT = 50


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds between two runs: fixed, growing by *delta*, or exponential up to *longest*."""

    interval_s: Value[float]
    longest_s: Value[float] | None
    delta_s: Value[float] | None
    first_fast: Value[bool]

    def before(self, number: int, context: Context) -> float:
        """The wait before retry *number*, from 1."""
        if number == 1 and self.first_fast(context):
            return 0.0
        interval_s = self.interval_s(context)
        delta_s = self.delta_s(context) if self.delta_s else 0.0
        if self.longest_s is None:
            return max(0.0, interval_s + (number - 1) * delta_s)
        spread = random.uniform(0.8 * delta_s, 1.2 * delta_s)  # noqa: S311 - spreads load, protects nothing
        grown_s = interval_s + float(2**number - 1) * spread
        return max(0.0, min(grown_s, self.longest_s(context)))


@dataclass(frozen=True, slots=True)
class Retry(PolicyType):
    """
    One compiled retry.

    A backend that cannot be reached is an error, not a response; the condition is asked then too (with the response of
    an earlier run, or null), because it is what people write retry for. While every circuit is open it sees a 503 whose
    StatusReason names the backend or the pool.
    """

    shape: ClassVar[Element] = Element(
        "retry",
        "Runs its policies once, and again while the condition is true.",
        attributes=(
            ID,
            Attribute("condition", "Whether to run them again.", Kind.BOOLEAN, required=True),
            Attribute("count", "Maximum number of retries.", Kind.INTEGER, required=True, minimum=1, maximum=MAX_COUNT),
            seconds("interval", "Seconds before a retry.", required=True),
            seconds("max-interval", "Longest wait, in seconds; waits then grow exponentially."),
            seconds("delta", "Seconds by which waits grow."),
            Attribute("first-fast-retry", "Whether the first retry is immediate.", Kind.BOOLEAN, default="false"),
        ),
        content=Content.POLICIES,
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    changes: ClassVar[None] = None

    condition: Value[bool]
    written: str
    count: Value[int]
    delays: Delays
    steps: Steps
    buffer: BufferBody | None

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<retry>``."""
        delays = Delays(
            interval_s=settings.number("interval"),
            longest_s=settings.maybe(settings.number, "max-interval"),
            delta_s=settings.maybe(settings.number, "delta"),
            first_fast=settings.boolean("first-fast-retry"),
        )
        condition, count = settings.boolean("condition"), settings.integer("count")
        # The body that the condition reads arrives inside, with each run.
        buffer = BufferBody(False, True, settings.services.max_body_bytes) if settings.reads.response_body else None
        return cls(condition, settings.written("condition"), count, delays, settings.steps(), buffer)

    @property
    def nested(self) -> tuple[Steps, ...]:
        """The policies inside."""
        return (self.steps,)

    async def apply(self, context: Context) -> Outcome:
        """The outcome of the last run."""
        place, retries = context.place, min(self.count(context), MAX_COUNT)
        for number in range(1, retries + 1):
            over, outcome = await self._attempt(context)
            if over:
                return outcome
            context.place = place
            make_room(context)
            await asyncio.sleep(self.delays.before(number, context))
        return await finish(run(self.steps, context))

    async def _attempt(self, context: Context) -> tuple[bool, Outcome]:
        """One run: whether it was the last, and its outcome."""
        try:
            outcome = await finish(run(self.steps, context))
            return outcome is not None or not await self._holds(context), outcome
        except UpstreamError as error:
            context.note(Mark.CAUGHT, (error.reason, error.message))
            if isinstance(error, CircuitOpen):
                _answer_unavailable(error, context)
            if not self._asks_again(context):
                raise
            return False, None

    async def _holds(self, context: Context) -> bool:
        waiting = self.buffer.apply(context) if self.buffer else None
        if waiting is not None:
            await waiting
        holds = self.condition(context)
        context.note(self, holds)
        return holds

    def _asks_again(self, context: Context) -> bool:
        """Whether the condition holds after a failure; one that cannot be evaluated without a response does not."""
        holds = None
        with suppress(ExpressionError):
            holds = self.condition(context)
        context.note(self, holds)
        return bool(holds)

    def decisions(self, value: bool | None) -> Sequence[CheckedCondition]:
        """*value*: what the condition gave."""
        return [CheckedCondition(self.written, value)]


def _answer_unavailable(error: CircuitOpen, context: Context) -> None:
    """Let the condition see that nothing was sent, not the answer to an earlier run."""
    if context.response is not None:
        context.response.body.discard()
    context.response = Response(error.status, reason=error.message)
