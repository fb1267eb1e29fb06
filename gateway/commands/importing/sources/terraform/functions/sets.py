"""
Functions of sets. A set is a list without doubled items; sets of texts are in order.

Source: Terraform's documentation, "Collection Functions".
"""

from __future__ import annotations

import json
from itertools import product
from math import prod

from gateway.commands.importing.sources.terraform.conversion import NotKnown
from gateway.commands.importing.sources.terraform.functions.calls import FunctionCall, TerraformFunction
from gateway.commands.importing.sources.terraform.values import plain, unknowns
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

_MOST_COMBINATIONS = 10_000


def identity(node: YamlNode) -> str:
    """A text that is the same for the same values."""
    return json.dumps(plain(node), sort_keys=True, default=lambda unknown: unknown.value)


def distinct(nodes: list[YamlNode]) -> list[YamlNode]:
    """The first of each value."""
    single: dict[str, YamlNode] = {}
    for node in nodes:
        single.setdefault(identity(node), node)
    return list(single.values())


def set_of(nodes: list[YamlNode]) -> list[YamlNode]:
    """The items of a set, in the order in which Terraform walks through them."""
    single = distinct(nodes)
    if all(isinstance(node, Scalar) for node in single):
        return sorted(single, key=lambda node: node.value if isinstance(node, Scalar) else "")
    return single


def _sets(call: FunctionCall) -> list[dict[str, YamlNode]]:
    lists = [call.elements(place) for place in range(len(call.arguments))]
    if any(True for nodes in lists for node in nodes for _ in unknowns(node)):
        raise NotKnown
    return [{identity(node): node for node in nodes} for nodes in lists]


def _union(call: FunctionCall) -> YamlNode:
    return call.listed(set_of([node for nodes in _sets(call) for node in nodes.values()]))


def _intersection(call: FunctionCall) -> YamlNode:
    first, *others = _sets(call)
    return call.listed(set_of([node for key, node in first.items() if all(key in other for other in others)]))


def _difference(call: FunctionCall) -> YamlNode:
    first, second = _sets(call)
    return call.listed(set_of([node for key, node in first.items() if key not in second]))


def _product(call: FunctionCall) -> YamlNode:
    lists = [call.elements(place) for place in range(len(call.arguments))]
    if prod(len(nodes) for nodes in lists) > _MOST_COMBINATIONS:
        raise call.wrong("there are too many combinations")
    return call.listed([Sequence(nodes, call.location) for nodes in product(*lists)])


def _to_set(call: FunctionCall) -> YamlNode:
    value = call.arguments[0]
    nodes = [item for _, item in value.entries] if isinstance(value, Mapping) else call.elements(0)
    return call.listed(set_of(nodes))


FUNCTIONS: dict[str, TerraformFunction] = {
    "distinct": lambda call: call.listed(distinct(call.elements(0))),
    "setintersection": _intersection,
    "setproduct": _product,
    "setsubtract": _difference,
    "setunion": _union,
    "toset": _to_set,
}
