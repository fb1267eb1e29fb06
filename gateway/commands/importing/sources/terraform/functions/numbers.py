"""
Functions of numbers.

Source: Terraform's documentation, "Numeric Functions".
"""

from __future__ import annotations

import math
from typing import Any

from gateway.commands.importing.sources.terraform import conversion
from gateway.commands.importing.sources.terraform.functions.calls import FunctionCall, TerraformFunction
from gateway.reading.yaml_nodes import YamlNode

_LARGEST = 1e300


def _all(call: FunctionCall) -> list[int | float]:
    return [call.number(place) for place in range(len(call.arguments))]


def _limited(call: FunctionCall, value: float) -> YamlNode:
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise call.wrong("the number is too large")
    return call.made(value)


def _sum(call: FunctionCall) -> YamlNode:
    values: list[Any] = [conversion.number(item, call.location) for item in call.elements(0)]
    if not values:
        raise call.wrong("the list is empty")
    return _limited(call, sum(values))


def _parseint(call: FunctionCall) -> YamlNode:
    text = call.text(0)
    if len(text) > 300:
        raise call.wrong("the number is too large")
    return call.made(int(text, call.whole(1)))


FUNCTIONS: dict[str, TerraformFunction] = {
    "abs": lambda call: call.made(abs(call.number(0))),
    "ceil": lambda call: call.made(math.ceil(call.number(0))),
    "floor": lambda call: call.made(math.floor(call.number(0))),
    "log": lambda call: _limited(call, math.log(call.number(0), call.number(1))),
    "max": lambda call: call.made(max(_all(call))),
    "min": lambda call: call.made(min(_all(call))),
    "parseint": _parseint,
    "pow": lambda call: _limited(call, math.pow(call.number(0), call.number(1))),
    "signum": lambda call: call.made((call.number(0) > 0) - (call.number(0) < 0)),
    "sum": _sum,
}
