"""
What a declared parameter is worth: the value that was given, in the declared type, and secrets as what they are.
"""

from __future__ import annotations

import re
from dataclasses import replace

from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.limits import EvaluationFault
from gateway.errors import Location
from gateway.reading.yaml_nodes import Scalar, YamlNode

# What tools fill in before they deploy: ${AZURE_ENV_NAME} (azd), GEN-UNIQUE (azure-quickstart-templates), #{name}#.
_FILLED_IN = re.compile(r"\$\{(?P<azd>\w+)(?:=(?P<default>[^}]*))?\}|#\{(?P<token>[\w.-]+)\}#?")
_LONGEST_FILLED_IN = 2_000
_GENERATED = re.compile(r"(?:GEN|GET-PREREQ)-[A-Za-z0-9-]+")


def is_secure(kind: str) -> bool:
    """Whether a parameter of the type *kind* is a secret."""
    return kind.lower() in ("securestring", "secureobject")


def given_value(name: str, value: YamlNode | None, kind: str, secure: bool, location: Location) -> YamlNode:
    """
    The value of the parameter *name* of the type *kind*; unknown where *value* is None.

    The value of a secret is never shown: only that it is empty is taken from it.
    """
    if value is None or (values.kind(value) == "null" and not kind.endswith("?")):
        return values.unknown(name, location, secret=secure)
    typed = _typed(name, value, kind)
    return values.unknown(name, value.location, secret=True) if secure and not _is_blank(typed) else typed


def _is_blank(value: YamlNode) -> bool:
    return values.kind(value) in ("string", "null") and isinstance(value, Scalar) and not value.value


def _typed(name: str, value: YamlNode, kind: str) -> YamlNode:
    if not isinstance(value, Scalar) or values.kind(value) in ("unknown", "null"):
        return value
    lower = kind.lower().removesuffix("?")
    if lower in ("array", "object") or lower.endswith("[]"):
        return _parsed(value)
    filled = _filled(name, value)
    if lower in ("string", "securestring"):
        return replace(filled, plain=False)
    plain = Scalar(filled.value, filled.location, plain=True)
    return plain if lower in ("int", "bool") and values.kind(plain) == lower else filled


def _parsed(value: Scalar) -> YamlNode:
    """``--set names='["a"]'`` for a parameter that is a list or an object."""
    try:
        return values.from_json(value.value, value.location)
    except EvaluationFault:
        return value


def _filled(name: str, value: Scalar) -> Scalar:
    """*value* with what a tool would fill in: its default, or unknown."""
    if len(value.value) > _LONGEST_FILLED_IN:
        return value
    if _GENERATED.fullmatch(value.value):
        return values.unknown(name, value.location)
    parts: list[YamlNode] = []
    position = 0
    for hole in _FILLED_IN.finditer(value.value):
        parts.append(values.text(value.value[position : hole.start()], value.location))
        default = hole["default"]
        label = hole["azd"] or hole["token"]
        parts.append(values.unknown(label, value.location) if default is None else values.text(default, value.location))
        position = hole.end()
    if not parts:
        return value
    parts.append(values.text(value.value[position:], value.location))
    return values.joined(parts, value.location)
