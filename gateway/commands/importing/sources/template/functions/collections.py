"""
Functions of arrays and objects.

Source: "Array functions for ARM templates", "Object functions for ARM templates".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.functions.registration import MANY, FunctionTable
from gateway.commands.importing.sources.template.limits import EvaluationFault, check_items
from gateway.commands.importing.sources.template.syntax import SymbolValue
from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

TABLE = FunctionTable()


def _listed(items: Iterable[YamlNode], location: Location) -> Sequence:
    listed = tuple(items)
    check_items(len(listed), location)
    return Sequence(listed, location)


@TABLE.lenient("createArray", 0, MANY)
def _create_array(location: Location, arguments: list[YamlNode]) -> YamlNode:
    return _listed(arguments, location)


@TABLE.lenient("array", 1, 1)
def _array(location: Location, arguments: list[YamlNode]) -> YamlNode:
    value = arguments[0]
    return value if isinstance(value, Sequence | Unresolved) else _listed(arguments, location)


@TABLE.lenient("createObject", 0, MANY)
def _create_object(location: Location, arguments: list[YamlNode]) -> YamlNode:
    if len(arguments) % 2:
        raise EvaluationFault(location, "createObject takes pairs of keys and values")
    keys = [Scalar(values.as_text(key), key.location) for key in arguments[::2]]
    entries = {key.value: (key, value) for key, value in zip(keys, arguments[1::2], strict=True)}
    return Mapping(tuple(entries.values()), location)


@TABLE.outer("range", 2, 2)
def _range(location: Location, arguments: list[YamlNode]) -> YamlNode:
    start, count = map(values.as_integer, arguments)
    check_items(count, location)
    return _listed((values.number(start + position, location) for position in range(max(count, 0))), location)


@TABLE.outer("length", 1, 1)
def _length(location: Location, arguments: list[YamlNode]) -> YamlNode:
    value = arguments[0]
    if isinstance(value, Scalar):
        return values.number(len(values.as_text(value)), location)
    return values.number(len(value.items if isinstance(value, Sequence) else value.entries), location)


@TABLE.lenient("empty", 1, 1)
def _empty(location: Location, arguments: list[YamlNode]) -> YamlNode:
    """A text with unknown parts is not empty if any of it is known."""
    value = arguments[0]
    if isinstance(value, Unresolved):
        if values.is_opaque(value):
            return values.unknown(f"empty({', '.join(value.names)})", location, arguments)
        return values.boolean(False, location)
    if isinstance(value, Scalar):
        return values.boolean(values.kind(value) == "null" or not values.as_text(value), location)
    return values.boolean(not (value.items if isinstance(value, Sequence) else value.entries), location)


def _ends(name: str, position: int) -> None:
    @TABLE.outer(name, 1, 1)
    def end(location: Location, arguments: list[YamlNode]) -> YamlNode:
        value = arguments[0]
        if isinstance(value, Scalar):
            shown = values.as_text(value)
            return values.text(shown[position] if shown else "", location)
        items = values.as_items(value)
        if not items:
            raise EvaluationFault(location, f"{name} of an empty array")
        return items[position]


_ends("first", 0)
_ends("last", -1)


def _cuts(name: str, cut: Callable[[int, int], tuple[int, int]]) -> None:
    """``skip`` and ``take``: *cut* gives start and end for a number and a length."""

    @TABLE.outer(name, 2, 2)
    def part(location: Location, arguments: list[YamlNode]) -> YamlNode:
        value, number = arguments[0], max(values.as_integer(arguments[1]), 0)
        if isinstance(value, Scalar):
            start, end = cut(number, len(values.as_text(value)))
            return values.text(value.value[start:end], location)
        items = values.as_items(value)
        start, end = cut(number, len(items))
        return Sequence(items[start:end], location)


_cuts("skip", lambda number, length: (number, length))
_cuts("take", lambda number, length: (0, number))


@TABLE.outer("contains", 2, 2)
def _contains(location: Location, arguments: list[YamlNode]) -> YamlNode:
    container, wanted = arguments
    if isinstance(container, Mapping):
        return values.boolean(values.find_any_case(container, values.displayed(wanted)) is not None, location)
    if isinstance(container, Scalar):
        return values.boolean(values.displayed(wanted) in values.as_text(container), location)
    known = tuple(item for item in container.items if not isinstance(item, Unresolved))
    if _has_item(known, wanted) or len(known) == len(container.items):
        return values.boolean(_has_item(known, wanted), location)
    return values.unknown("contains(…)", location, container.items)


def _finds(name: str, search: Callable[[str, str], int], last: bool) -> None:
    @TABLE.known(name, 2, 2)
    def position(location: Location, arguments: list[YamlNode]) -> YamlNode:
        container, wanted = arguments
        if isinstance(container, Scalar):
            place = search(values.as_text(container).lower(), values.as_text(wanted).lower())
            return values.number(place, location)
        places = [at for at, item in enumerate(values.as_items(container)) if values.equal(item, wanted)]
        return values.number(places[-1 if last else 0] if places else -1, location)


_finds("indexOf", str.find, False)
_finds("lastIndexOf", str.rfind, True)


@TABLE.outer("union", 2, MANY)
def _union(location: Location, arguments: list[YamlNode]) -> YamlNode:
    """Objects are merged deeply, later ones win; arrays keep the first of equal items."""
    if isinstance(arguments[0], Sequence):
        return _listed(_distinct(item for value in arguments for item in values.as_items(value)), location)
    merged = values.as_object(arguments[0])
    for value in arguments[1:]:
        merged = _merged(merged, values.as_object(value), location)
    return merged


def _distinct(items: Iterable[YamlNode]) -> list[YamlNode]:
    kept: dict[str, YamlNode] = {}
    for item in items:
        kept.setdefault(f"{values.kind(item)} {values.as_json(item)}", item)
    return list(kept.values())


def _merged(left: Mapping, right: Mapping, location: Location) -> Mapping:
    entries = {key.value: (key, value) for key, value in left.entries}
    for key, value in right.entries:
        before = entries[key.value][1] if key.value in entries else None
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            value = _merged(before, value, location)
        entries[key.value] = (key, value)
    return Mapping(tuple(entries.values()), location)


@TABLE.known("intersection", 2, MANY)
def _intersection(location: Location, arguments: list[YamlNode]) -> YamlNode:
    first, *others = arguments
    if isinstance(first, Mapping):
        objects = list(map(values.as_object, others))
        entries = (entry for entry in first.entries if all(_has_entry(value, *entry) for value in objects))
        return Mapping(tuple(entries), location)
    lists = list(map(values.as_items, others))
    common = (item for item in values.as_items(first) if all(_has_item(items, item) for items in lists))
    return _listed(_distinct(common), location)


def _has_entry(value: Mapping, key: Scalar, wanted: YamlNode) -> bool:
    entry = value.find(key.value)
    return entry is not None and values.equal(entry, wanted)


def _has_item(items: tuple[YamlNode, ...], wanted: YamlNode) -> bool:
    return any(values.equal(item, wanted) for item in items)


@TABLE.outer("items", 1, 1)
def _items(location: Location, arguments: list[YamlNode]) -> YamlNode:
    """``[{key, value}]``, in the order of the keys."""
    entries = sorted(values.as_object(arguments[0]).entries, key=lambda entry: entry[0].value)
    return _listed((_pair(key, value, location) for key, value in entries), location)


def _pair(key: Scalar, value: YamlNode, location: Location) -> Mapping:
    return Mapping(((Scalar("key", location), key), (Scalar("value", location), value)), location)


@TABLE.outer("objectKeys", 1, 1)
def _object_keys(location: Location, arguments: list[YamlNode]) -> YamlNode:
    entries = sorted(values.as_object(arguments[0]).entries, key=lambda entry: entry[0].value)
    return _listed((key for key, _ in entries), location)


@TABLE.outer("shallowMerge", 1, 1)
def _shallow_merge(location: Location, arguments: list[YamlNode]) -> YamlNode:
    entries: dict[str, tuple[Scalar, YamlNode]] = {}
    for value in values.as_items(arguments[0]):
        entries |= {entry[0].value: entry for entry in values.as_object(value).entries}
    return Mapping(tuple(entries.values()), location)


@TABLE.outer("flatten", 1, 1)
def _flatten(location: Location, arguments: list[YamlNode]) -> YamlNode:
    items: list[YamlNode] = []
    for inner in values.as_items(arguments[0]):
        if isinstance(inner, Unresolved):
            return values.unknown(f"flatten({', '.join(inner.names)})", location, [inner])
        items += values.as_items(inner)
        check_items(len(items), location)
    return _listed(items, location)


@TABLE.outer("tryGet", 2, MANY)
def _try_get(location: Location, arguments: list[YamlNode]) -> YamlNode:
    value: YamlNode = arguments[0]
    for key in arguments[1:]:
        inner = _entry_or_item(value, key)
        if inner is None and isinstance(value, SymbolValue):
            return values.unknown(f"{value.label}.{values.displayed(key)}", location)
        if inner is None:
            return values.null(location)
        value = inner
    return value


def _entry_or_item(value: YamlNode, key: YamlNode) -> YamlNode | None:
    if isinstance(value, Mapping):
        return values.find_any_case(value, values.displayed(key))
    if not isinstance(value, Sequence) or values.kind(key) != "int":
        return None
    index = values.as_integer(key)
    return value.items[index] if 0 <= index < len(value.items) else None
