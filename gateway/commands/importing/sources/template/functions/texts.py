"""
Functions of strings.

Source: "String functions for ARM templates".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.functions.registration import MANY, FunctionTable
from gateway.commands.importing.sources.template.limits import EvaluationFault, check_items, check_length
from gateway.commands.importing.sources.template.syntax import EvaluationFrame, Invocation
from gateway.errors import Location
from gateway.reading.yaml_nodes import Scalar, Sequence, YamlNode

TABLE = FunctionTable()
_NUMBER_FORMAT = re.compile(r"(?P<letter>[DdXxNn])(?P<width>[0-9]{0,2})|(?P<zeroes>0{1,30})")
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([0-9]{1,4})(?:,(-?[0-9]{1,4}))?(?::([^{}]*))?\}")


@TABLE.lenient("concat", 0, MANY)
def _concat(location: Location, arguments: list[YamlNode]) -> YamlNode:
    if not any(isinstance(argument, Sequence) for argument in arguments):
        return values.joined(arguments, location)
    items: list[YamlNode] = []
    for argument in arguments:
        if isinstance(argument, Unresolved):
            return values.unknown(f"concat({', '.join(argument.names)})", location, [argument])
        items += values.as_items(argument)
    check_items(len(items), location)
    return Sequence(tuple(items), location)


@TABLE.lenient("format", 1, MANY)
def _format(location: Location, arguments: list[YamlNode]) -> YamlNode:
    pattern = arguments[0]
    if isinstance(pattern, Unresolved):
        return values.unknown(f"format({', '.join(pattern.names)})", location, arguments)
    return values.joined(_filled(values.as_text(pattern), arguments[1:], location), location)


def _filled(pattern: str, arguments: list[YamlNode], location: Location) -> list[YamlNode]:
    """*pattern* in pieces, each ``{n}`` replaced by its argument."""
    pieces: list[YamlNode] = []
    position = 0
    for hole in _PLACEHOLDER.finditer(pattern):
        pieces.append(values.text(pattern[position : hole.start()], location))
        position = hole.end()
        pieces.append(_hole(hole, arguments, location))
    pieces.append(values.text(pattern[position:], location))
    return pieces


def _hole(hole: re.Match[str], arguments: list[YamlNode], location: Location) -> YamlNode:
    if hole[1] is None:
        return values.text(hole[0][0], location)
    index = int(hole[1])
    if index >= len(arguments):
        raise EvaluationFault(location, f"format has nothing for {hole[0]}")
    value = arguments[index]
    if isinstance(value, Unresolved) or not (hole[2] or hole[3]):
        return value
    return values.text(_aligned(_digits(value, hole[3] or "", location), int(hole[2] or 0)), location)


def _digits(value: YamlNode, form: str, location: Location) -> str:
    """.NET's formats for integers: D (decimal), N0 and X (hexadecimal); zeroes as a custom format."""
    if not form or values.kind(value) != "int":
        return values.displayed(value)
    match = _NUMBER_FORMAT.fullmatch(form)
    if match is None:
        raise EvaluationFault(location, f"the format {form!r} is not known here")
    return _formatted(values.as_integer(value), match["letter"] or "D", match["zeroes"] or "", match["width"] or "")


def _formatted(number: int, letter: str, zeroes: str, digits: str) -> str:
    if letter in "Nn":
        return f"{number:,}" if digits == "0" else f"{number:,}.00"
    width = len(zeroes) or int(digits or 1)
    return f"{number:0{width}{'d' if letter in 'Dd' else letter}}"


def _aligned(shown: str, width: int) -> str:
    return shown.ljust(-width) if width < 0 else shown.rjust(width)


@TABLE.lazy("replace", 3, 3)
def _replace(call: Invocation, frame: EvaluationFrame) -> YamlNode:
    """
    An unknown replacement leaves ``{name}`` in the text; without an occurrence it does not matter.

    The result keeps the place of the text: ``replace(loadTextContent(file), …)`` is still that file.
    """
    whole, old, new = (argument.evaluate(frame) for argument in call.arguments)
    if isinstance(old, Unresolved) or values.is_opaque(whole):
        return values.unknown(call.label, call.location, [whole, old, new])
    text, wanted, replacement = values.as_text(whole), values.as_text(old), values.displayed(new)
    count = text.count(wanted) if wanted else 0
    if not count:
        return whole
    check_length(len(text) + count * len(replacement), call.location)
    rest = Unresolved(text.replace(wanted, ""), whole.location, names=_names(whole))
    if values.has_literally(rest, _names(new)):
        return values.opaque(whole.location, [whole, new])
    return values.depending(text.replace(wanted, replacement), whole.location, [whole, new])


def _names(value: YamlNode) -> tuple[str, ...]:
    return value.names if isinstance(value, Unresolved) else ()


def _changes(name: str, change: Callable[[str], str]) -> None:
    """A function of one string that gives a string."""

    @TABLE.known(name, 1, 1)
    def changed(location: Location, arguments: list[YamlNode]) -> YamlNode:
        return values.text(change(values.as_text(arguments[0])), location)


_changes("toLower", str.lower)
_changes("toUpper", str.upper)
_changes("trim", str.strip)


@TABLE.lenient("string", 1, 1)
def _string(location: Location, arguments: list[YamlNode]) -> YamlNode:
    value = arguments[0]
    if values.kind(value) in ("unknown", "string"):
        return value
    shown = values.displayed(value) if isinstance(value, Scalar) else values.as_json(value)
    return values.depending(shown, location, [value])


@TABLE.known("substring", 2, 3)
def _substring(location: Location, arguments: list[YamlNode]) -> YamlNode:
    text, start = values.as_text(arguments[0]), values.as_integer(arguments[1])
    length = values.as_integer(arguments[2]) if len(arguments) == 3 else len(text) - start
    if start < 0 or length < 0 or start + length > len(text):
        raise EvaluationFault(location, "substring reaches beyond the end of its text")
    return values.text(text[start : start + length], location)


@TABLE.lenient("split", 2, 2)
def _split(location: Location, arguments: list[YamlNode]) -> YamlNode:
    whole, delimiters = arguments
    if values.is_opaque(whole) or not values.is_known(delimiters) or not isinstance(whole, Scalar):
        return values.unknown(f"split({values.displayed(whole).strip('{}')})", location, arguments)
    values.as_text(whole)
    wanted = delimiters.items if isinstance(delimiters, Sequence) else (delimiters,)
    parts = values.split(whole, map(values.as_text, wanted))
    check_items(len(parts), location)
    return Sequence(tuple(parts), location)


@TABLE.known("join", 2, 2)
def _join(location: Location, arguments: list[YamlNode]) -> YamlNode:
    parts = [values.displayed(item) for item in values.as_items(arguments[0])]
    delimiter = values.as_text(arguments[1])
    check_length(sum(map(len, parts)) + len(delimiter) * len(parts), location)
    return values.text(delimiter.join(parts), location)


@TABLE.known("padLeft", 2, 3)
def _pad_left(location: Location, arguments: list[YamlNode]) -> YamlNode:
    width = values.as_integer(arguments[1])
    check_length(width, location)
    filler = values.as_text(arguments[2]) if len(arguments) == 3 else " "
    return values.text(values.displayed(arguments[0]).rjust(width, filler[:1] or " "), location)


def _tests(name: str, holds: Callable[[str, str], bool]) -> None:
    @TABLE.known(name, 2, 2)
    def tested(location: Location, arguments: list[YamlNode]) -> YamlNode:
        text, wanted = (values.as_text(argument).lower() for argument in arguments)
        return values.boolean(holds(text, wanted), location)


_tests("startsWith", str.startswith)
_tests("endsWith", str.endswith)


@TABLE.lenient("uri", 2, 2)
def _uri(location: Location, arguments: list[YamlNode]) -> YamlNode:
    """Behind the last slash of the base, however the second argument begins; an unknown base is a folder."""
    base = values.as_text(arguments[0])
    relative = _without_slash(arguments[1])
    if isinstance(arguments[0], Unresolved):
        return values.joined([arguments[0], values.text("/", location), relative], location)
    folder = base.rstrip("/") if base.endswith("/") or "/" not in base.partition("//")[2] else base.rpartition("/")[0]
    return values.joined([values.text(f"{folder}/", location), relative], location)


def _without_slash(relative: YamlNode) -> YamlNode:
    if isinstance(relative, Unresolved):
        return replace(relative, value=relative.value.lstrip("/"))
    return values.text(values.as_text(relative).lstrip("/"), relative.location)


@TABLE.known("json", 1, 1)
def _json(location: Location, arguments: list[YamlNode]) -> YamlNode:
    return values.from_json(values.as_text(arguments[0]), location)
