"""Regular expressions mean the same on every Python that runs the gateway."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

from tests.test_structure import NAMES

_parser: Any = importlib.import_module("re._parser")
_constants: Any = importlib.import_module("re._constants")
_SINGLE = {_constants.LITERAL, _constants.NOT_LITERAL, _constants.IN, _constants.ANY, _constants.CATEGORY}


def _patterns(name: str) -> Iterator[re.Pattern[Any]]:
    """The patterns that a module has compiled."""
    values = vars(importlib.import_module(name)).values() if name != "gateway.__main__" else ()
    return (value for value in values if isinstance(value, re.Pattern))


def _possessive_groups(parsed: Any) -> Iterator[Any]:
    """Possessive repetitions of more than one character or set, however deep."""
    if isinstance(parsed, tuple) and len(parsed) == 2 and parsed[0] is _constants.POSSESSIVE_REPEAT:
        repeated = parsed[1][2]
        if len(repeated) != 1 or repeated[0][0] not in _SINGLE:
            yield parsed
    if isinstance(parsed, tuple | list | _parser.SubPattern):
        for part in parsed:
            yield from _possessive_groups(part)


def test_what_is_looked_for() -> None:
    """A possessive set is harmless, a possessive group is not."""
    assert not list(_possessive_groups(_parser.parse("a*+[bc]++x")))
    assert list(_possessive_groups(_parser.parse("(?:x(?:ab?)*+y)?")))


def test_no_group_is_possessive() -> None:
    """
    Before 3.11.5 Python keeps what a failed repetition of a possessive group had read, and matches what it must not.

    Source: https://github.com/python/cpython/issues/106052.
    """
    found = {(name, pattern.pattern) for name in NAMES for pattern in _patterns(name)}
    assert len(found) > 50
    assert [where for where in found if any(_possessive_groups(_parser.parse(where[1])))] == []
