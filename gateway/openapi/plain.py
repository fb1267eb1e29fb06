"""
Nodes as the values that their author meant: numbers, true, false and null as JSON writes them, all else text.

YAML's wider rules would turn a country code into false and a day into a date.
"""

from __future__ import annotations

import math
import re
from typing import Any, NoReturn

from gateway.errors import LoadError
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,999})\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")


def scalar(value: str) -> Any:
    """The value of a text without quotes."""
    if value in _WORDS:
        return _WORDS[value]
    return json_number(value, value)


def json_number(text: str, otherwise: Any) -> Any:
    """The number that *text* writes as JSON does, else *otherwise*."""
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _NUMBER.match(text) else otherwise


def plain(node: YamlNode) -> Any:
    """*node* as dicts, lists, strings, numbers, booleans and None."""
    if isinstance(node, Mapping):
        return {key.value: plain(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return scalar(node.value) if node.plain else node.value


# -- what has to be there; each raises LoadError at the node when it is something else
def mapping(node: YamlNode) -> Mapping:
    """A mapping."""
    return node if isinstance(node, Mapping) else _refuse(node, "a mapping")


def items(node: YamlNode) -> tuple[YamlNode, ...]:
    """The items of a list."""
    return node.items if isinstance(node, Sequence) else _refuse(node, "a list")


def text(node: YamlNode) -> str:
    """A text; a number counts as one too, because versions and names are rarely quoted."""
    return node.value if isinstance(node, Scalar) and not node.null else _refuse(node, "a text")


def remark(node: YamlNode | None) -> str:
    """A text for readers; of anything else, nothing, because it changes no request."""
    return node.value if isinstance(node, Scalar) and not node.null else ""


def flag(node: YamlNode) -> bool:
    """True or false."""
    value = plain(node)
    return value if isinstance(value, bool) else _refuse(node, "true or false")


def number(node: YamlNode) -> int | float:
    """A number that a computer can hold: one beyond would be infinite, and as a bound no bound."""
    value = plain(node)
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) == math.inf:
        _refuse(node, "a number")
    return value


def count(node: YamlNode) -> int:
    """A whole number from 0 on."""
    value = number(node)
    return int(value) if value >= 0 and value == int(value) else _refuse(node, "a whole number, 0 or more")


def texts(node: YamlNode) -> list[str]:
    """A list of texts."""
    return [text(item) for item in items(node)]


def _refuse(node: YamlNode, wanted: str) -> NoReturn:
    raise LoadError.at(node.location, "bad-value", f"{wanted} belongs here", "see the OpenAPI specification")
