"""
Functions that take a lambda.

Source: "Lambda functions for ARM templates".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.functions.registration import FunctionTable
from gateway.commands.importing.sources.template.limits import EvaluationFault
from gateway.commands.importing.sources.template.syntax import EvaluationFrame, Invocation, LambdaExpression
from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

TABLE = FunctionTable()


def _function(call: Invocation, position: int, frame: EvaluationFrame) -> Callable[..., YamlNode]:
    """The lambda at *position*, as a function of its variables; further values than it has variables are dropped."""
    argument = call.arguments[position]
    if not isinstance(argument, LambdaExpression):
        raise EvaluationFault(argument.location, f"{call.name} takes a lambda here")

    def apply(*given: YamlNode) -> YamlNode:
        return argument.body.evaluate(frame.with_local(dict(zip(argument.parameters, given, strict=False))))

    return apply


def _over_items(
    name: str, most: int, result: Callable[[Invocation, EvaluationFrame, tuple[YamlNode, ...]], YamlNode]
) -> None:
    """A function of an array and a lambda; unknown when the array is."""

    @TABLE.lazy(name, 2, most)
    def over(call: Invocation, frame: EvaluationFrame) -> YamlNode:
        source = call.arguments[0].evaluate(frame)
        if isinstance(source, Unresolved):
            return values.unknown(f"{call.name}({call.arguments[0].label})", call.location, [source])
        value = result(call, frame, values.as_items(source))
        if value is _UNDECIDED:
            return values.unknown(f"{call.name}({call.arguments[0].label})", call.location, [source])
        return value


# Whether an item belongs into a result depends on something unknown.
_UNDECIDED = Sequence((), Location(""))


def _map(call: Invocation, frame: EvaluationFrame, items: tuple[YamlNode, ...]) -> YamlNode:
    function = _function(call, 1, frame)
    mapped = [function(item, values.number(at, call.location)) for at, item in enumerate(items)]
    return Sequence(tuple(mapped), call.location)


def _filter(call: Invocation, frame: EvaluationFrame, items: tuple[YamlNode, ...]) -> YamlNode:
    function = _function(call, 1, frame)
    wanted = [function(item, values.number(at, call.location)) for at, item in enumerate(items)]
    if any(isinstance(answer, Unresolved) for answer in wanted):
        return _UNDECIDED
    kept = [item for item, answer in zip(items, wanted, strict=True) if values.as_boolean(answer)]
    return Sequence(tuple(kept), call.location)


def _reduce(call: Invocation, frame: EvaluationFrame, items: tuple[YamlNode, ...]) -> YamlNode:
    if len(call.arguments) != 3:
        raise EvaluationFault(call.location, "reduce takes 3 arguments")
    value, function = call.arguments[1].evaluate(frame), _function(call, 2, frame)
    for position, item in enumerate(items):
        value = function(value, item, values.number(position, call.location))
    return value


def _sort(call: Invocation, frame: EvaluationFrame, items: tuple[YamlNode, ...]) -> YamlNode:
    function = _function(call, 1, frame)
    undecided = False

    def order(left: YamlNode, right: YamlNode) -> int:
        nonlocal undecided
        before, after = function(left, right), function(right, left)
        undecided = undecided or isinstance(before, Unresolved) or isinstance(after, Unresolved)
        return 0 if undecided else int(values.as_boolean(after)) - int(values.as_boolean(before))

    result = Sequence(tuple(sorted(items, key=cmp_to_key(order))), call.location)
    return _UNDECIDED if undecided else result


def _to_object(call: Invocation, frame: EvaluationFrame, items: tuple[YamlNode, ...]) -> YamlNode:
    key_of = _function(call, 1, frame)
    value_of = _function(call, 2, frame) if len(call.arguments) == 3 else None
    entries: dict[str, tuple[Scalar, YamlNode]] = {}
    for item in items:
        key = key_of(item)
        if isinstance(key, Unresolved):
            return _UNDECIDED
        entries[values.displayed(key)] = (
            Scalar(values.displayed(key), key.location),
            item if value_of is None else value_of(item),
        )
    return Mapping(tuple(entries.values()), call.location)


def _group_by(call: Invocation, frame: EvaluationFrame, items: tuple[YamlNode, ...]) -> YamlNode:
    key_of = _function(call, 1, frame)
    groups: dict[str, list[YamlNode]] = {}
    for item in items:
        key = key_of(item)
        if isinstance(key, Unresolved):
            return _UNDECIDED
        groups.setdefault(values.displayed(key), []).append(item)
    entries = ((Scalar(key, call.location), Sequence(tuple(group), call.location)) for key, group in groups.items())
    return Mapping(tuple(entries), call.location)


_over_items("map", 2, _map)
_over_items("filter", 2, _filter)
_over_items("reduce", 3, _reduce)
_over_items("sort", 2, _sort)
_over_items("toObject", 3, _to_object)
_over_items("groupBy", 2, _group_by)


@TABLE.lazy("mapValues", 2, 2)
def _map_values(call: Invocation, frame: EvaluationFrame) -> YamlNode:
    source = call.arguments[0].evaluate(frame)
    if isinstance(source, Unresolved):
        return values.unknown(f"mapValues({call.arguments[0].label})", call.location, [source])
    function = _function(call, 1, frame)
    entries = tuple((key, function(value)) for key, value in values.as_object(source).entries)
    return Mapping(entries, call.location)
