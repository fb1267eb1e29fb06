"""
How a filter is called: its parameters, and what becomes of arguments of another type.

Source: DotLiquid, "Strainer.Invoke"; .NET, "Convert.ChangeType", "MethodBase.Invoke".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gateway.expressions import primitives as p
from gateway.expressions import to_text
from gateway.expressions.change_type import change_type
from gateway.expressions.limits import spend
from gateway.expressions.moments import DateTime
from gateway.expressions.prices import LINEAR_S
from gateway.expressions.thrown import thrown
from gateway.liquid.errors import LiquidSyntaxError
from gateway.liquid.values import is_sequence, type_name

_REQUIRED = object()
_CONVERTIBLE = (bool, int, float, Decimal, str, DateTime)


@dataclass(frozen=True, slots=True)
class FilterParameter:
    """
    One parameter.

    Attributes:
        name: Its name in .NET.
        type: The .NET type; empty for object, which takes everything.
        convert: Converts a simple value to that type.
        admits: Whether a value is of that type.
        default: Without one the argument is required.
    """

    name: str
    type: str
    convert: Callable[[Any], Any]
    admits: Callable[[Any], bool]
    default: Any = _REQUIRED

    def changed(self, value: Any) -> Any:
        """*value*, converted if it is a simple one. Raises Thrown: it cannot be converted."""
        if value is None or self.admits(value) or not isinstance(value, _CONVERTIBLE):
            return value
        return self.convert(value)

    def check(self, value: Any) -> None:
        """Raises Thrown: *value* is of another type."""
        if value is not None and not self.admits(value):
            message = f"Object of type '{type_name(value)}' cannot be converted to type '{self.type}'."
            raise thrown("ArgumentException", message)


@dataclass(frozen=True, slots=True)
class LiquidFilter:
    """A filter by its .NET name. *run* gets an argument for each parameter."""

    name: str
    run: Callable[..., Any]
    parameters: tuple[FilterParameter, ...]

    def __call__(self, arguments: Sequence[Any]) -> Any:
        """
        The result for the piped value and the arguments after the colon.

        Raises:
            LiquidSyntaxError: An argument is missing.
            Thrown: One is of another type, there are too many, or the filter itself fails.
        """
        values = [*arguments, *(self._default(parameter) for parameter in self.parameters[len(arguments) :])]
        changed = [parameter.changed(value) for parameter, value in zip(self.parameters, values, strict=False)]
        if len(values) > len(self.parameters):
            raise thrown("ArgumentException", "Parameter count mismatch.")
        for parameter, value in zip(self.parameters, changed, strict=True):
            parameter.check(value)
            if value.__class__ is str:  # lists count their items
                spend(len(value), LINEAR_S)
        return self.run(*changed)

    def _default(self, parameter: FilterParameter) -> Any:
        if parameter.default is _REQUIRED:
            raise LiquidSyntaxError(
                f"Error - Filter '{self.name}' does not have a default value for '{parameter.name}' "
                "and no value was supplied"
            )
        return parameter.default


def _no_sequence(value: Any) -> Any:
    message = f"Invalid cast from '{type_name(value)}' to 'System.Collections.IEnumerable'."
    raise thrown("InvalidCastException", message)


def string(name: str, default: Any = _REQUIRED) -> FilterParameter:
    """A parameter of type string."""
    return FilterParameter(name, "System.String", to_text, lambda value: value.__class__ is str, default)


def whole(name: str, default: Any = _REQUIRED) -> FilterParameter:
    """A parameter of type int; null is 0."""
    return FilterParameter(
        name, "System.Int32", lambda value: change_type(value, p.INT), lambda value: value.__class__ is int, default
    )


def sequence(name: str) -> FilterParameter:
    """A parameter of type IEnumerable; text is one, of characters."""
    return FilterParameter(name, "System.Collections.IEnumerable", _no_sequence, is_sequence)


def anything(name: str, default: Any = _REQUIRED) -> FilterParameter:
    """A parameter of type object."""
    return FilterParameter(name, "", lambda value: value, lambda _value: True, default)


def table(*rows: tuple[str, Callable[..., Any], tuple[FilterParameter, ...]]) -> dict[str, LiquidFilter]:
    """Filters by name."""
    return {name: LiquidFilter(name, run, parameters) for name, run, parameters in rows}
