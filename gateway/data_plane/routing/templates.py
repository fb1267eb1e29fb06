"""
URL templates: the text of an operation's ``url-template`` as segments and query terms.

Source: docs/reference/apim.md, "Matching and keys". Literal text compares without case, see docs/adr/0040.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote, unquote

from gateway.errors import LoadError, Location
from gateway.wire.target import TargetError, normal_path

_PARAMETER = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[^\s{}*?&=/#%:]+")
_PLAIN = re.compile(r"[A-Za-z0-9_~-]+")
_REFUSED = re.compile(r"[{}*#?\\]|%(?![0-9A-Fa-f]{2})")
# pchar without "%", RFC 3986 §3.3: what a path may hold as it is.
_PATH_SAFE = "!$&'()*+,;=:@-._~%"


@dataclass(frozen=True, slots=True)
class Literal:
    """A segment that must be there as written; lower case."""

    text: str


@dataclass(frozen=True, slots=True)
class PathParameter:
    """``{name}``: exactly one segment, not empty."""

    name: str


@dataclass(frozen=True, slots=True)
class Partial:
    """
    ``{name}.json``, ``v{major}-{minor}``: parameters inside one segment.

    *texts* has one item more than *names*: the text before, between and behind. A parameter takes as little as it can.
    """

    texts: tuple[str, ...]
    names: tuple[str, ...]

    def spans(self, word: str) -> list[tuple[int, int]] | None:
        """Where each parameter lies in the lower-case *word*, or None when it does not fit. Linear, no backtracking."""
        *separators, tail = self.texts[1:]
        start, end = len(self.texts[0]), len(word) - len(tail)
        if not word.startswith(self.texts[0]) or not word.endswith(tail):
            return None
        spans = []
        for text in separators:
            stop = word.find(text, start + 1, end)
            if stop < 0:
                return None
            spans.append((start, stop))
            start = stop + len(text)
        return [*spans, (start, end)] if start < end else None


@dataclass(frozen=True, slots=True)
class Wildcard:
    """``*`` or ``{*name}`` at the end: all segments that are left, also none."""

    name: str


Segment: TypeAlias = Literal | PathParameter | Partial | Wildcard


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """``a={x}`` or ``a=text`` behind the ``?``: the query must have *name*, with *text* where that is given."""

    name: str
    parameter: str | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed URL template."""

    segments: tuple[Segment, ...]
    query: tuple[QueryTerm, ...] = ()

    @property
    def shape(self) -> tuple[object, ...]:
        """Equal for two templates that match the same URLs: the parameters' names do not count."""
        terms = sorted((term.name, term.parameter is None, term.text) for term in self.query)
        return (*map(_nameless, self.segments), *terms)

    @property
    def specificity(self) -> tuple[int, ...]:
        """
        Smaller is tried first: more literal segments, more partly literal ones, no wildcard, longer, more of the query.

        APIM's text does not say; this order is ours and total together with document order.
        """
        return (
            -_count(self.segments, Literal),
            -_count(self.segments, Partial),
            _count(self.segments, Wildcard),
            -len(self.segments),
            -sum(term.parameter is None for term in self.query),
            -len(self.query),
        )


def parse(text: str, location: Location) -> Template:
    """Read a URL template. Raises LoadError at *location* for what is not of one of the known forms."""
    path, _, query = text.partition("?")
    path = path.strip("/")
    words = path.split("/") if path else []
    template = Template(
        tuple(_segment(word, last=index == len(words), location=location) for index, word in enumerate(words, 1)),
        tuple(_query_term(term, location) for term in query.split("&") if query),
    )
    _refuse_repeated_names(template, location)
    return template


def literal_segments(path: str, location: Location) -> tuple[str, ...]:
    """An API's path prefix as lower-case segments. Raises LoadError where it is more than literal text."""
    words = path.strip("/").split("/") if path.strip("/") else []
    if any(character in path for character in "{}*?#"):
        raise LoadError.at(location, "bad-api-path", f"{path!r} is not a plain path", "write literal segments only")
    return tuple(_literal_text(word, location) for word in words)


def parameter_names(template: Template) -> list[str]:
    """Every parameter's name, in order."""
    names: list[str] = []
    for segment in template.segments:
        if isinstance(segment, Partial):
            names += segment.names
        elif not isinstance(segment, Literal):
            names.append(segment.name)
    return names + [term.parameter for term in template.query if term.parameter is not None]


def _segment(word: str, *, last: bool, location: Location) -> Segment:
    if _PLAIN.fullmatch(word):
        return Literal(word.lower())
    if word == "*" or word.startswith("{*"):
        return _wildcard(word, last=last, location=location)
    return _with_names(word, location)


def _with_names(word: str, location: Location) -> Segment:
    texts_and_names = _PARAMETER.split(word)
    texts = tuple(_part_text(text, location) for text in texts_and_names[::2])
    names = tuple(_name(name, location) for name in texts_and_names[1::2])
    if not names:
        return Literal(_literal_text(word, location))
    if texts == ("", ""):
        return PathParameter(names[0])
    if "" in texts[1:-1]:
        raise LoadError.at(
            location, "bad-url-template", f"{word!r}: nothing separates two parameters", "put text between"
        )
    return Partial(texts, names)


def _wildcard(word: str, *, last: bool, location: Location) -> Wildcard:
    if not last:
        raise LoadError.at(
            location, "bad-url-template", f"{word!r} must be the last segment", "end the template with it"
        )
    if word == "*":
        return Wildcard("*")
    if not word.endswith("}"):
        raise LoadError.at(location, "bad-url-template", f"{word!r} must be a whole segment", "write {*rest}")
    return Wildcard(_name(word[2:-1], location))


def _query_term(term: str, location: Location) -> QueryTerm:
    name, equals, value = term.partition("=")
    whole = _PARAMETER.fullmatch(value)
    if whole:
        return QueryTerm(unquote(_plain(name, location)), _name(whole[1], location))
    if not name or not equals or "{" in value or "}" in value:
        raise LoadError.at(
            location, "bad-url-template", f"query term {term!r} is not understood", "write name={parameter}"
        )
    return QueryTerm(unquote(_plain(name, location)), None, unquote(value))


def _name(name: str, location: Location) -> str:
    if not _NAME.fullmatch(name):
        raise LoadError.at(location, "bad-url-template", f"{name!r} is not a parameter name", "write {name}")
    return name


def _plain(name: str, location: Location) -> str:
    if not name or "{" in name or "}" in name:
        raise LoadError.at(location, "bad-url-template", f"{name!r} is not a query name", "write name={parameter}")
    return name


def _literal_text(text: str, location: Location) -> str:
    """A whole literal segment in the one normal form that the wire gives to paths, lower case."""
    if not text:
        raise LoadError.at(location, "bad-url-template", "an empty segment can never match", "remove the slash")
    quoted = _part_text(text, location)
    try:
        return normal_path(f"/{quoted}")[1:].lower()
    except TargetError as error:
        message = f"segment {text!r} can never match: {error}"
        raise LoadError.at(location, "bad-url-template", message, "remove it") from None


def _part_text(text: str, location: Location) -> str:
    """Literal text beside a parameter; may be empty."""
    if _REFUSED.search(text):
        raise LoadError.at(location, "bad-url-template", f"{text!r} is not understood", "see docs: URL templates")
    return quote(text, safe=_PATH_SAFE).lower()


def _refuse_repeated_names(template: Template, location: Location) -> None:
    names = parameter_names(template)
    if len(names) == len(set(names)):
        return
    repeated = {name for name in names if names.count(name) > 1}
    raise LoadError.at(location, "repeated-parameter", f"parameter {min(repeated)!r} appears twice", "rename one")


def _nameless(segment: Segment) -> object:
    if isinstance(segment, Literal):
        return segment
    return segment.texts if isinstance(segment, Partial) else type(segment).__name__


def _count(segments: tuple[Segment, ...], kind: type) -> int:
    return sum(isinstance(segment, kind) for segment in segments)
