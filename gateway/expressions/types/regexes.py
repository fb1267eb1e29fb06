"""
Regex and its matches, on the ``regex`` package with a time limit.

Source: .NET "System.Text.RegularExpressions"; the differences left are listed in docs/expressions.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from gateway.expressions import primitives as p
from gateway.expressions.clr import Type
from gateway.expressions.collections import ArrayValue, strings
from gateway.expressions.formatting.text import TEXT
from gateway.expressions.limits import (
    REGEX_TIME_S,
    away,
    charge,
    charged,
    check_time,
    spend,
    tick,
    time_left,
)
from gateway.expressions.moments import TICKS_PER_MS, TimeSpan
from gateway.expressions.prices import SLOW_S
from gateway.expressions.regex_dialect import bounded, compiled
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, out_of_range, thrown
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import EnumValue, Ref
from gateway.wire.slices import SLICE_S

if TYPE_CHECKING:
    import regex

MATCHES = 10_000  # matches that are searched for at a time

_R = "System.Text.RegularExpressions"
OPTIONS = enumeration(
    f"{_R}.RegexOptions",
    IgnoreCase=1, Multiline=2, ExplicitCapture=4, Compiled=8, Singleline=16, IgnorePatternWhitespace=32, RightToLeft=64,
    ECMAScript=256, CultureInvariant=512, NonBacktracking=1024,
)  # fmt: skip
OPTIONS.definition.values["None"] = 0
OPTIONS.definition.table["const RegexOptions None"] = EnumValue(OPTIONS, 0)


INFINITE = TimeSpan(-TICKS_PER_MS)


class RegexValue:
    """``Regex``."""

    __slots__ = ("options", "pattern", "regex", "timeout")

    def __init__(self, pattern: str | None, options: EnumValue | None = None, *timeout: object) -> None:
        if pattern is None:
            raise argument_null("pattern")
        _check_timeout(timeout[0] if timeout else None)
        self.pattern = pattern
        self.options = options.value if options is not None else 0
        self.timeout = timeout[0] if timeout else INFINITE
        self.regex = compiled(pattern, self.options)


class MatchValue:
    """``Match``; a failed one has no *match*."""

    __slots__ = ("match", "regex", "text")

    def __init__(self, source: RegexValue, text: str, match: regex.Match[str] | None) -> None:
        self.regex = source
        self.text = text
        self.match = match


class CaptureValue(NamedTuple):
    """``Capture``: a text that a group captured."""

    text: str
    span: tuple[int, int]


class GroupValue:
    """``Group``: one group of a match, by .NET's name or number for it."""

    __slots__ = ("key", "owner")

    def __init__(self, owner: MatchValue, key: str) -> None:
        self.owner = owner
        self.key = key

    @property
    def success(self) -> bool:
        """Whether the group took part in the match."""
        return self.span[0] >= 0

    @property
    def span(self) -> tuple[int, int]:
        """Start and end, -1 when it did not take part."""
        match = self.owner.match
        if match is None:
            return -1, -1
        number = self.owner.regex.regex.number(self.key)
        return (-1, -1) if number is None else match.span(number)

    @property
    def value(self) -> str:
        """Its text, empty when it did not take part."""
        start, end = self.span
        return self.owner.text[start:end] if start >= 0 else ""

    @property
    def name(self) -> str:
        """Its name or number."""
        return self.key


def _text(value: str | None) -> str:
    if value is None:
        raise argument_null("input")
    return value


def _check_timeout(timeout: object) -> None:
    """Only a positive time, or the infinite one."""
    if isinstance(timeout, TimeSpan) and timeout.ticks <= 0 and timeout.ticks != -TICKS_PER_MS:
        raise out_of_range("matchTimeout")


def _search(source: RegexValue, text: str | None, start: int = 0) -> MatchValue:
    searched = _text(text)
    if not 0 <= start <= len(searched):
        raise out_of_range("startat", "Start index cannot be less than 0 or greater than input length.")
    tick()
    return MatchValue(source, searched, bounded(source.regex.regex.search, searched, start))


def _is_match(source: RegexValue, text: str | None, start: int = 0) -> bool:
    return _search(source, text, start).match is not None


def _iterate(source: RegexValue, text: str | None) -> Iterator[regex.Match[str]]:
    place, last = 0, None
    try:
        for match in source.regex.regex.finditer(_text(text), timeout=time_left(SLICE_S)):
            tick()
            yield match
            place, last = match.end(), match.span()
        return
    except TimeoutError:
        pass
    finally:
        check_time()
    yield from _iterate_away(source, text or "", place, last)


def _iterate_away(
    source: RegexValue, text: str, place: int, last: tuple[int, int] | None
) -> Iterator[regex.Match[str]]:
    """
    The matches after *last*, which ends at *place*; they are searched for in batches, off the event loop.

    An empty match is found again where the search begins anew.
    """
    left_s = time_left(REGEX_TIME_S)
    matches = source.regex.regex.finditer(text, place, timeout=left_s, concurrent=True)
    batches: Iterator[list[regex.Match[str]]] = iter(lambda: away(left_s, list, islice(matches, MATCHES)), [])
    try:
        yield from (match for match in _ticked(chain.from_iterable(batches)) if match.span() != last)
    finally:
        check_time()


def _ticked(matches: Iterator[regex.Match[str]]) -> Iterator[regex.Match[str]]:
    for match in matches:
        tick()
        yield match


def _matches(source: RegexValue, text: str | None) -> ArrayValue:
    return ArrayValue([MatchValue(source, text or "", match) for match in _iterate(source, text)], MATCH)


def _next(value: MatchValue) -> MatchValue:
    if value.match is None:
        return value
    start, end = value.match.span()
    return _search(value.regex, value.text, end + (start == end)) if end < len(value.text) else _no_match(value)


def _no_match(value: MatchValue) -> MatchValue:
    return MatchValue(value.regex, value.text, None)


_SUBSTITUTE = re.compile(r"\$(?:(\$)|(\d+)|\{(\w+)\}|([&`'+_]))")


def expand(value: MatchValue, template: str) -> str:
    """A replacement pattern: ``$1``, ``${name}``, ``$&``, ``$$``."""

    def one(token: re.Match[str]) -> str:
        dollar, number, name, special = token.groups()
        if dollar:
            return "$"
        if special:
            return _special(value, special)
        known = value.regex.regex.number(number or name) is not None
        return GroupValue(value, number or name).value if known else token[0]

    return _SUBSTITUTE.sub(one, template)


def _special(value: MatchValue, mark: str) -> str:
    start, end = _span(value)
    if mark == "+":
        return GroupValue(value, value.regex.regex.names[-1]).value
    return {"&": value.text[start:end], "`": value.text[:start], "'": value.text[end:], "_": value.text}[mark]


def replace_matches(source: RegexValue, text: str | None, by: object, count: int = -1) -> str:
    _text(text)
    if by is None:
        raise argument_null("replacement")
    if count < -1:
        raise out_of_range("count", "Count cannot be less than -1.")
    parts: list[str] = []
    position = 0
    for match in _iterate(source, text):
        if count == 0:
            break
        count -= 1
        value = MatchValue(source, text or "", match)
        shown = by(value) if callable(by) else expand(value, str(by))
        parts += [_text(text)[position : match.start()], charged(str(shown))]
        position = match.end()
    parts.append(_text(text)[position:])
    charge(sum(map(len, parts)))
    return "".join(parts)


def _split(source: RegexValue, text: str | None, count: int = 0) -> ArrayValue:
    _text(text)
    if count < 0:
        raise out_of_range("count", "Count cannot be less than -1.")
    parts: list[str] = []
    position = 0
    for match in _iterate(source, text):
        if count and len(parts) >= count - 1:
            break
        parts.append(_text(text)[position : match.start()])
        groups = (match[number] for number in source.regex.groups[1:])
        parts += [group for group in groups if group is not None]
        position = match.end()
    return strings([*parts, _text(text)[position:]])


class GroupsValue:
    """``GroupCollection``: the groups of one match."""

    __slots__ = ("owner",)

    def __init__(self, owner: MatchValue) -> None:
        self.owner = owner

    @property
    def names(self) -> tuple[str, ...]:
        """.NET's names or numbers of the groups; only the first of a match that failed."""
        return self.owner.regex.regex.names

    def __iter__(self) -> Iterator[MatchValue | GroupValue]:
        yield self.owner
        for name in self.names[1:]:
            yield GroupValue(self.owner, name)


def _group(groups: GroupsValue, key: int | str) -> MatchValue | GroupValue:
    """One group; the first is the match itself."""
    names = groups.names
    if key in (0, "0"):
        return groups.owner
    if isinstance(key, int):
        return GroupValue(groups.owner, names[key] if 0 <= key < len(names) else "")
    return GroupValue(groups.owner, key if key in names else "")


def _captures(value: MatchValue | GroupValue) -> ArrayValue:
    """Every text that a group captured, one for each iteration of a repetition."""
    owner, key = (value, "0") if isinstance(value, MatchValue) else (value.owner, value.key)
    number = owner.regex.regex.number(key)
    spans = [] if owner.match is None or number is None else owner.match.spans(number)
    return ArrayValue([CaptureValue(owner.text, span) for span in spans], CAPTURE)


_ESCAPED = {"\t": r"\t", "\n": r"\n", "\r": r"\r", "\f": r"\f"}
_UNESCAPED = {**{escaped[1]: plain for plain, escaped in _ESCAPED.items()}, "e": "\x1b", "a": "\a", "v": "\v"}


def _escape(value: str | None) -> str:
    spend(len(value or ""), SLOW_S)
    return re.sub(
        r"[\\*+?|{\[()^$.# \t\n\r\f]", lambda special: _ESCAPED.get(special[0], f"\\{special[0]}"), _text(value)
    )


def _unescape(value: str | None) -> str:
    def one(escape: re.Match[str]) -> str:
        return chr(int(escape[1] or escape[2], 16)) if escape[3] is None else _UNESCAPED.get(escape[3], escape[3])

    return re.sub(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", one, _text(value), flags=re.DOTALL)


def _count(source: RegexValue, text: str | None) -> int:
    return sum(1 for _ in _iterate(source, text))


def _name_of(source: RegexValue, number: int) -> str:
    return source.regex.names[number] if 0 <= number < len(source.regex.names) else ""


def _number_of(source: RegexValue, name: str | None) -> int:
    if name is None:
        raise argument_null("name")
    return source.regex.names.index(name) if name in source.regex.names else -1


def _static(run: Callable[..., object]) -> Callable[..., object]:
    """A static method: the pattern after the text, options at the end."""

    def call(text: str | None, pattern: str | None, *rest: object) -> object:
        options = next((item for item in rest if isinstance(item, EnumValue)), None)
        extra = [argument for argument in rest if not isinstance(argument, EnumValue | TimeSpan)]
        timeout = [item for item in rest if isinstance(item, TimeSpan)]
        return run(RegexValue(pattern, options, *timeout), text, *extra)

    return call


REGEX = define(f"{_R}.Regex", {
    "new(string pattern)": RegexValue,
    "new(string pattern, RegexOptions options)": RegexValue,
    "new(string pattern, RegexOptions options, TimeSpan matchTimeout)": RegexValue,
    "bool IsMatch(string input)": _is_match,
    "bool IsMatch(string input, int startat)": _is_match,
    "Match Match(string input)": _search,
    "Match Match(string input, int startat)": _search,
    "MatchCollection Matches(string input)": _matches,
    "string Replace(string input, string replacement)": replace_matches,
    "string Replace(string input, string replacement, int count)": replace_matches,
    "string Replace(string input, Func<Match, string> evaluator)": replace_matches,
    "string[] Split(string input)": _split,
    "string[] Split(string input, int count)": _split,
    "string ToString()": lambda value: value.pattern,
    **{f"static {result} {name}(string input, string pattern{rest})": _static(run)
       for result, name, run in (("bool", "IsMatch", _is_match), ("Match", "Match", _search),
                               ("MatchCollection", "Matches", _matches), ("string[]", "Split", _split),
                               ("int", "Count", _count))
       for rest in ("", ", RegexOptions options", ", RegexOptions options, TimeSpan matchTimeout")},
    **{f"static string Replace(string input, string pattern, {by}{rest})": _static(replace_matches)
       for by in ("string replacement", "Func<Match, string> evaluator")
       for rest in ("", ", RegexOptions options", ", RegexOptions options, TimeSpan matchTimeout")},
    "RegexOptions Options": lambda value: EnumValue(OPTIONS, value.options),
    "bool RightToLeft": lambda value: bool(value.options & OPTIONS.definition.values["RightToLeft"]),
    "TimeSpan MatchTimeout": lambda value: value.timeout,
    "const TimeSpan InfiniteMatchTimeout": INFINITE,
    "int Count(string input)": _count,
    "int[] GetGroupNumbers()": lambda value: ArrayValue(range(len(value.regex.names)), p.INT),
    "string GroupNameFromNumber(int i)": _name_of,
    "int GroupNumberFromName(string name)": _number_of,
    "string[] GetGroupNames()": lambda value: strings(list(value.regex.names)),
    "static string Escape(string str)": _escape,
    "static string Unescape(string str)": _unescape,
}, price="own")  # fmt: skip


def _has_group(groups: GroupsValue, key: str) -> bool:
    if key is None:
        raise argument_null("key")
    return key in groups.names


def _try_group(groups: GroupsValue, key: str, out: Ref) -> bool:
    out.value = _group(groups, key)
    return _has_group(groups, key)


def _match_at(items: ArrayValue, index: int) -> object:
    if not 0 <= index < len(items):
        raise out_of_range("i")
    return items[index]


def _result(value: MatchValue, replacement: str | None) -> str:
    """``Result``: *replacement*, filled in from this match."""
    if replacement is None:
        raise argument_null("replacement")
    if value.match is None:
        raise thrown("NotSupportedException", "Result cannot be called on a failed Match.")
    return expand(value, replacement)


def _span(value: MatchValue | GroupValue | CaptureValue) -> tuple[int, int]:
    if not isinstance(value, MatchValue):
        return value.span
    return value.match.span() if value.match is not None else (-1, -1)


def _value(value: MatchValue | GroupValue | CaptureValue) -> str:
    start, end = _span(value)
    owner = value.owner if isinstance(value, GroupValue) else value
    return owner.text[start:end] if start >= 0 else ""


CAPTURE: Type = define(f"{_R}.Capture", {
    "string Value": _value,
    "int Index": lambda value: max(_span(value)[0], 0),
    "int Length": lambda value: _span(value)[1] - _span(value)[0],
    "string ToString()": _value,
}, price="own")  # fmt: skip
GROUP: Type = define(f"{_R}.Group", {
    "bool Success": lambda value: _span(value)[0] >= 0,
    "string Name": lambda value: value.name if isinstance(value, GroupValue) else "0",
    "IReadOnlyList<Capture> Captures": _captures,
}, parents=("Capture",), price="own")  # fmt: skip
GROUPS: Type = define(f"{_R}.GroupCollection", {
    "Group this[int groupnum]": _group,
    "Group this[string groupname]": _group,
    "int Count": lambda groups: len(groups.names),
    "bool ContainsKey(string key)": _has_group,
    "bool TryGetValue(string key, out Group value)": _try_group,
    "IEnumerable<string> Keys": lambda groups: strings(list(groups.names)),
    "IEnumerable<Group> Values": lambda groups: ArrayValue(groups, GROUP),
    "bool IsReadOnly": lambda _groups: True,
}, parents=("IEnumerable<Group>", "IEnumerable<KeyValuePair<string, Group>>"), price="own")  # fmt: skip
define(f"{_R}.MatchCollection", {
    "Match this[int i]": _match_at,
    "int Count": len,
}, parents=("IEnumerable<Match>",), price="own")  # fmt: skip
MATCH: Type = define(f"{_R}.Match", {
    "GroupCollection Groups": GroupsValue,
    "Match NextMatch()": _next,
    "string Result(string replacement)": _result,
    "static Match Empty": lambda: MatchValue(RegexValue(""), "", None),
}, parents=("Group",), price="own")  # fmt: skip
represent(RegexValue, REGEX)
represent(MatchValue, MATCH)
represent(GroupsValue, GROUPS, iter)
represent(GroupValue, GROUP)
TEXT[RegexValue] = lambda value: value.pattern
represent(CaptureValue, CAPTURE)
TEXT[MatchValue] = TEXT[GroupValue] = TEXT[CaptureValue] = _value
