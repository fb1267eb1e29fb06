"""
choose: run the policies of the first branch whose condition holds.

Source: APIM policy reference, "choose".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Content, Element, Kind
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.pipeline.run import run
from gateway.pipeline.step import CheckedCondition

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import MaybeLater
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Steps, Value

_WHEN = Element(
    "when",
    "A branch.",
    attributes=(Attribute("condition", "Whether this branch runs.", Kind.BOOLEAN, required=True),),
    content=Content.POLICIES,
)
_OTHERWISE = Element("otherwise", "Runs if no condition is true.", content=Content.POLICIES)


@dataclass(frozen=True, slots=True)
class Choose(PolicyType):
    """One compiled choose."""

    shape: ClassVar[Element] = Element(
        "choose",
        "Runs the policies of the first `when` whose condition is true, or else those of `otherwise`.",
        attributes=(ID,),
        children=(Child(_WHEN, minimum=1, maximum=None), Child(_OTHERWISE)),
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    changes: ClassVar[None] = None

    branches: tuple[tuple[Value[bool], Steps], ...]
    conditions: tuple[str, ...]
    otherwise: Steps

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<choose>``."""
        branches = tuple((when.boolean("condition"), when.steps()) for when in settings.all("when"))
        conditions = tuple(when.written("condition") for when in settings.all("when"))
        otherwise = settings.child("otherwise")
        return cls(branches, conditions, otherwise.steps() if otherwise else ())

    @property
    def nested(self) -> tuple[Steps, ...]:
        """Every branch, ``otherwise`` last."""
        return (*(steps for _, steps in self.branches), self.otherwise)

    def apply(self, context: Context) -> MaybeLater:
        """The outcome of the branch that runs."""
        number = 0
        for condition, steps in self.branches:
            if condition(context):
                context.note(self, number)
                return run(steps, context)
            number += 1
        context.note(self, number)
        return run(self.otherwise, context)

    def decisions(self, value: int) -> Sequence[CheckedCondition]:
        """*value*: the number of the branch that ran; conditions behind it were not looked at."""
        return [
            CheckedCondition(condition, number == value)
            for number, condition in enumerate(self.conditions[: value + 1])
        ]
