"""
wait: run policies side by side, and continue when all, or the first, have finished.

Source: APIM policy reference, "wait".
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Content, Element
from gateway.pipeline.buffering import BufferBody
from gateway.pipeline.notes import Mark
from gateway.pipeline.outcome import finish
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.run import run

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import Outcome
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import PipelineStep, Steps, Value

ALLOWED = frozenset({"send-request", "cache-lookup-value", "choose"})


@dataclass(frozen=True, slots=True)
class Wait(PolicyType):
    """One compiled wait."""

    shape: ClassVar[Element] = Element(
        "wait",
        "Runs send-request, cache-lookup-value and choose side by side.",
        attributes=(
            ID,
            Attribute("for", "Continue when `all` have finished, or `any`.", default="all", choices=("all", "any")),
        ),
        content=Content.POLICIES,
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.BACKEND, Section.OUTBOUND})
    changes: ClassVar[None] = None

    waits_for: Value[str]
    buffers: Steps
    steps: Steps

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<wait>``. Raises LoadError: a policy that does not wait for anything."""
        for child in settings.node.children:
            if child.name not in ALLOWED:
                remedy = f"it takes {', '.join(sorted(ALLOWED))}"
                raise settings.error("wrong-policy", f"wait cannot contain {child.name}", remedy)
        steps = settings.steps()
        # Bodies come into memory before anything runs, whichever policy reads them.
        buffers = tuple(step for step in steps if isinstance(step.policy, BufferBody))
        return cls(settings.text("for"), buffers, tuple(step for step in steps if step not in buffers))

    @property
    def nested(self) -> tuple[Steps, ...]:
        """The policies inside."""
        return (self.steps,)

    async def apply(self, context: Context) -> Outcome:
        """The first Response that a policy returned, if one did. Raises the first error."""
        await finish(run(self.buffers, context))
        first = self.waits_for(context) == "any"
        tasks = [asyncio.ensure_future(_one(step, context)) for step in self.steps]
        try:
            done, _ = await asyncio.wait(tasks, return_when=_until(first)) if tasks else (set(), None)
            outcomes = [task.result() for task in tasks if task in done]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return next((outcome for outcome in outcomes if outcome is not None), None)


def _until(first: bool) -> str:
    return asyncio.FIRST_COMPLETED if first else asyncio.FIRST_EXCEPTION


async def _one(step: PipelineStep, context: Context) -> Outcome:
    try:
        return await finish(run((step,), context))
    except BaseException:
        context.place = step.place  # the others have moved it since
        raise
    finally:
        context.note(Mark.ENDED, step)
