"""
The result of binding a piece of C#: its static type and a closure that computes it.

A closure takes the frame, a list: ``frame[0]`` is the frame of the enclosing function, the rest are slots of
locals. The outermost frame holds ``context`` in slot 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gateway.expressions.clr import Candidate, Type

Frame = list[Any]
Run = Callable[[Frame], Any]
Store = Callable[[Frame, Any], object]

CONTEXT_SLOT = 1
NOT_CONSTANT = object()
SHORT = object()  # the result of a chain whose ``?.`` met null


@dataclass(frozen=True, slots=True)
class Bound:
    """
    A value.

    Attributes:
        constant: Its value if C# considers it constant, else NOT_CONSTANT.
        store: How to assign to it; None if it is not a variable.
        conditional: It may evaluate to SHORT, because it is a link of a ``?.`` chain.
    """

    type: Type
    run: Run
    constant: object = NOT_CONSTANT
    store: Store | None = None
    conditional: bool = False

    @property
    def constant_value(self) -> object:
        """The constant, or None."""
        return None if self.constant is NOT_CONSTANT else self.constant

    def of_type(self, clr_type: Type) -> Bound:
        """The same value seen as *clr_type*."""
        return replace(self, type=clr_type, store=None)


@dataclass(frozen=True, slots=True)
class TypeName:
    """A name that means a type."""

    type: Type


@dataclass(frozen=True, slots=True)
class Namespace:
    """A name that means a namespace."""

    name: str


@dataclass(frozen=True, slots=True)
class MethodGroup:
    """Methods of one name, with their receiver; a type's static methods have none."""

    name: str
    candidates: tuple[Candidate, ...]
    receiver: Bound | None = None
    type_args: tuple[Type, ...] = ()


Meaning = Bound | TypeName | Namespace | MethodGroup


def constant(clr_type: Type, value: object) -> Bound:
    """A constant of a known type."""
    return Bound(clr_type, lambda _frame: value, value)
