"""What the cursor points at: the one question behind hover, definitions, references and renaming."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.commands.lsp.code_completion import read
from gateway.commands.lsp.csharp.members import Offered, offered
from gateway.commands.lsp.csharp.probing import probe
from gateway.commands.lsp.project import CONFIG_KINDS, KINDS, NAMED_VALUES
from gateway.commands.lsp.references import mentions
from gateway.commands.lsp.session import OpenText
from gateway.commands.lsp.xml_cursor import place_in as place_in_xml
from gateway.commands.lsp.yaml_completion import code_before
from gateway.commands.lsp.yaml_cursor import ITEM, YamlPlace
from gateway.commands.lsp.yaml_cursor import place_in as place_in_yaml

_NAME = re.compile(r"[\w.:-]*")
_KEY = re.compile(r"[\w.-]*")
_WORD = re.compile(r"\w*")
_START = re.compile(r"[\w.:-]*\Z")
_KEY_START = re.compile(r"[\w.-]*\Z")
_WORD_START = re.compile(r"\w*\Z")
_VALUE = re.compile(r"[^\"'<>&\n]*")
_SCALAR = re.compile(r"[^\s,{}\[\]\"'#][^\n,{}\[\]\"'#]*")


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of an entry of the configuration: *kind* is its mapping; *declared* where it is its own key."""

    start: int
    end: int
    kind: str
    name: str
    declared: bool = False


@dataclass(frozen=True, slots=True)
class ElementName:
    """The name of an element of a policy document."""

    start: int
    end: int
    name: str
    parents: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AttributeName:
    """An attribute of an element, or its value."""

    start: int
    end: int
    element: str
    name: str
    parents: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CodeName:
    """A name in an expression, and what C# it is."""

    start: int
    end: int
    meaning: Offered


@dataclass(frozen=True, slots=True)
class KeyName:
    """A key in YAML, by its path."""

    start: int
    end: int
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyValue:
    """The value of a key in YAML."""

    start: int
    end: int
    path: tuple[str, ...]
    written: str


Pointed: TypeAlias = Reference | ElementName | AttributeName | CodeName | KeyName | KeyValue | None


def pointed_at(text: OpenText, offset: int, kind: str) -> Pointed:
    """What is at *offset* of a text of this *kind*; None where nothing is known."""
    if kind in ("xml", "yaml") and (reference := _mentioned(text, offset)):
        return reference
    return _in_xml(text.text, offset) if kind == "xml" else _in_yaml(text.text, offset, kind) if kind else None


def _mentioned(text: OpenText, offset: int) -> Reference | None:
    """The named value at *offset*."""
    around = ((name, start, end) for name, start, end in mentions(text.text, text.is_yaml) if start <= offset <= end)
    name, start, end = next(around, ("", 0, 0))
    return Reference(start, end, NAMED_VALUES, name) if name else None


def _span(text: str, offset: int, before: re.Pattern[str], behind: re.Pattern[str]) -> tuple[int, int]:
    """Where the word at *offset* begins and ends."""
    start, end = before.search(text[:offset]), behind.match(text, offset)
    return (start.start() if start else offset), (end.end() if end else offset)


# -- XML
def _in_xml(text: str, offset: int) -> Pointed:
    offset += text[offset : offset + 1] == "<"
    offset += text[offset : offset + 1] == "/"
    inside = place_in_xml(text, offset)
    if inside.code is not None:
        return _in_code(text, offset, lambda end: text[inside.code : end])
    start, end = _span(text, offset, _START, _NAME)
    place = place_in_xml(text, end)
    word = text[start:end]
    match place.kind:
        case "element":
            return ElementName(start, end, word, place.parents) if word else None
        case "close" if place.parents:
            return ElementName(start, end, word, place.parents[:-1])
        case "attribute":
            return AttributeName(start, end, place.element, word, place.parents) if word else None
        case "value":
            return _value(text, place.start, place.element, place.attribute, place.parents)
    return None


def _value(text: str, start: int, element: str, attribute: str, parents: list[str]) -> Pointed:
    written = _VALUE.match(text, start)
    end = written.end() if written else start
    if attribute in KINDS:
        return Reference(start, end, KINDS[attribute], text[start:end])
    return AttributeName(start, end, element, attribute, parents)


def _in_code(text: str, offset: int, code_to: Callable[[int], str]) -> Pointed:
    start, end = _span(text, offset, _WORD_START, _WORD)
    written = read(code_to(end)) if end > start else None
    if written is None or written.commented or written.quoted is not None:
        return None
    meaning = next((item for item in offered(probe(written)) if item.name == written.word), None)
    return None if meaning is None else CodeName(start, end, meaning)


# -- YAML
def _in_yaml(text: str, offset: int, kind: str) -> Pointed:
    place = place_in_yaml(text, offset)
    code = code_before(place)
    if code is not None:
        lead = len(code)
        return _in_code(text, offset, lambda end: code[:lead] + text[offset:end])
    start, end = _span(text, offset, _KEY_START, _KEY)
    if text[end : end + 1] == ":" and place.kind != "block":
        return _key(text, start, end, place, kind)
    if place.kind not in ("value", "item"):
        return None
    return _scalar(text, offset, place, kind)


def _key(text: str, start: int, end: int, place: YamlPlace, kind: str) -> Pointed:
    name = text[start:end]
    path = (*place.path[:-1], name) if place.kind == "value" else (*place.path, name)
    if kind == "config" and place.path and len(path) == 2 and path[0] in {*KINDS.values(), NAMED_VALUES}:
        return Reference(start, end, path[0], name, declared=True)
    return KeyName(start, end, path)


def _scalar(text: str, offset: int, place: YamlPlace, kind: str) -> Pointed:
    start = offset - len(place.written.lstrip("\"'"))
    written = _SCALAR.match(text, start)
    name = written[0].rstrip() if written else ""
    if not name:
        return None
    end, mapping = start + len(name), _mapping_named_by(place.path, kind)
    if mapping:
        return Reference(start, end, mapping, name)
    if kind == "yaml" and place.kind == "item":
        return KeyName(start, end, (*place.path, name))
    return KeyValue(start, end, place.path, name)


def _mapping_named_by(path: tuple[str, ...], kind: str) -> str | None:
    """The mapping of the configuration whose entries a value at *path* names."""
    keys = [step for step in path if step != ITEM]
    kinds = CONFIG_KINDS if kind == "config" else KINDS
    if not keys or (kind == "config" and len(path) == 1):
        return None
    return kinds.get(keys[-1])
