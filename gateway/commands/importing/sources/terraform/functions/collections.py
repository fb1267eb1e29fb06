"""
Functions of lists and objects.

Source: Terraform's documentation, "Collection Functions".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.terraform import conversion
from gateway.commands.importing.sources.terraform.functions.calls import FunctionCall, TerraformFunction
from gateway.commands.importing.sources.terraform.values import (
    Deployed,
    is_null,
    mapping_of,
    node_of,
    ordered,
    plain,
    text_node,
)
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

_LONGEST_RANGE = 1024  # Terraform's own limit


def _length(call: FunctionCall) -> YamlNode:
    value = call.arguments[0]
    if isinstance(value, Scalar):
        return call.made(len(call.text(0)))
    return call.made(len(list(conversion.items(value, call.location))))


def _lookup(call: FunctionCall) -> YamlNode:
    value = call.mapping(0).find(call.text(1))
    if value is not None:
        return value
    if len(call.arguments) < 3:
        raise call.wrong(f"there is no {call.text(1)[:40]}")
    return call.arguments[2]


def _element(call: FunctionCall) -> YamlNode:
    items = call.elements(0)
    if not items:
        raise call.wrong("the list is empty")
    return items[call.whole(1) % len(items)]


def _merge(call: FunctionCall) -> YamlNode:
    entries: dict[str, tuple[Scalar, YamlNode]] = {}
    for place, argument in enumerate(call.arguments):
        if not is_null(argument):
            entries.update({key.value: (key, value) for key, value in call.mapping(place).entries})
    call.bounds.step(call.location, len(entries))
    return Mapping(tuple(entries.values()), call.location)


def _flat(call: FunctionCall, node: YamlNode) -> Iterator[YamlNode]:
    if not isinstance(node, Sequence):
        yield node
        return
    for item in node.items:
        call.bounds.step(call.location)
        yield from _flat(call, item)


def _flatten(call: FunctionCall) -> YamlNode:
    items = list(_flat(call, Sequence(tuple(call.elements(0)), call.location)))
    if any(isinstance(item, Unresolved) for item in items):
        raise conversion.NotKnown  # it may be a list itself
    return call.listed(items)


def _coalesce(call: FunctionCall) -> YamlNode:
    for argument in call.arguments:
        empty = isinstance(argument, Scalar) and not argument.plain and not argument.value
        if not is_null(argument) and not empty:
            return argument
    raise call.wrong("every argument is null or empty")


def _coalescelist(call: FunctionCall) -> YamlNode:
    for place, argument in enumerate(call.arguments):
        if not is_null(argument) and call.elements(place):
            return argument
    raise call.wrong("every list is empty")


def _concat(call: FunctionCall) -> YamlNode:
    return call.listed([item for place in range(len(call.arguments)) for item in call.elements(place)])


def _compact(call: FunctionCall) -> YamlNode:
    items = call.elements(0)
    return call.listed(
        [item for item in items if not is_null(item) and not (isinstance(item, Scalar) and not item.value)]
    )


def _contains(call: FunctionCall) -> YamlNode:
    wanted = plain(call.arguments[1])
    items = call.elements(0)
    if isinstance(wanted, Unresolved):
        raise conversion.NotKnown
    if any(plain(item) == wanted for item in items):
        return call.made(True)
    if any(isinstance(item, Unresolved) for item in items):
        raise conversion.NotKnown
    return call.made(False)


def _index(call: FunctionCall) -> YamlNode:
    wanted = plain(call.arguments[1])
    place = next((number for number, item in enumerate(call.elements(0)) if plain(item) == wanted), None)
    if place is None:
        raise call.wrong("the item is not in the list")
    return call.made(place)


def _keys(call: FunctionCall) -> YamlNode:
    entries = sorted(call.mapping(0).entries, key=lambda entry: entry[0].value)
    return call.listed([text_node(key.value, key.location) for key, _ in entries])


def _one(call: FunctionCall) -> YamlNode:
    value = call.arguments[0]
    if isinstance(value, Deployed):
        return value
    items = call.elements(0)
    if len(items) > 1:
        raise call.wrong("the list has more than one item")
    return items[0] if items else call.made(None)


def _range(call: FunctionCall) -> YamlNode:
    numbers = [call.number(place) for place in range(len(call.arguments))]
    start, end = (0, numbers[0]) if len(numbers) == 1 else numbers[:2]
    step: Any = numbers[2] if len(numbers) > 2 else (1 if start <= end else -1)
    count = math.ceil((end - start) / step)  # a step of 0 is a ZeroDivisionError: the arguments do not fit
    if count > _LONGEST_RANGE:
        raise call.wrong("the range has too many numbers")
    return call.listed([node_of(start + step * place, call.location) for place in range(count)])


def _slice(call: FunctionCall) -> YamlNode:
    items, start, end = call.elements(0), call.whole(1), call.whole(2)
    if not 0 <= start <= end <= len(items):
        raise call.wrong("the end is outside of the list")
    return call.listed(items[start:end])


def _chunks(call: FunctionCall) -> YamlNode:
    items, size = call.elements(0), call.whole(1)
    if size < 1:
        return call.listed([Sequence(tuple(items), call.location)])
    parts = [tuple(items[place : place + size]) for place in range(0, len(items), size)]
    return call.listed([Sequence(part, call.location) for part in parts])


def _sort(call: FunctionCall) -> YamlNode:
    return call.listed(sorted(call.elements(0), key=lambda item: conversion.text(item, call.location)))


def _transpose(call: FunctionCall) -> YamlNode:
    turned: dict[str, list[YamlNode]] = {}
    for key, values in ordered(call.mapping(0)):
        for value in conversion.elements(values, call.location):
            turned.setdefault(conversion.text(value, call.location), []).append(text_node(key, call.location))
    return call.made(turned)


def _zipmap(call: FunctionCall) -> YamlNode:
    keys = [conversion.text(key, call.location) for key in call.elements(0)]
    values = call.elements(1)
    if len(keys) != len(values):
        raise call.wrong("the lists have different lengths")
    return mapping_of(dict(zip(keys, values, strict=True)).items(), call.location)


def _matchkeys(call: FunctionCall) -> YamlNode:
    wanted = [plain(item) for item in call.elements(2)]
    pairs = zip(call.elements(0), call.elements(1), strict=True)
    return call.listed([value for value, key in pairs if plain(key) in wanted])


def _truths(call: FunctionCall) -> list[bool]:
    return [conversion.flag(item, call.location) for item in call.elements(0)]


FUNCTIONS: dict[str, TerraformFunction] = {
    "alltrue": lambda call: call.made(all(_truths(call))),
    "anytrue": lambda call: call.made(any(_truths(call))),
    "chunklist": _chunks,
    "coalesce": _coalesce,
    "coalescelist": _coalescelist,
    "compact": _compact,
    "concat": _concat,
    "contains": _contains,
    "element": _element,
    "flatten": _flatten,
    "index": _index,
    "keys": _keys,
    "length": _length,
    "lookup": _lookup,
    "matchkeys": _matchkeys,
    "merge": _merge,
    "one": _one,
    "range": _range,
    "reverse": lambda call: call.listed(call.elements(0)[::-1]),
    "slice": _slice,
    "sort": _sort,
    "transpose": _transpose,
    "values": lambda call: call.listed([value for _, value in ordered(call.mapping(0))]),
    "zipmap": _zipmap,
}
