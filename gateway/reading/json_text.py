"""
JSON with only one reading: UTF-8, no duplicate member, no NaN, no number beyond a double. Otherwise the backend may
read another value than the one that was checked.

Source: RFC 8259 §4, §8.1.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


def read_json(text: str | bytes) -> Any:
    """The value of *text*, UTF-8. Raises ValueError: not JSON, or ambiguous; RecursionError: nested too deeply."""
    decoded = text.decode() if isinstance(text, bytes) else text
    return json.loads(decoded, object_pairs_hook=_members, parse_constant=_refuse, parse_float=_finite)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
