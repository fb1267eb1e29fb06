"""The remedies that are mechanical, as edits of the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gateway.commands.lsp.project import NAMED_VALUES, Project
from gateway.commands.lsp.session import OpenText
from gateway.reading.yaml_nodes import Scalar

_NEAR = 300  # characters before a place that are searched for the name that a finding is about


class Replacement(NamedTuple):
    """A part of a text, by offsets, and what is to be there instead."""

    start: int
    end: int
    text: str


class Fix(NamedTuple):
    """What the editor offers, and what it does."""

    title: str
    edits: list[Replacement]


class ShownFinding(NamedTuple):
    """A finding in a text: where it is, and what it says."""

    text: str
    offset: int
    code: str
    message: str
    remedy: str
    is_yaml: bool


def fixes(finding: ShownFinding) -> Iterator[Fix]:
    """Edits that do what the remedy says; none for one that needs a decision."""
    matches = ((pattern.fullmatch(finding.remedy), make) for pattern, make in _FIXES)
    edits = ((make(finding, match), make) for match, make in matches if match)
    for replacements, make in edits:
        if replacements is not None:
            title = "remove it" if make is _remove_attribute else finding.remedy.removesuffix("?")
            yield Fix(title, replacements)


# -- another name
_QUOTED = re.compile(r"'([^'\s]+)'|(?:no attribute|no member|the name|the type) ([\w.:-]+)|^(\S+) is not a setting")


def _rename(finding: ShownFinding, match: re.Match[str]) -> list[Replacement] | None:
    wrong = _QUOTED.search(finding.message)
    name = next((part for part in wrong.groups() if part), "") if wrong else ""
    return _renamed(finding, name.rpartition(".")[2] or name, match[1])


def _renamed(finding: ShownFinding, name: str, new: str) -> list[Replacement] | None:
    at = _nearest(finding, name) if name else None
    if at is None:
        return None
    edits = [Replacement(at, at + len(name), new)]
    if finding.text[at - 1 : at] == "<" and (closing := _closing_tag(finding.text, at, name)) is not None:
        edits.append(Replacement(closing, closing + len(name), new))
    return edits


def _nearest(finding: ShownFinding, name: str) -> int | None:
    """Where *name* is: at the place of the finding, or shortly before."""
    text, offset = finding.text, finding.offset
    for start in (offset, offset + 1, offset + 2):
        if text.startswith(name, start):
            return start
    before = [
        match.start()
        for match in re.finditer(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text[max(0, offset - _NEAR) : offset])
    ]
    return before[-1] + max(0, offset - _NEAR) if before else None


def _closing_tag(text: str, start: int, name: str) -> int | None:
    """Where the name is in the tag that closes the element whose name is at *start*; None for one without content."""
    tag_end = re.compile(r"/?>").search(text, start)
    if tag_end is None or tag_end[0] == "/>":
        return None
    depth = 1
    for tag in re.finditer(rf"<(/?){re.escape(name)}(?=[\s/>])[^<>]*?(/?)>", text[tag_end.end() :]):
        depth += -1 if tag[1] else 0 if tag[2] else 1
        if depth == 0:
            return tag_end.end() + tag.start() + 2
    return None


# -- what is missing
def _add_attribute(finding: ShownFinding, match: re.Match[str]) -> list[Replacement] | None:
    tag = re.compile(r"<[^\W\d][\w.:-]*").match(finding.text, finding.offset)
    if finding.is_yaml or tag is None:
        return None
    return [Replacement(tag.end(), tag.end(), f' {match[1]}=""')]


def _write_here(finding: ShownFinding, match: re.Match[str]) -> list[Replacement] | None:
    """``write /> here``, ``write ) here``."""
    return [Replacement(finding.offset, finding.offset, match[1])] if finding.code == "unbalanced-expression" else None


def _write_before(finding: ShownFinding, match: re.Match[str]) -> list[Replacement] | None:
    return [Replacement(finding.offset, finding.offset, match[1])]


def _close_named_value(finding: ShownFinding, match: re.Match[str]) -> list[Replacement] | None:
    opened = re.compile(rf"\{{\{{\s*{re.escape(match[1])}").search(finding.text, finding.offset)
    return [Replacement(opened.end(), opened.end(), "}}")] if opened else None


# -- other characters
def _escape_less_than(finding: ShownFinding, _match: re.Match[str]) -> list[Replacement] | None:
    if finding.text[finding.offset : finding.offset + 1] != "<":
        return None
    return [Replacement(finding.offset, finding.offset + 1, "&lt;")]


def _escape_ampersand(finding: ShownFinding, _match: re.Match[str]) -> list[Replacement] | None:
    if finding.text[finding.offset : finding.offset + 1] != "&":
        return None
    return [Replacement(finding.offset, finding.offset + 1, "&amp;")]


def _entity(finding: ShownFinding, match: re.Match[str]) -> list[Replacement] | None:
    entity = re.compile(r"&\w+;").match(finding.text, finding.offset)
    return [Replacement(entity.start(), entity.end(), match[1])] if entity else None


def _quote_value(finding: ShownFinding, match: re.Match[str]) -> list[Replacement] | None:
    unquoted = re.compile(rf"{re.escape(match[1])}\s*=\s*{re.escape(match[2])}(?=[\s/>])").match(
        finding.text, finding.offset
    )
    return [Replacement(unquoted.start(), unquoted.end(), f'{match[1]}="{match[2]}"')] if unquoted else None


def _close_tag(finding: ShownFinding, match: re.Match[str]) -> list[Replacement] | None:
    tag = re.compile(r"</?[^\W\d][\w.:-]*\s*>").match(finding.text, finding.offset)
    return [Replacement(tag.start(), tag.end(), match[1])] if tag and finding.code == "mismatched-tag" else None


def _remove_attribute(finding: ShownFinding, _match: re.Match[str]) -> list[Replacement] | None:
    if finding.code != "unknown-attribute" or finding.is_yaml:
        return None
    before = re.search(r"\s+[\w.:-]+\s*=\s*([\"'])\Z", finding.text[: finding.offset])
    end = finding.text.find(before[1], finding.offset) if before else -1
    return [Replacement(before.start(), end + 1, "")] if before and end >= 0 else None


_Make = Callable[[ShownFinding, "re.Match[str]"], "list[Replacement] | None"]
_FIXES: list[tuple[re.Pattern[str], _Make]] = [
    (re.compile(r"did you mean ([\w.:-]+)\?"), _rename),
    (re.compile(r"write ([a-z][a-z-]*)"), _rename),
    (re.compile(r'add ([\w.:-]+)="…"'), _add_attribute),
    (re.compile(r"write ([)\]}]+) here"), _write_here),
    (re.compile(r"write ([)\]}]|(?:</[\w.:-]+>)+) before it"), _write_before),
    (re.compile(r"close the named value: \{\{([\w.-]+)\}\}"), _close_named_value),
    (re.compile(r"write &lt;.*"), _escape_less_than),
    (re.compile(r"write &amp; .*"), _escape_ampersand),
    (re.compile(r"write (&#\d+;)"), _entity),
    (re.compile(r'write ([\w.:-]+)="([^"…]+)"'), _quote_value),
    (re.compile(r"write (</[\w.:-]+>)"), _close_tag),
    (re.compile(r"remove it|it takes: .*"), _remove_attribute),
]


# -- a named value that is not configured
_UNKNOWN = re.compile(r"named value '([A-Za-z0-9._-]+)' is not configured")


def named_value_fix(finding: ShownFinding, project: Project, config: OpenText) -> Fix | None:
    """A new entry under ``named-values``, empty, for the author to fill in."""
    unknown = _UNKNOWN.fullmatch(finding.message)
    if unknown is None or finding.code != "unknown-named-value" or project.entry(NAMED_VALUES, unknown[1]):
        return None
    name, title = unknown[1], f"add {unknown[1]} under named-values in {project.config.name}"
    first = next(iter(project.entries(NAMED_VALUES).values()), None)
    edit = _first_entry(name, config) if first is None else _before_entry(name, first.key, config)
    return None if edit is None else Fix(title, [edit])


def _before_entry(name: str, key: Scalar, config: OpenText) -> Replacement | None:
    """A line before the first entry; None where the entries share a line."""
    line = config.places.line(key.location.line - 1)
    if not line.lstrip().startswith((key.value, '"', "'")):
        return None
    start = config.places.of(key.location) - (key.location.column - 1)
    indent = line[: len(line) - len(line.lstrip())]
    return Replacement(start, start, f'{indent}{name}: ""\n')


def _first_entry(name: str, config: OpenText) -> Replacement | None:
    """The mapping itself, at the end of the configuration; None where it is there without entries."""
    if re.search(rf"^{NAMED_VALUES}:", config.text, re.MULTILINE):
        return None
    gap = "" if not config.text or config.text.endswith("\n") else "\n"
    return Replacement(len(config.text), len(config.text), f'{gap}{NAMED_VALUES}:\n  {name}: ""\n')
