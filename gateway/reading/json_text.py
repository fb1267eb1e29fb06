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
    return json.loads(decoded, object_pairs_hook=unambiguous, parse_constant=_refuse, parse_float=finite)


def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose members have different names. Raises ValueError: two readers may see two different ones."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def finite(text: str) -> float:
    """A number as a double. Raises ValueError: it is beyond one."""
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
