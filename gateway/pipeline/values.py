"""
Settings of a policy: literals converted at load, expressions compiled at load and evaluated for each request.

Source: APIM "Policy expressions": the result is converted to the attribute's type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from gateway.documents.placeholders import UNRESOLVED, is_unresolved
from gateway.documents.shape import Kind
from gateway.errors import LoadError, Location
from gateway.expressions import to_bool, to_int, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.expressions import Expression
    from gateway.pipeline.context import Context
    from gateway.pipeline.step import Value

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Constant(Generic[T]):
    """A value known at load."""

    value: T

    def __call__(self, context: Context) -> T:
        return self.value


def computed(expression: Expression, kind: Kind) -> Value[Any]:
    """A value computed for each request, converted to the type of *kind*."""
    return expression.giving(*_RESULTS[kind])


def combined(values: Iterable[Value[T]], combine: Callable[[tuple[T, ...]], U]) -> Value[U]:
    """``combine`` of several values: known at load when all of them are."""
    parts = tuple(values)
    if all(isinstance(part, Constant) for part in parts):
        return Constant(combine(tuple(cast("Constant[T]", part).value for part in parts)))
    return lambda context: combine(tuple(part(context) for part in parts))


def to_number(value: object) -> float:
    """The number that an expression gave, or that its text spells."""
    return float(value) if isinstance(value, int | float) else float(to_text(value))


_RESULTS: dict[Kind, tuple[type, Callable[[object], object]]] = {
    Kind.STRING: (str, to_text),
    Kind.BOOLEAN: (bool, to_bool),
    Kind.INTEGER: (int, to_int),
    Kind.NUMBER: (float, to_number),
}


def literal(text: str, kind: Kind, location: Location) -> object:
    """
    *text* as a value of *kind*: str, bool, int or float.

    Raises:
        LoadError: The text does not spell such a value.
    """
    stripped = text.strip()
    try:
        return _LITERALS[kind](stripped if kind is not Kind.STRING else text)
    except (KeyError, ValueError):
        if is_unresolved(text):
            message, remedy = f"{text!r} is not filled in", "configure the named value"
            raise LoadError.at(location, UNRESOLVED, message, remedy) from None
        expected = f"a {kind.value}" if kind is not Kind.INTEGER else "an integer"
        raise LoadError.at(location, "bad-value", f"{text!r} is not {expected}", f"write {expected}") from None


_LITERALS: dict[Kind, Callable[[str], object]] = {
    Kind.STRING: str,
    Kind.BOOLEAN: lambda text: {"true": True, "false": False}[text.lower()],
    Kind.INTEGER: int,
    Kind.NUMBER: float,
}
