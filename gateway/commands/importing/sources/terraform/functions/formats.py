"""
``format``: Go's verbs, as Terraform has them.

Source: Terraform's documentation, "format Function".
"""

from __future__ import annotations

import json
import re
from typing import Any

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.terraform.conversion import number
from gateway.commands.importing.sources.terraform.values import EvaluationError, plain
from gateway.errors import Location
from gateway.reading.yaml_nodes import Scalar, YamlNode

_VERB = re.compile(r"%(?:%|([-+# 0]*)(\d*)(?:\.(\d*))?(?:\[(\d+)\])?([a-zA-Z]))")
_WIDEST = 1000
_WHOLE = {"d": "d", "b": "b", "o": "o", "x": "x", "X": "X"}


def formatted(pattern: str, arguments: list[YamlNode], location: Location) -> str:
    """*pattern* with its verbs filled in. Raises EvaluationError and NotKnown."""
    used: list[int] = []

    def fill(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        place = int(match[4]) - 1 if match[4] else (used[-1] + 1 if used else 0)
        used.append(place)
        if not 0 <= place < len(arguments):
            raise EvaluationError(location, "format has fewer values than its text needs")
        return _verb(match, arguments[place], location)

    return _VERB.sub(fill, pattern)


def _verb(match: re.Match[str], value: YamlNode, location: Location) -> str:
    flags, width, precision, verb = match[1], int(match[2] or 0), match[3], match[5]
    if width > _WIDEST or int(precision or 0) > _WIDEST:
        raise EvaluationError(location, "format: the width is out of range")
    if verb in "sqv":
        text = _text(value, verb, location)[: int(precision) if precision else None]
        return text.ljust(width) if "-" in flags else text.rjust(width)
    return _padded(_number(flags, precision, verb, number(value, location), location), flags, width)


def _padded(text: str, flags: str, width: int) -> str:
    if "-" in flags:
        return text.ljust(width)
    return _zeros(text, width) if "0" in flags else text.rjust(width)


def _zeros(text: str, width: int) -> str:
    sign = text[:1] if text[:1] in ("+", "-", " ") else ""
    return sign + text[len(sign) :].rjust(width - len(sign), "0")


def _text(value: YamlNode, verb: str, location: Location) -> str:
    if isinstance(value, Scalar) and not value.null:
        return json.dumps(value.value, ensure_ascii=False) if verb == "q" else value.value
    if verb == "v":
        return json.dumps(_shown(plain(value)), separators=(",", ":"), ensure_ascii=False)
    raise EvaluationError(location, "format: a single value is needed")


def _shown(value: Any) -> Any:
    match value:
        case Unresolved():
            return value.value
        case list():
            return [_shown(item) for item in value]
        case dict():
            return {key: _shown(item) for key, item in value.items()}
        case _:
            return value


def _number(flags: str, precision: str | None, verb: str, value: int | float, location: Location) -> str:
    sign = "+" if "+" in flags else " " if " " in flags else ""
    if verb in _WHOLE:
        return format(int(value), sign + _WHOLE[verb])
    if verb not in "eEfFgG":
        raise EvaluationError(location, f"format: %{verb} is not known")
    digits = "" if precision is None and verb in "gG" else f".{precision or 6}"
    return format(float(value), f"{sign}{digits}{verb}")
