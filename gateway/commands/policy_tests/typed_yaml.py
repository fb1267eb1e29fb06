"""
The plain values of a test file: numbers, true, false and null as JSON writes them, everything else text.

YAML's own rules would turn ``no`` into false and ``2026-01-01`` into a date, and then a body would not be what its
author wrote.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_RULES = (
    ("bool", re.compile(r"(?:true|false)\Z"), "tf"),
    ("null", re.compile(r"(?:null|~|)\Z"), ["n", "~", ""]),
    ("int", re.compile(r"-?(?:0|[1-9][0-9]{0,300})\Z"), "-0123456789"),
    ("float", re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)\Z"), "-0123456789"),
)


# The parser of ``yaml_nodes``: the other one refuses a tab within a text, among others.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}


for _kind, _pattern, _first in _RULES:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", _pattern, list(_first))


def typed(text: str) -> Any:
    """*text* as dicts, lists, strings, numbers, booleans and None. It must have passed ``yaml_nodes.compose``."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader with fewer types)
