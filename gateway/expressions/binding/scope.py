"""Names of locals: blocks inside functions inside functions."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.expressions.binding.bound import NOT_CONSTANT, Bound, Frame, Run, Store
from gateway.expressions.clr import Type


@dataclass(slots=True)
class Function:
    """One function body: the expression itself, a lambda or a local function. Slot 0 links to the enclosing frame."""

    depth: int = 0
    size: int = 1
    result: Type | None = None  # declared result type; None if it is inferred
    returned: list[Type] = field(default_factory=list)
    outer: Function | None = None
    loops: int = 0  # the scope of the node that is being bound
    keeps_turn: bool = False  # it reads a variable of an enclosing function that is new in each iteration of a loop

    def slot(self) -> int:
        """A fresh slot."""
        self.size += 1
        return self.size - 1


@dataclass(frozen=True, slots=True)
class Variable:
    """A local, a parameter or a constant."""

    name: str
    type: Type
    function: Function
    slot: int
    constant: object = NOT_CONSTANT
    readonly: bool = False
    in_loop: bool = False


@dataclass(slots=True)
class NameScope:
    """A block: the names declared in it, and the enclosing block."""

    function: Function
    outer: NameScope | None = None
    names: dict[str, Variable] = field(default_factory=dict)

    def find(self, name: str) -> Variable | None:
        """The nearest local called *name*."""
        scope: NameScope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return None


def read(variable: Variable, current: Function) -> Bound:
    """The value of *variable*, read from inside *current*."""
    if variable.constant is not NOT_CONSTANT:
        value = variable.constant
        return Bound(variable.type, lambda _frame: value, value)
    if variable.in_loop:
        _note_capture(variable, current)
    load, store = slot_access(current.depth - variable.function.depth, variable.slot)
    return Bound(variable.type, load, store=None if variable.readonly else store)


def _note_capture(variable: Variable, current: Function) -> None:
    function: Function | None = current
    while function is not None and function is not variable.function:
        function.keeps_turn = True
        function = function.outer


def slot_access(levels: int, slot: int) -> tuple[Run, Store]:
    """Load and store functions for a slot in the frame *levels* functions out."""

    def load_here(frame: Frame) -> object:
        return frame[slot]

    def store_here(frame: Frame, value: object) -> None:
        frame[slot] = value

    def load_outer(frame: Frame) -> object:
        return frame[0][slot]

    def load_far(frame: Frame) -> object:
        return out(frame, levels)[slot]

    def store_far(frame: Frame, value: object) -> None:
        out(frame, levels)[slot] = value

    if levels == 0:
        return load_here, store_here
    return load_outer if levels == 1 else load_far, store_far


def out(frame: Frame, levels: int) -> Frame:
    """The frame *levels* functions further out."""
    for _ in range(levels):
        frame = frame[0]
    return frame
