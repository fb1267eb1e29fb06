"""What an expression returned, as the type that an attribute or element wants."""

from __future__ import annotations

from gateway.errors import ExpressionError
from gateway.expressions import primitives as p
from gateway.expressions.change_type import change_type
from gateway.expressions.clr import Type
from gateway.expressions.failures import as_thrown
from gateway.expressions.operators import unwrapped


def to_bool(value: object) -> bool:
    """A bool, or the text True or False. Raises ExpressionError."""
    return value if isinstance(value, bool) else _changed(value, p.BOOL)  # type: ignore[return-value]


def to_int(value: object) -> int:
    """An Int32, or a number or text with the same value. Raises ExpressionError."""
    return value if type(value) is int else int(_changed(value, p.INT))  # type: ignore[call-overload]


def _changed(value: object, target: Type) -> object:
    if value is None:
        raise ExpressionError("NullReferenceException", f"The expression gave null where {target.name} is needed.")
    try:
        return change_type(unwrapped(value), target)
    except Exception as error:
        thrown = as_thrown(error).value
        raise ExpressionError(thrown.name, thrown.message) from error
