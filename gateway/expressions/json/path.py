"""
JSONPath as Newtonsoft's ``SelectToken`` understands it.

Source: Newtonsoft.Json documentation, "Querying JSON with complex JSON Path".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from gateway.expressions.arithmetic import COMPARISON
from gateway.expressions.json.tree import BOOLEAN, JArray, JObject, JProperty, JToken, JValue, descendants
from gateway.expressions.limits import REGEX_TIME_S, tick
from gateway.expressions.regex_dialect import compiled
from gateway.expressions.thrown import Thrown, thrown

Step = Callable[[Iterable[JToken]], Iterator[JToken]]
Test = Callable[[JToken, JToken], bool]

_NAME = re.compile(r"[^.\[\]()?@,\s]+")
_INNER_NAME = re.compile(r"[^.\[\]()?@,\s=<>!&|~]+")  # of a path inside a filter, where an operator may follow
_STRING = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")\s*")
_REGEX_OPTIONS = {"i": 1, "m": 2, "s": 16, "x": 4}  # Newtonsoft's letters → RegexOptions
_SLICE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?")
_INDEX = re.compile(r"\s*(-?\d+)\s*")
_OPERATOR = re.compile(r"\s*(===|!==|==|!=|<>|<=|>=|<|>|=~)\s*")
_LITERAL = re.compile(
    r"\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|/((?:[^/\\]|\\.)*)/([imsx]*)|(-?[\d.]+(?:[eE][+-]?\d+)?)|(true|false|null))\s*"
)


def path_error(message: str) -> Thrown:
    """A JSONPath that cannot be understood."""
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
            if name is None:
                yield token
            for each in descendants(token):
                if isinstance(each, JProperty) and name in (None, each.name):
                    yield each.value
                elif name is None and isinstance(each.parent, JArray):
                    yield each

    return step


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
        for token in tokens:
            inner = [each.value if isinstance(each, JProperty) else each for each in token.children()]
            for child in inner:
                tick()
                if test(root, child):
                    yield child

    return step


class _Parser:
    """One JSONPath text, read from left to right."""

    def __init__(self, text: str, root: JToken) -> None:
        self.text = text
        self.root = root
        self.position = 0

    def at(self, mark: str) -> bool:
        found = self.text.startswith(mark, self.position)
        self.position += len(mark) if found else 0
        return found

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.position)
        if found is not None:
            self.position = found.end()
        return found

    def failed(self) -> Thrown:
        rest = self.text[self.position : self.position + 1]
        return path_error(
            f"Unexpected character while parsing path: {rest}" if rest else "Unexpected end while parsing path."
        )

    def steps(self, inside: bool = False) -> list[Step]:
        """Steps up to the end; inside a filter up to what is no path any more."""
        found: list[Step] = []
        if self.at("$") or self.at("@"):
            pass
        elif not inside and (name := self.match(_NAME)):
            found.append(_names(None if name[0] == "*" else [name[0]]))
        while self.position < len(self.text):
            if self.at(".."):
                found.append(self.after_scan())
            elif self.at("."):
                found.append(_names(self.name(_INNER_NAME if inside else _NAME)))
            elif self.at("["):
                found.append(self.bracket())
            elif inside:
                break
            else:
                raise self.failed()
        return found

    def name(self, pattern: re.Pattern[str] = _NAME) -> list[str] | None:
        found = self.match(pattern)
        if found is None:
            raise self.failed()
        return None if found[0] == "*" else [found[0]]

    def after_scan(self) -> Step:
        if self.at("["):
            inner = self.bracket()
            every = _scan(None)
            return lambda tokens: inner(every(tokens))
        names = self.name()
        return _scan(names[0] if names else None)

    def bracket(self) -> Step:
        """What stands between ``[`` and ``]``."""
        if self.at("?("):
            test = self.either()
            if not self.at(")"):
                raise self.failed()
            return self.closed(_filter(test, self.root))
        if self.at("*"):
            return self.closed(_names(None))
        if strings := self.several(_STRING):
            return self.closed(_names([_unescaped(each[1] if each[1] is not None else each[2]) for each in strings]))
        if found := self.match(_SLICE):
            return self.closed(_slice(*(int(part) if part else None for part in found.groups())))
        if indices := self.several(_INDEX):
            return self.closed(_indices([int(each[1]) for each in indices]))
        raise self.failed()

    def several(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        found = []
        while each := self.match(pattern):
            found.append(each)
            if not self.at(","):
                break
        return found

    def closed(self, step: Step) -> Step:
        if not self.at("]"):
            raise self.failed()
        return step

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
            made = [_literal(literal)]
            return lambda _root, _token: made
        absolute = self.text.startswith("$", self.position)
        if not absolute and not self.text.startswith("@", self.position):
            raise self.failed()
        steps = self.steps(inside=True)
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
        return any(holds(operator, a, b) for a in left(root, token) for b in right(root, token))

    return test


def holds(operator: str, left: JToken, right: JToken) -> bool:
    """Whether a comparison of two tokens is true; containers compare with nothing."""
    if not isinstance(left, JValue) or not isinstance(right, JValue):
        return operator in ("!=", "!==", "<>")
    a, b = left.value, right.value
    if operator == "=~":
        return _matches(a, b)
    comparable = type(a) is type(b) or (_number(left) and _number(right)) or (isinstance(a, str) and isinstance(b, str))
    if operator in ("==", "==="):
        return comparable and a == b
    if operator in ("!=", "!==", "<>"):
        return not (comparable and a == b)
    if not comparable or a is None:
        return False
    return bool(COMPARISON[operator](a, b))


def _number(token: JValue) -> bool:
    return isinstance(token.value, int | float) and token.type != BOOLEAN


def _matches(value: object, pattern: object) -> bool:
    body, _, flags = str(pattern)[1:].rpartition("/")
    if not isinstance(value, str):
        return False
    options = sum(_REGEX_OPTIONS.get(flag, 0) for flag in flags)
    return compiled(body, options).regex.search(value, timeout=REGEX_TIME_S) is not None


def run(steps: list[Step], token: JToken) -> Iterable[JToken]:
    """The tokens that the steps lead to."""
    tokens: Iterable[JToken] = [token]
    for step in steps:
        tokens = step(tokens)
    return tokens


def select(token: JToken, text: str) -> Iterable[JToken]:
    """``SelectTokens``."""
    return run(_Parser(text.strip(), token).steps(), token)


def select_one(token: JToken, text: str, error_when_missing: bool = False) -> JToken | None:
    """``SelectToken``: null when nothing is there; more than one is an error."""
    found = list(select(token, text))
    if len(found) > 1:
        raise path_error("Path returned multiple tokens.")
    if not found and error_when_missing:
        raise path_error(f"Property '{text}' does not exist on {type(token).__name__}.")
    return found[0] if found else None
