"""Tuple and ValueTuple of one to seven items."""

from __future__ import annotations

from collections.abc import Callable

from gateway.expressions.clr import OBJECT, Type, definition_of, make
from gateway.expressions.equality import equal
from gateway.expressions.ordering import order
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.values import TupleValue

_PARENTS = ("IComparable",)


def _getter(index: int) -> Callable[[TupleValue], object]:
    return lambda value: value.items[index]


def _setter(index: int) -> Callable[[TupleValue, object], None]:
    def store(value: TupleValue, item: object) -> None:
        value.items[index] = item

    return store


def _maker(name: str, mutable: bool) -> Callable[..., TupleValue]:
    def create(types: tuple[Type, ...], *items: object) -> TupleValue:
        definition = definition_of(name, len(items))
        return TupleValue(list(items), make(definition, *types), mutable)

    return create


def _default(clr_type: Type) -> TupleValue:
    return TupleValue([arg.default for arg in clr_type.args], clr_type.plain)


for _count in range(1, 8):
    _names = tuple(f"T{number}" for number in range(1, _count + 1))
    _written = ", ".join(f"{name} item{number}" for number, name in enumerate(_names, 1))
    for _full in ("System.Tuple", "System.ValueTuple"):
        _mutable = _full == "System.ValueTuple"
        _made = f"{_full.rpartition('.')[2]}<{', '.join(_names)}>"
        _type = define(_full, {
            f"generic new({_written})": _maker(_full, _mutable),
            **{f"{name} Item{number}": (_getter(number - 1), _setter(number - 1)) if _mutable else _getter(number - 1)
               for number, name in enumerate(_names, 1)},
        }, parameters=_names, kind="struct" if _mutable else "class", parents=_PARENTS)  # fmt: skip
        if _mutable:
            _type.definition.make_default = _default
            define(_full, {f"int CompareTo({_made} other)": order, f"bool Equals({_made} other)": equal},
                   parameters=_names)  # fmt: skip
        define(_full, {
            f"static generic {_made} Create<{', '.join(_names)}>({_written})": _maker(_full, _mutable),
        }, kind="static")  # fmt: skip


def _type_of(value: TupleValue) -> Type:
    if value.type is not None:
        return value.type
    definition = definition_of("System.ValueTuple", len(value.items))
    return make(definition, *[OBJECT] * len(value.items))


represent(TupleValue, _type_of)
