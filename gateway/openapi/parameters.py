"""
Parameters and response headers: text on the wire → a value → the schema's verdict.

A text has no type; the schema's types say how it may be read. Where several readings are possible one that fits is
enough.

Source: OpenAPI 3.1, "Parameter Object", "Style Values".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gateway.openapi.json_schema import CHECK_TIME_S, Schema
from gateway.openapi.plain import json_number
from gateway.reading.json_text import read_json
from gateway.wire.fields import fold_name

Pair: TypeAlias = "tuple[str, str]"
Kinds: TypeAlias = "frozenset[str]"

# What separates the items of an array that is written as one text.
SEPARATORS = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}

TEXT: Kinds = frozenset({"string"})


class SeveralValues(ValueError):
    """One value is allowed, and there are several."""


class Unreadable(ValueError):
    """The text is not of the form that the definition gives it."""


@dataclass(frozen=True, slots=True)
class Form:
    """
    How a schema's values are written as text.

    Attributes:
        kinds: JSON Schema types of a value.
        items: Types of an array's items.
        members: Types of an object's properties, by name.
    """

    kinds: Kinds = TEXT
    items: Kinds = TEXT
    members: Mapping[str, Kinds] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    One parameter, or one header of a response.

    Attributes:
        style: ``form``, ``simple``, ``spaceDelimited``, ``pipeDelimited``, ``deepObject``; ``json`` is a JSON text.
        exploded: Items and properties stand on their own instead of in one text.
        description: For readers; kept only where the definition is read for its descriptions.
    """

    name: str
    schema: Schema
    style: str
    exploded: bool
    required: bool = False
    allow_empty: bool = False
    form: Form = Form()
    description: str = ""

    def owns(self, name: str) -> bool:
        """Whether the query parameter *name*, in any case, belongs to this one."""
        own, name = self.name.casefold(), name.casefold()
        if "object" in self.form.kinds and self.style == "deepObject":
            return name.startswith(f"{own}[") and name.endswith("]")
        if self._spreads:
            return any(name == member.casefold() for member in self.form.members)
        return name == own

    def mistake(self, written: Sequence[Pair], on_request: bool = True, time_s: float = CHECK_TIME_S) -> str:
        """
        What is wrong with the parameter as *written* in the message; empty when it fits. Never shows the value.

        Args:
            time_s: Processor time for each reading of it.

        Raises:
            WorkExceeded: That is not enough.
            SeveralValues: A single value is allowed.
            Unreadable: It does not parse.
            RecursionError: It is nested too deeply.
        """
        if self.allow_empty and all(not text for _, text in written):
            return ""
        mistakes = [self.schema.mistake(reading, on_request, None, time_s) for reading in self._readings(written)]
        return "" if "" in mistakes else mistakes[0]

    @property
    def field_key(self) -> str:
        """The name of a header as header fields are compared: no case, and ``_`` is ``-`` (docs/adr/0007)."""
        return fold_name(self.name)

    @property
    def is_plain(self) -> bool:
        """Whether it is in a query under its own name: what a URL template can ask for."""
        return self.style == "form" and "object" not in self.form.kinds

    @property
    def _spreads(self) -> bool:
        return self.exploded and self.style == "form" and "object" in self.form.kinds and bool(self.form.members)

    def _readings(self, written: Sequence[Pair]) -> Iterator[Any]:
        """The values that *written* can mean: typed first, then as text."""
        if self.style == "json":
            yield _parsed(_only(written))
        elif "array" in self.form.kinds:
            texts = self._items(written)
            yield [_typed(text, self.form.items) for text in texts]
            yield texts
        elif "object" in self.form.kinds:
            members = dict(self._members(written))
            yield {name: _typed(text, self.form.members.get(name, TEXT)) for name, text in members.items()}
            yield members
        else:
            text = _only(written)
            yield _typed(text, self.form.kinds)
            if "string" in self.form.kinds:
                yield text

    def _items(self, written: Sequence[Pair]) -> list[str]:
        if self.style == "simple":  # a header: its lines are one list, white space around items does not count
            whole = ",".join(text for _, text in written)
            return [item.strip() for item in whole.split(",")] if whole else []
        if self.exploded:
            return [text for _, text in written]
        whole = _only(written)
        return whole.split(SEPARATORS[self.style]) if whole else []

    def _members(self, written: Sequence[Pair]) -> Sequence[Pair]:
        """Names and texts of an object's properties. Raises SeveralValues, Unreadable: a name without a text."""
        if self.style == "deepObject":
            members = self._known_names((name[len(self.name) + 1 : -1], text) for name, text in written)
        elif self._spreads:
            members = self._known_names(written)
        else:
            members = list(self._listed(_only(written)))
        if len(dict(members)) != len(members):
            raise SeveralValues
        return members

    def _known_names(self, written: Iterable[Pair]) -> list[Pair]:
        """Names as the schema spells them: in a query they have no case."""
        known = {member.casefold(): member for member in self.form.members}
        return [(known.get(name.casefold(), name), text) for name, text in written]

    def _listed(self, whole: str) -> Iterable[Pair]:
        """``a,1,b,2``, or ``a=1,b=2`` when exploded."""
        parts = whole.split(SEPARATORS[self.style]) if whole else []
        if self.exploded:
            if not all("=" in part for part in parts):
                raise Unreadable
            return [(name, text) for name, _, text in (part.partition("=") for part in parts)]
        if len(parts) % 2:
            raise Unreadable
        return list(zip(parts[::2], parts[1::2], strict=True))


def _only(written: Sequence[Pair]) -> str:
    if len(written) != 1:
        raise SeveralValues
    return written[0][1]


def _parsed(text: str) -> Any:
    try:
        return read_json(text)
    except ValueError:
        raise Unreadable from None


def _typed(text: str, kinds: Kinds) -> Any:
    """*text* as the first of *kinds* that it can be; itself otherwise."""
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    if "null" in kinds and text in ("", "null"):
        return None
    return json_number(text, text) if kinds & {"integer", "number"} else text
