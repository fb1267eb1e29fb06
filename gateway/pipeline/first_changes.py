"""
Steps before which there is nothing to be noted: what they set cannot have been set before.

A variable that no earlier policy sets is not there; a header that only the gateway may set is removed when a client
sends it; before the backend answers there is no response. Most requests run through just such steps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from gateway.pipeline.changes import Change
from gateway.pipeline.step import PipelineStep, Steps


def mark_first(sections: Sequence[Steps], owned: Collection[str]) -> list[Steps]:
    """
    *sections*, in the order in which requests run through them, with those steps marked.

    Args:
        owned: Folded names of request headers that only the gateway may set.
    """
    seen: set[str] = set()
    marked: list[Steps] = []
    for steps in sections:
        marked.append(tuple(_marked(step, seen, owned) for step in steps))
    return marked


def _marked(step: PipelineStep, seen: set[str], owned: Collection[str]) -> PipelineStep:
    """*step*, marked if it is one; what it may change is added to *seen*."""
    change = step.policy.changes
    first = change is not None and change.is_new(owned, seen) and not step.policy.nested
    for possible in _changes(step):
        seen.update(possible.parts)
    return replace(step, is_first=True) if first else step


def _changes(step: PipelineStep) -> Iterator[Change]:
    """What *step* and all steps inside it may change."""
    if step.policy.changes is not None:
        yield step.policy.changes
    for steps in step.policy.nested:
        for inner in steps:
            yield from _changes(inner)
