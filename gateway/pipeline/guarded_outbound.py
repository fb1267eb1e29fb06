"""
Outbound with the policies that judge the answer, see ``Policy.answer_guard``: whoever has made the answer, the backend,
the cache or a policy in outbound.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gateway.pipeline.outcome import finish
from gateway.pipeline.run import run
from gateway.pipeline.step import PipelineStep, Policy
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import MaybeLater, Outcome
    from gateway.pipeline.step import Steps


def guarded_outbound(steps: Steps, guards: Steps) -> Steps:
    """*steps*, and behind them *guards*."""
    if not guards:
        return steps
    outbound = GuardedOutbound(steps, guards)
    return (PipelineStep(outbound.apply, guards[0].place, outbound),)


@dataclass(frozen=True, slots=True)
class GuardedOutbound(Policy):
    """The section as one step."""

    changes: ClassVar[None] = None

    steps: Steps
    guards: Steps

    @property
    def nested(self) -> tuple[Steps, ...]:
        """The section, and the guards."""
        return (self.steps, self.guards)

    def apply(self, context: Context) -> MaybeLater:
        """The outcome of the section. Raises PolicyError: also those of a guard."""
        outcome = run(self.steps, context)
        if outcome is None:
            return run(self.guards, context)
        return self._judge(outcome, context)

    async def _judge(self, given: Response | Awaitable[Outcome], context: Context) -> Outcome:
        answer = given if isinstance(given, Response) else await given
        if answer is not None and context.response is not answer:
            if context.response is not None:
                context.response.body.discard()
            context.response = answer
        return await finish(run(self.guards, context)) or answer
