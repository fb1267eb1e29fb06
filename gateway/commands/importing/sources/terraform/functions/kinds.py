"""
Functions that convert types, mark secrets, or give what only a run of Terraform can know.

Source: Terraform's documentation, "Type Conversion Functions", "Date and Time Functions".
"""

from __future__ import annotations

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.terraform import conversion
from gateway.commands.importing.sources.terraform.functions.calls import FunctionCall, TerraformFunction
from gateway.commands.importing.sources.terraform.values import is_null, unresolved
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode


def _to_text(call: FunctionCall) -> YamlNode:
    value = call.arguments[0]
    if is_null(value) or isinstance(value, Unresolved):
        return value
    return Scalar(call.text(0), value.location)


def _to_number(call: FunctionCall) -> YamlNode:
    return call.arguments[0] if is_null(call.arguments[0]) else call.made(call.number(0))


def _to_flag(call: FunctionCall) -> YamlNode:
    value = call.arguments[0]
    return value if is_null(value) else call.made(conversion.flag(value, call.location))


def _to_list(call: FunctionCall) -> YamlNode:
    value = call.arguments[0]
    return value if is_null(value) else call.listed(call.elements(0))


def _to_map(call: FunctionCall) -> YamlNode:
    value = call.arguments[0]
    return value if is_null(value) else call.mapping(0)


def _sensitive(call: FunctionCall) -> YamlNode:
    value = call.arguments[0]
    if isinstance(value, Unresolved):
        return Unresolved(value.value, value.location, names=value.names, secret=True)
    return unresolved(call.source, call.location, secret=True)


def _type(call: FunctionCall) -> YamlNode:
    value = call.arguments[0]
    if isinstance(value, Scalar):
        return call.made("string")
    return call.made("object" if isinstance(value, Mapping) else "tuple")


def _of_the_run(call: FunctionCall) -> YamlNode:
    raise conversion.NotKnown


FUNCTIONS: dict[str, TerraformFunction] = {
    **dict.fromkeys("bcrypt plantimestamp timestamp uuid formatdate timeadd timecmp uuidv5".split(), _of_the_run),
    "ephemeralasnull": lambda call: call.made(None),
    "issensitive": lambda call: call.made(isinstance(call.arguments[0], Unresolved) and call.arguments[0].secret),
    "nonsensitive": lambda call: call.arguments[0],
    "sensitive": _sensitive,
    "tobool": _to_flag,
    "tolist": _to_list,
    "tomap": _to_map,
    "tonumber": _to_number,
    "tostring": _to_text,
    "type": _type,
}
