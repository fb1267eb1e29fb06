"""
The values of expressions: nodes with places, in which plain scalars are numbers and truth values.

Source: Terraform's documentation, "Types and Values".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.commands.importing.resources import Unresolved
from gateway.errors import GatewayError, Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

MOST_STEPS = 1_000_000  # terms evaluated in one import
MOST_CHARACTERS = 1 << 26  # of all texts that functions and templates make
DEEPEST_EVALUATION = 150
DEEPEST_VALUE = 100
MOST_VALUES = 200_000  # in one list or object, with all that is inside


class EvaluationError(GatewayError):
    """An expression has no value; *location* is where, *message* why."""

    def __init__(self, location: Location, message: str) -> None:
        super().__init__(f"{location}: {message}")
        self.location = location
        self.message = message


class WorkBounds:
    """What one import may spend on expressions."""

    def __init__(self) -> None:
        self._steps = 0
        self._characters = 0
        self._measured: dict[int, tuple[YamlNode, int, int]] = {}
        self.depth = 0

    def step(self, location: Location, count: int = 1) -> None:
        """Count the evaluation of *count* terms or items. Raises EvaluationError beyond the limit."""
        self._steps += count
        if self._steps > MOST_STEPS:
            raise EvaluationError(location, f"the expressions of this source take more than {MOST_STEPS} steps")

    def made(self, location: Location, text: str) -> str:
        """Count *text*. Raises EvaluationError beyond the limit."""
        self._characters += len(text)
        if self._characters > MOST_CHARACTERS:
            raise EvaluationError(location, "the expressions of this source make more text than fits")
        return text

    def size(self, node: YamlNode) -> int:
        """How many values *node* has when each occurrence of a shared one counts."""
        return self._measure(node)[0]

    def fits(self, node: YamlNode, location: Location) -> YamlNode:
        """*node*. Raises EvaluationError: it has too many values, or is nested too deep, to walk through."""
        size, depth = self._measure(node)
        if size > MOST_VALUES:
            raise EvaluationError(location, f"a list or object has more than {MOST_VALUES} values")
        if depth > DEEPEST_VALUE:
            raise EvaluationError(location, f"a list or object is nested more than {DEEPEST_VALUE} deep")
        return node

    def _measure(self, node: YamlNode) -> tuple[int, int]:
        # Lists share their parts: forty lines can make a list of 2^40 items that takes no memory until it is walked.
        if isinstance(node, Scalar):
            return 1, 0
        known = self._measured.get(id(node))
        if known is None:
            inner = node.items if isinstance(node, Sequence) else [value for _, value in node.entries]
            measures = [self._measure(item) for item in inner]
            depth = 1 + max((depth for _, depth in measures), default=0)
            known = (node, 1 + sum(size for size, _ in measures), depth)
            self._measured[id(node)] = known
        return known[1], known[2]


@dataclass(frozen=True, slots=True)
class Deployed(Mapping):
    """
    An object whose other attributes only the deployment knows; *path* is how it is written: ``azurerm_x.orders``.

    Attributes:
        secret: Whether what is not known here is a secret.
    """

    path: str = ""


def text_node(text: str, location: Location) -> Scalar:
    """A text."""
    return Scalar(text, location)


def null_node(location: Location) -> Scalar:
    """Null."""
    return Scalar("", location, True, True)


def number_node(number: float, location: Location) -> Scalar:
    """A number, written as Terraform writes it."""
    whole = isinstance(number, int) or (math.isfinite(number) and number == int(number) and abs(number) < 1e21)
    return Scalar(str(int(number)) if whole else repr(number), location, plain=True)


def flag_node(flag: bool, location: Location) -> Scalar:
    """A truth value."""
    return Scalar("true" if flag else "false", location, plain=True)


def unresolved(name: str, location: Location, secret: bool = False) -> Unresolved:
    """What is called *name* and not known here."""
    return Unresolved(f"{{{name}}}", location, names=(name,), secret=secret)


def node_of(value: Any, location: Location) -> YamlNode:
    """A node for plain Python values; nodes inside stay as they are."""
    match value:
        case Scalar() | Sequence() | Mapping():
            return value
        case dict():
            return mapping_of(((key, node_of(item, location)) for key, item in value.items()), location)
        case list() | tuple():
            return Sequence(tuple(node_of(item, location) for item in value), location)
        case _:
            return _scalar_of(value, location)


def _scalar_of(value: str | float | bool | None, location: Location) -> Scalar:
    if value is None:
        return null_node(location)
    if isinstance(value, str):
        return Scalar(value, location)
    return flag_node(value, location) if isinstance(value, bool) else number_node(value, location)


def mapping_of(entries: Iterable[tuple[str, YamlNode]], location: Location) -> Mapping:
    """A mapping whose keys have the places of their values."""
    return Mapping(tuple((Scalar(key, value.location), value) for key, value in entries), location)


def is_null(node: YamlNode | None) -> bool:
    """Whether *node* is null, or nothing."""
    return node is None or (isinstance(node, Scalar) and node.null)


def number_of(text: str) -> int | float | None:
    """The number that *text* is, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number) or "_" in text:
        return None
    return int(text) if text.lstrip("+-").isdecimal() and len(text) < 300 else number


def plain(node: YamlNode) -> Any:
    """
    The Python value of *node*; an Unresolved stays what it is.

    Numbers are int or float, mappings are dict in the order of their keys, as Terraform has them.
    """
    match node:
        case Unresolved():
            return node
        case Scalar():
            return _plain_scalar(node)
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key: plain(value) for key, value in ordered(node)}


def _plain_scalar(node: Scalar) -> Any:
    if node.null:
        return None
    if not node.plain:
        return node.value
    if node.value in ("true", "false"):
        return node.value == "true"
    number = number_of(node.value)
    return node.value if number is None else number


def ordered(node: Mapping) -> list[tuple[str, YamlNode]]:
    """The entries in the order in which Terraform walks through an object: by key."""
    return sorted(((key.value, value) for key, value in node.entries), key=lambda entry: entry[0])


def unknowns(node: YamlNode, depth: int = 0) -> Iterator[Unresolved]:
    """Every unresolved scalar inside *node*."""
    if isinstance(node, Unresolved):
        yield node
    elif depth < DEEPEST_VALUE and isinstance(node, Sequence):
        for item in node.items:
            yield from unknowns(item, depth + 1)
    elif depth < DEEPEST_VALUE and isinstance(node, Mapping):
        for _, value in node.entries:
            yield from unknowns(value, depth + 1)


def joined(parts: Iterable[Scalar], location: Location) -> Scalar:
    """The texts of *parts* one behind the other; unresolved where one of them is."""
    known = list(parts)
    return like("".join(part.value for part in known), known, location)


def like(text: str, parts: Iterable[YamlNode], location: Location) -> Scalar:
    """*text*, unresolved where something inside *parts* is and still stands in it."""
    open_parts = [unknown for part in parts for unknown in unknowns(part)]
    names = tuple(dict.fromkeys(name for part in open_parts for name in part.names if f"{{{name}}}" in text))
    if not names:
        return Scalar(text, location)
    return Unresolved(text, location, names=names, secret=any(part.secret for part in open_parts))
