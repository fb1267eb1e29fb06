"""
Operands: what a name, a literal, a range or a path of members stands for.

Source: DotLiquid, "Context.Resolve", "Context.TryGetVariable".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gateway.expressions import primitives as p
from gateway.expressions.change_type import change_type
from gateway.expressions.thrown import Thrown, argument_null, null_reference, thrown
from gateway.expressions.types.numbers import parse_decimal, parse_double, parse_integer
from gateway.liquid.equality import same
from gateway.liquid.errors import LiquidSyntaxError
from gateway.liquid.fragments import SEGMENT
from gateway.liquid.values import HashMember, NestedMember, Quality, is_sequence, items, last, text_of, type_name

if TYPE_CHECKING:
    from gateway.liquid.scope import RenderScope

Operand = Callable[["RenderScope"], Any]

_RANGE = re.compile(r"\((\S+)\.\.(\S+)\)")
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d[\d.|,]+", re.ASCII)
_PART = re.compile(rf"\[[^\]]+\]|{SEGMENT}+\??")


def _is_empty(value: object) -> bool:
    return is_sequence(value) and not any(True for _ in items(value))


def _is_blank(value: object) -> bool:
    if value is None or value is False:
        return True
    return not value.strip() if isinstance(value, str) else _is_empty(value)


_WORDS: dict[str, Any] = {
    "": None,
    "nil": None,
    "null": None,
    "true": True,
    "false": False,
    "blank": Quality(_is_blank),
    "empty": Quality(_is_empty),
}


def operand(markup: str | None) -> Operand:
    """The value of *markup*, as a function of the scope; an unreadable literal raises only when it is evaluated."""
    if markup is None or markup in _WORDS:
        value = _WORDS[markup or ""]
        return lambda _scope: value
    return _quoted(markup) or _range(markup) or _number(markup) or _path(markup)


def _quoted(markup: str) -> Operand | None:
    if markup[0] not in "'\"" or len(markup) == 1 or not markup.endswith(markup[0]):
        return None
    inner = markup[1:-1]
    return lambda _scope: inner


def _range(markup: str) -> Operand | None:
    match = _RANGE.fullmatch(markup) if markup.endswith(")") else None
    return _Range(operand(match[1]), operand(match[2])) if match else None


def _number(markup: str) -> Operand | None:
    read = _integer if _INTEGER.fullmatch(markup) else _real if _NUMBER.fullmatch(markup) else None
    if read is None:
        return None
    try:
        value = read(markup)
    except Thrown:
        return lambda _scope: read(markup)
    return lambda _scope: value


def _integer(markup: str) -> object:
    number = int(markup) if len(markup) < 20 else 2**63
    return parse_integer(markup, "int" if -(2**31) <= number < 2**31 else "long")


def _real(markup: str) -> object:
    try:
        return parse_decimal(markup)
    except Thrown:
        return parse_double(markup)


@dataclass(frozen=True, slots=True)
class _Range:
    """``(first..last)``, both included."""

    first: Operand
    last: Operand

    def __call__(self, scope: RenderScope) -> range:
        first, last = (whole(bound(scope)) for bound in (self.first, self.last))
        return range(first, last + 1)


def whole(value: object) -> int:
    """``Convert.ToInt32``. Raises Thrown: it is not a number."""
    if isinstance(value, HashMember | NestedMember) or (is_sequence(value) and not isinstance(value, str)):
        message = f"Unable to cast object of type '{type_name(value)}' to type 'System.IConvertible'."
        raise thrown("InvalidCastException", message)
    return change_type(value, p.INT)  # type: ignore[return-value]


def _part(markup: str) -> tuple[str, Operand | None]:
    """A name, or an operand in brackets whose value is the name."""
    return (markup, operand(markup[1:-1])) if markup.startswith("[") else (markup, None)


def _path(markup: str) -> Operand:
    parts = [_part(name) for name in _PART.findall(markup)]
    return _Path(parts[0], tuple(parts[1:])) if parts else lambda _scope: None


@dataclass(frozen=True, slots=True)
class _Path:
    """A variable followed by members; null if one is missing."""

    first: tuple[str, Operand | None]
    rest: tuple[tuple[str, Operand | None], ...]

    def __call__(self, scope: RenderScope) -> Any:
        name, inner = self.first
        try:
            value = scope.find(_text(inner(scope)) if inner else name)
            if value.__class__ is Quality:
                raise _not_liquid(value)
            for name, inner in self.rest:
                value = _member(value, name) if inner is None else _indexed(value, inner(scope))
        except LookupError:
            return None
        return value


def _not_liquid(value: Quality) -> LiquidSyntaxError:
    """``empty`` and ``blank`` can be assigned to a variable, which then cannot be read."""
    name = type_name(value)
    return LiquidSyntaxError(
        f"Object '{name}' is invalid because it is neither a built-in type nor implements ILiquidizable"
    )


def _text(value: object) -> str:
    if value is None:
        raise null_reference()
    return text_of(value)


def _member(value: Any, name: str) -> Any:
    """``value.name``; a hash's own member takes precedence over its size. Raises LookupError."""
    try:
        return _indexed(value, name)
    except LookupError:
        if not is_sequence(value):
            raise
    command = _COMMANDS.get(name[0].lower() + name[1:])
    if command is None:
        raise LookupError(name)
    return command(value)


def _size(value: Any) -> int:
    return len(value)


def _first(value: Any) -> Any:
    return next(items(value), None)


_COMMANDS: dict[str, Callable[[Any], Any]] = {"size": _size, "first": _first, "last": last}


def _indexed(value: Any, key: Any) -> Any:
    """``value[key]``. Raises LookupError."""
    if isinstance(value, HashMember):
        return _of_pair(value, key)
    if isinstance(value, dict):
        if key is None:
            raise argument_null("key")
        return value[text_of(key)]
    if isinstance(value, NestedMember):
        return _of_hash_pair(value, key)
    if isinstance(value, list) and _is_whole(key):
        return value[int(key)]
    raise LookupError(key)


def _of_pair(pair: HashMember, key: Any) -> Any:
    if key == "Key" or same(key, 0):
        return pair.key
    if key in ("Value", pair.key) or same(key, 1):
        return pair.value
    raise LookupError(key)


def _of_hash_pair(pair: NestedMember, key: Any) -> Any:
    member = pair.find(text_of(key))
    if not isinstance(key, str):
        message = f"Unable to cast object of type '{type_name(key)}' to type 'System.String'."
        raise thrown("InvalidCastException", message)
    return member


def _is_whole(key: object) -> bool:
    if isinstance(key, int):
        return not isinstance(key, bool)
    return isinstance(key, float | Decimal) and key == int(key)
