"""
JSONPath as Newtonsoft's ``SelectToken`` understands it.

Source: Newtonsoft.Json documentation, "Querying JSON with complex JSON Path".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from gateway.expressions.arithmetic import COMPARISON
from gateway.expressions.json.tree import BOOLEAN, JArray, JObject, JProperty, JToken, JValue, descendants
from gateway.expressions.limits import tick, worked
from gateway.expressions.regex_dialect import bounded, compiled
from gateway.expressions.thrown import Thrown, thrown

Step = Callable[[Iterable[JToken]], Iterator[JToken]]
Test = Callable[[JToken, JToken], bool]

PATH_S = 1e-6  # for each character of a path
_NAME = re.compile(r"[^.\[\]() ]+")
_INNER_NAME = re.compile(r"[^.\[\]() =<>!&|]+")  # the end of a name inside a filter, where an operator may follow
_STRING = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")\s*")
_REGEX_OPTIONS = {"i": 1, "m": 2, "s": 16, "x": 4}  # Newtonsoft's option letters → RegexOptions
_SLICE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?")
_INDEX = re.compile(r"\s*(-?\d+)\s*")
_OPERATOR = re.compile(r"\s*(===|!==|==|!=|<>|<=|>=|<|>|=~)\s*")
_LITERAL = re.compile(
    r"\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|/((?:[^/\\]|\\.)*)/([imsx]*)|(-?[\d.]+(?:[eE][+-]?\d+)?)|(true|false|null))\s*"
)


def path_error(message: str) -> Thrown:
    """The exception for a JSONPath that cannot be parsed."""
    return thrown("JsonException", message)


def _names(names: list[str] | None) -> Step:
    def step(tokens: Iterable[JToken]) -> Iterator[JToken]:
        for token in tokens:
            if isinstance(token, JObject):
                wanted = token.properties if names is None else names
                yield from [token.properties[name].value for name in wanted if name in token.properties]
            elif names is None and isinstance(token, JArray):
                yield from token.items

    return step


def _scan(name: str | None) -> Step:
    def step(tokens: Iterable[JToken]) -> Iterator[JToken]:
        for token in tokens:
            yield from _everything(token) if name is None else _called(name, token)

    return step


def _everything(token: JToken) -> Iterator[JToken]:
    """*token* and every value below it."""
    yield token
    for below in descendants(token):
        if isinstance(below, JProperty):
            yield below.value
        elif isinstance(below.parent, JArray):
            yield below


def _called(name: str, token: JToken) -> Iterator[JToken]:
    """The values of the properties below *token* with the name *name*."""
    return (below.value for below in descendants(token) if isinstance(below, JProperty) and below.name == name)


def _indices(indices: list[int]) -> Step:
    def step(tokens: Iterable[JToken]) -> Iterator[JToken]:
        for token in tokens:
            if isinstance(token, JArray):
                yield from (token.items[index] for index in indices if 0 <= index < len(token.items))

    return step


def _slice(start: int | None, end: int | None, width: int | None) -> Step:
    if width == 0:
        raise path_error("Step cannot be zero.")

    def step(tokens: Iterable[JToken]) -> Iterator[JToken]:
        for token in tokens:
            if isinstance(token, JArray):
                yield from token.items[start:end:width]

    return step


def _filter(test: Test, root: JToken) -> Step:
    def step(tokens: Iterable[JToken]) -> Iterator[JToken]:
        for child in (child for token in tokens for child in _inner_values(token)):
            tick()
            if test(root, child):
                yield child

    return step


def _inner_values(token: JToken) -> list[JToken]:
    return [child.value if isinstance(child, JProperty) else child for child in token.children()]


class _Parser:
    """One JSONPath text, read from left to right."""

    def __init__(self, text: str, root: JToken) -> None:
        self.text = text
        self.root = root
        self.position = 0

    def at(self, mark: str) -> bool:
        present = self.text.startswith(mark, self.position)
        self.position += len(mark) if present else 0
        return present

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        matched = pattern.match(self.text, self.position)
        if matched is not None:
            self.position = matched.end()
        return matched

    def failed(self) -> Thrown:
        rest = self.text[self.position : self.position + 1]
        return path_error(
            f"Unexpected character while parsing path: {rest}" if rest else "Unexpected end while parsing path."
        )

    def steps(self) -> list[Step]:
        """The steps of a whole path."""
        steps = [] if self.at("$") or self.at("@") else self.first_name()
        while self.position < len(self.text):
            step = self.step(_NAME)
            if step is None:
                raise self.failed()
            steps.append(step)
        return steps

    def inner_steps(self) -> list[Step]:
        """Steps inside a filter, up to the end of the path."""
        steps: list[Step] = []
        self.position += 1  # $ or @
        while step := self.step(_INNER_NAME):
            steps.append(step)
        return steps

    def first_name(self) -> list[Step]:
        """A name without ``$.`` before it."""
        name = self.match(_NAME)
        return [] if name is None else [_names(None if name[0] == "*" else [name[0]])]

    def step(self, name: re.Pattern[str]) -> Step | None:
        """``..name``, ``.name`` or ``[…]``; None for anything else."""
        if self.at(".."):
            return self.after_scan()
        if self.at("."):
            return _names(self.name(name))
        return self.bracket() if self.at("[") else None

    def name(self, pattern: re.Pattern[str] = _NAME) -> list[str] | None:
        match = self.match(pattern)
        if match is None:
            raise self.failed()
        return None if match[0] == "*" else [match[0]]

    def after_scan(self) -> Step:
        if self.at("["):
            inner = self.bracket()
            every = _scan(None)
            return lambda tokens: inner(every(tokens))
        names = self.name()
        return _scan(names[0] if names else None)

    def bracket(self) -> Step:
        """The part between ``[`` and ``]``."""
        step = self.filter_step() or self.name_step() or self.index_step()
        if step is None or not self.at("]"):
            raise self.failed()
        return step

    def filter_step(self) -> Step | None:
        """``?(…)`` or ``*``."""
        if not self.at("?("):
            return _names(None) if self.at("*") else None
        test = self.either()
        if not self.at(")"):
            raise self.failed()
        return _filter(test, self.root)

    def name_step(self) -> Step | None:
        """``'a','b'``."""
        strings = self.several(_STRING)
        if not strings:
            return None
        return _names([_unescaped(string[1] if string[1] is not None else string[2]) for string in strings])

    def index_step(self) -> Step | None:
        """``1,2`` or ``1:2:3``."""
        if bounds := self.match(_SLICE):
            return _slice(*(int(bound) if bound else None for bound in bounds.groups()))
        indices = self.several(_INDEX)
        return _indices([int(index[1]) for index in indices]) if indices else None

    def several(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        matches = []
        while match := self.match(pattern):
            matches.append(match)
            if not self.at(","):
                break
        return matches

    def either(self) -> Test:
        left = self.both()
        while self.match(re.compile(r"\s*\|\|")):
            first, second = left, self.both()
            left = _or(first, second)
        return left

    def both(self) -> Test:
        left = self.comparison()
        while self.match(re.compile(r"\s*&&")):
            first, second = left, self.comparison()
            left = _and(first, second)
        return left

    def comparison(self) -> Test:
        self.match(re.compile(r"\s*"))
        if self.at("("):
            inner = self.either()
            self.match(re.compile(r"\s*\)"))
            return inner
        left = self.operand()
        operator = self.match(_OPERATOR)
        if operator is None:
            self.match(re.compile(r"\s*"))
            return lambda root, token: any(True for _ in left(root, token))
        return _compare(operator[1], left, self.operand())

    def operand(self) -> Callable[[JToken, JToken], Iterable[JToken]]:
        literal = self.match(_LITERAL)
        if literal is not None:
            literals = [_literal(literal)]
            return lambda _root, _token: literals
        absolute = self.text.startswith("$", self.position)
        if not absolute and not self.text.startswith("@", self.position):
            raise self.failed()
        steps = self.inner_steps()
        return lambda root, token: run(steps, root if absolute else token)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _literal(match: re.Match[str]) -> JToken:
    single, double, pattern, flag, number, word = match.groups()
    if pattern is not None:
        return JValue(f"/{pattern}/{flag}")
    if number is not None:
        return JValue(float(number) if "." in number or "e" in number.lower() else int(number))
    if word is not None:
        return JValue({"true": True, "false": False, "null": None}[word])
    return JValue(_unescaped(single if single is not None else double))


def _or(left: Test, right: Test) -> Test:
    return lambda root, token: left(root, token) or right(root, token)


def _and(left: Test, right: Test) -> Test:
    return lambda root, token: left(root, token) and right(root, token)


Operand = Callable[[JToken, JToken], Iterable[JToken]]


def _compare(operator: str, left: Operand, right: Operand) -> Test:
    def test(root: JToken, token: JToken) -> bool:
        return any(holds(operator, first, second) for first in left(root, token) for second in right(root, token))

    return test


def holds(operator: str, left: JToken, right: JToken) -> bool:
    """Whether a comparison of two tokens is true; with containers it never is."""
    if not isinstance(left, JValue) or not isinstance(right, JValue):
        return operator in _UNEQUAL
    if operator == "=~":
        return _matches(left.value, right.value)
    if operator in _EQUAL or operator in _UNEQUAL:
        return _same(left, right) == (operator in _EQUAL)
    return _comparable(left, right) and left.value is not None and bool(COMPARISON[operator](left.value, right.value))


def _same(left: JValue, right: JValue) -> bool:
    return _comparable(left, right) and left.value == right.value


def _comparable(left: JValue, right: JValue) -> bool:
    if isinstance(left.value, str) and isinstance(right.value, str):
        return True
    return type(left.value) is type(right.value) or (_number(left) and _number(right))


_EQUAL = ("==", "===")
_UNEQUAL = ("!=", "!==", "<>")


def _number(token: JValue) -> bool:
    return isinstance(token.value, int | float) and token.type != BOOLEAN


def _matches(value: object, pattern: object) -> bool:
    body, _, flags = str(pattern)[1:].rpartition("/")
    if not isinstance(value, str):
        return False
    options = sum(_REGEX_OPTIONS.get(flag, 0) for flag in flags)
    return bounded(compiled(body, options).regex.search, value) is not None


def run(steps: list[Step], token: JToken) -> Iterable[JToken]:
    """The tokens that the steps lead to."""
    tokens: Iterable[JToken] = [token]
    for step in steps:
        tick()
        tokens = list(step(tokens))  # not lazily: that many nested generators would exhaust Python's stack
    return tokens


def select(token: JToken, text: str) -> Iterable[JToken]:
    """``SelectTokens``."""
    steps = worked(len(text) * PATH_S, lambda: _Parser(text.strip(), token).steps())
    return run(steps, token)


def select_one(token: JToken, text: str, error_when_missing: bool = False) -> JToken | None:
    """``SelectToken``: null when nothing is there; more than one is an error."""
    tokens = list(select(token, text))
    if len(tokens) > 1:
        raise path_error("Path returned multiple tokens.")
    if not tokens and error_when_missing:
        name = re.split(r"\.|\['?", text)[-1].rstrip("']")
        raise path_error(f"Property '{name}' does not exist on {type(token).__name__}.")
    return tokens[0] if tokens else None
