"""
YAML with positions: a text becomes scalars, lists and mappings that remember their positions.

Scalars keep the text that the author wrote: ``007`` and ``true`` are not yet a number and a boolean. Anchors, aliases
and tags are refused: they would let one place change the meaning of another.

Source: YAML 1.2 §3.2, §7; PyYAML's event parser.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from gateway.errors import LoadError, Location, Problem

MAX_CHARACTERS = 1 << 22
MAX_DEPTH = 100  # lists and mappings inside one another

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """
    One value.

    Attributes:
        value: The text, without its quotes.
        location: The first character of the text, inside the quotes or the block.
        null: Nothing was written.
        plain: Neither quotes nor a block around it: YAML's own types (``1``, ``true``) may be meant.
    """

    value: str
    location: Location
    null: bool = False
    plain: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[YamlNode, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the file; no key occurs twice."""

    entries: tuple[tuple[Scalar, YamlNode], ...]
    location: Location

    def find(self, key: str) -> YamlNode | None:
        """The value under *key*, or None."""
        return next((value for name, value in self.entries if name.value == key), None)


YamlNode: TypeAlias = Scalar | Sequence | Mapping


def compose(text: str | bytes, file: str) -> YamlNode:
    """
    The one document in *text*; *file* is its name in errors.

    Raises:
        LoadError: Bad YAML, and all of: aliases, tags, doubled keys, keys that are not text.
    """
    return _Composer(_decode(text, file), file).document()


def _decode(text: str | bytes, file: str) -> str:
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        lines = text[: error.start].split(b"\n") if isinstance(text, bytes) else [b""]
        location = Location(file, len(lines), len(lines[-1]) + 1)
        raise LoadError.at(location, "bad-encoding", "these bytes are not UTF-8", "save it as UTF-8") from None
    if len(decoded) > MAX_CHARACTERS:
        message = f"the file is longer than {MAX_CHARACTERS} characters"
        raise LoadError.at(Location(file), "too-large", message, "split it")
    return decoded


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been reached."""

    location: Location
    mapping: bool
    items: list[YamlNode] = field(default_factory=list)


_NO_TABS = "indent with spaces, not tabs"


class _Composer:
    """Events → nodes, with a stack of its own: depth costs no recursion."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._lines = text.split("\n")
        self._text = text
        self._stack: list[_Open] = []
        self._roots: list[YamlNode] = []
        self._problems: list[Problem] = []
        self._texts: dict[str, str] = {}  # thousands of operations have the same few keys, methods and ids

    def document(self) -> YamlNode:
        try:
            for event in yaml.parse(self._text, Loader=_Loader):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            raise self._syntax_error(error) from None
        except yaml.reader.ReaderError as error:
            message = f"the character U+{error.character:04X} is not allowed in YAML"
            raise LoadError.at(Location(self._file), "bad-yaml", message, "remove it") from None
        if self._problems:
            raise LoadError(sorted(self._problems, key=lambda problem: problem.location))
        if not self._roots:
            raise LoadError.at(Location(self._file), "empty-file", "the file is empty", "write a mapping")
        return self._roots[0]

    # -- events
    def _take(self, event: yaml.Event) -> None:
        # Half of the time that a large configuration takes is spent here: places are made only where one is kept.
        match event:
            case yaml.ScalarEvent():
                self._refuse_tag(event)
                self._add(self._scalar(event))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._add(self._closed(self._stack.pop()))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._refuse_tag(event)
                self._push(_Open(self._location(event.start_mark), isinstance(event, yaml.MappingStartEvent)))
            case yaml.AliasEvent():
                location = self._location(event.start_mark)
                self._report(location, "alias-refused", f"the alias *{event.anchor}", "write the value out")
                self._add(Scalar("", location))

    def _push(self, opened: _Open) -> None:
        if len(self._stack) == MAX_DEPTH:
            raise LoadError.at(opened.location, "too-deep", f"values are nested more than {MAX_DEPTH} deep")
        self._stack.append(opened)

    def _add(self, node: YamlNode) -> None:
        if self._stack:
            self._stack[-1].items.append(node)
            return
        if self._roots:
            raise LoadError.at(node.location, "second-document", "another document after ---", "keep one")
        self._roots.append(node)

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            self._report(self._location(event.start_mark), "tag-refused", f"the tag {event.tag}", "remove it")
        if event.anchor is not None:
            location = self._location(event.start_mark)
            self._report(location, "anchor-refused", f"the anchor &{event.anchor}", "write the value out")

    # -- nodes
    def _scalar(self, event: Any) -> Scalar:
        mark, style = event.start_mark, event.style
        text = self._texts.setdefault(event.value, event.value)
        if style in ("|", ">"):
            return Scalar(text, self._block_start(mark.line + 1))
        column = mark.column + (2 if style else 1)
        location = Location(self._file, mark.line + 1, column)
        return Scalar(text, location, not style and not text, not style)

    def _block_start(self, line: int) -> Location:
        """Where the text of a block scalar begins; *line* counts from 0."""
        text = self._lines[line] if line < len(self._lines) else ""
        return Location(self._file, line + 1, len(text) - len(text.lstrip()) + 1)

    def _closed(self, opened: _Open) -> YamlNode:
        if not opened.mapping:
            return Sequence(tuple(opened.items), opened.location)
        pairs = list(zip(opened.items[::2], opened.items[1::2], strict=True))
        return Mapping(tuple(self._entries(pairs)), opened.location)

    def _entries(self, pairs: list[tuple[YamlNode, YamlNode]]) -> Iterator[tuple[Scalar, YamlNode]]:
        seen: dict[str, Location] = {}
        for key, value in pairs:
            if not isinstance(key, Scalar) or key.null:
                remedy = 'quote a value that begins with { or [, such as "{{name}}"'
                self._report(key.location, "bad-key", "a key that is not text", remedy)
            elif key.value == "<<":
                self._report(key.location, "merge-refused", "a merge key", "write the keys out")
            elif key.value in seen:
                message = f"{key.value!r} occurs twice; first in line {seen[key.value].line}"
                self._report(key.location, "duplicate-key", message, "keep one of the two")
            else:
                seen[key.value] = key.location
                yield key, value

    # -- problems
    def _location(self, mark: Any) -> Location:
        return Location(self._file, mark.line + 1, mark.column + 1)

    def _report(self, location: Location, code: str, message: str, remedy: str) -> None:
        self._problems.append(Problem(location, code, message, remedy))

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> LoadError:
        location = self._inside(error.problem_mark or error.context_mark)
        message = error.problem or "not YAML"
        remedy = self._remedy(location, message)
        message = "a tab is used for indentation" if remedy == _NO_TABS else message
        syntax = Problem(location, "bad-yaml", message, remedy)
        return LoadError(sorted([*self._problems, syntax], key=lambda problem: problem.location))

    def _inside(self, mark: Any) -> Location:
        """The place of *mark*; the end of the text for a mark behind it."""
        if mark is None or mark.line >= len(self._lines):
            return Location(self._file, len(self._lines), len(self._lines[-1]) + 1)
        return self._location(mark)

    def _remedy(self, location: Location, problem: str) -> str:
        line = self._lines[location.line - 1]
        if line[location.column - 1 : location.column] == "\t" or "\\t" in problem:
            return _NO_TABS
        if "@" in line or "{{" in line:
            return "put quotes around expressions and {{named values}}"
        return "check indentation, quotes and colons"
