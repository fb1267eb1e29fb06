"""
.NET's regular expressions in the dialect of the ``regex`` package, and .NET's numbers of their groups.

.NET numbers groups without a name first and named ones after them; classes may subtract one another; ``$`` and ``\\Z``
match before a last line break; what the other dialect knows beyond .NET's (``a++``, ``\\R``, ``(?P<x>…)``) is an error.

Source: .NET "Regular expression language", "Grouping constructs", "Character classes".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from gateway.expressions.limits import REGEX_TIME_S, LimitExceeded, away, check_time, time_left
from gateway.expressions.repetitions import MAX_REPETITIONS, repeats_too_much
from gateway.expressions.thrown import Thrown, thrown
from gateway.wire.slices import SLICE_S

if TYPE_CHECKING:
    import regex

MAX_PATTERN = 10_000
IGNORE_CASE, MULTILINE, EXPLICIT_CAPTURE, SINGLELINE, IGNORE_WHITESPACE, ECMASCRIPT = 1, 2, 4, 16, 32, 256

_BEFORE_LAST_BREAK = r"(?=\n?\Z)"
_QUANTIFIER = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})\??")
_PLAIN_GROUP = re.compile(r"\(\?(?::|=|!|<=|<!|>)")
_NAMED_GROUP = re.compile(r"\(\?(?:<(\w+)>|'(\w+)')")
_CONDITION = re.compile(r"\(\?\((\w+)\)")
_INLINE = re.compile(r"\(\?([imnsx]*)(?:-([imnsx]*))?([:)])")
_NAMED_REFERENCE = re.compile(r"\\k(?:<(\w+)>|'(\w+)')")
_NUMBER_REFERENCE = re.compile(r"\\([1-9]\d?)")
_CATEGORY = re.compile(r"\\[pP]\{\^?([\w-]+)\}")
_OCTAL = re.compile(r"\\0[0-7]{0,2}")
_SAME_ESCAPES = frozenset("AbBdDfGnrsStuvwWx")
_OWN_ESCAPES = {"z": r"\Z", "Z": _BEFORE_LAST_BREAK, "e": r"\x1b", "a": r"\x07"}


@dataclass(frozen=True, slots=True)
class Pattern:
    """
    A compiled pattern.

    Attributes:
        groups: .NET's number of a group → its number in *regex*.
        names: .NET's number of a group → its name; without one, the number again.
    """

    regex: regex.Pattern[str]
    groups: tuple[int, ...]
    names: tuple[str, ...]

    def number(self, key: str) -> int | None:
        """The number in *regex* of the group that .NET calls *key*, or None."""
        if key in self.names:
            return self.groups[self.names.index(key)]
        place = int(key) if key.isdecimal() else len(self.groups)
        return self.groups[place] if place < len(self.groups) else None


class _Mode(NamedTuple):
    """The options that change how a pattern is read; they apply until the end of the group that sets them."""

    multiline: bool
    explicit: bool
    verbose: bool


class _Reference(NamedTuple):
    """``\\1``, ``\\k<x>`` or ``(?(x)``: resolved when all groups are known."""

    key: str
    form: str


@lru_cache(maxsize=512)
def compiled(pattern: str, options: int = 0) -> Pattern:
    """
    *pattern* with *options*, the bits of RegexOptions; the same pattern is compiled only once.

    Raises:
        Thrown: RegexParseException: .NET would not accept the pattern.
    """
    if len(pattern) > MAX_PATTERN:
        raise LimitExceeded(f"a regular expression may have {MAX_PATTERN:,} characters")
    if repeats_too_much(pattern):
        raise LimitExceeded(f"a regular expression may expand to {MAX_REPETITIONS:,} characters")
    import regex  # a large library, and few policies use regular expressions

    ours = {
        IGNORE_CASE: regex.IGNORECASE, MULTILINE: regex.MULTILINE, SINGLELINE: regex.DOTALL,
        IGNORE_WHITESPACE: regex.VERBOSE, ECMASCRIPT: regex.ASCII,
    }  # fmt: skip
    flags = regex.VERSION1
    for bit, flag in ours.items():
        flags |= flag if options & bit else 0
    translation = _Translation(pattern, options)
    text = translation.text()
    try:
        expression = regex.compile(f"{_EXACT}{text})", flags)
    except regex.error as error:
        place = min(max((error.pos or 0) - len(_EXACT), 0), len(pattern))
        raise _invalid(pattern, place, _REASONS.get(error.msg, error.msg)) from None
    names = translation.names
    return Pattern(expression, (0, *names.values()), ("0", *names))


# Without the fuzzy matching of the regex package.
_EXACT = "(?-f:"
# .NET's names of the usual mistakes. Source: .NET, "RegexParseError".
_REASONS = {
    "missing )": "Not enough )'s",
    "unbalanced parenthesis": "Too many )'s",
    "unterminated character set": "Unterminated [] set",
}


def _invalid(pattern: str, place: int, reason: str) -> Thrown:
    return thrown("RegexParseException", f"Invalid pattern '{pattern}' at offset {place}. {reason}.")


class _Translation:
    """One walk over a pattern."""

    def __init__(self, pattern: str, options: int) -> None:
        self.pattern = pattern
        self.place = 0
        self.parts: list[str | _Reference] = []
        self.unnamed: list[int] = []
        self.named: dict[str, int] = {}
        mode = _Mode(*(bool(options & bit) for bit in (MULTILINE, EXPLICIT_CAPTURE, IGNORE_WHITESPACE)))
        self.modes = [mode]

    @property
    def names(self) -> Mapping[str, int]:
        """Names in .NET's order → number in Python's dialect."""
        return {str(number): place for number, place in enumerate(self.unnamed, 1)} | self.named

    def text(self) -> str:
        """The pattern in Python's dialect. Raises Thrown."""
        while self.place < len(self.pattern):
            _READERS.get(self.pattern[self.place], _Translation.literal)(self)
        return "".join(part if isinstance(part, str) else self.resolved(part) for part in self.parts)

    def error(self, reason: str) -> Thrown:
        """The exception for a mistake at this place."""
        return _invalid(self.pattern, self.place, reason)

    def take(self, length: int, meaning: str | _Reference) -> None:
        """Continue after the next *length* characters, which are translated to *meaning*."""
        self.place += length
        self.parts.append(meaning)

    def found(self, shape: re.Pattern[str]) -> re.Match[str] | None:
        """The match of *shape* at this place, if there is one."""
        return shape.match(self.pattern, self.place)

    def literal(self) -> None:
        """A literal character."""
        self.take(1, self.pattern[self.place])

    def comment(self) -> None:
        """``#``, which begins a comment in a pattern whose white space is ignored."""
        end = self.pattern.find("\n", self.place)
        length = (len(self.pattern) if end < 0 else end) - self.place
        self.take(*((length, "") if self.modes[-1].verbose else (1, "#")))

    def dollar(self) -> None:
        """``$``."""
        self.take(1, "$" if self.modes[-1].multiline else _BEFORE_LAST_BREAK)

    def quantifier(self) -> None:
        """``*``, ``{2,}``, …; a brace that does not begin one is a literal."""
        match = self.found(_QUANTIFIER)
        if match is None:
            self.take(1, re.escape(self.pattern[self.place]))
            return
        self.take(len(match[0]), match[0])
        if again := self.found(_QUANTIFIER):
            raise self.error(f"Nested quantifier '{again[0]}'")

    def closing(self) -> None:
        """``)``."""
        if len(self.modes) == 1:
            raise self.error("Too many )'s")
        self.modes.pop()
        self.take(1, ")")

    # -- groups
    def group(self) -> None:
        """``(`` and what follows it."""
        self.modes.append(self.modes[-1])
        if not self.pattern.startswith("(?", self.place):
            self.take(1, "(?:" if self.modes[-1].explicit else self.capture(None))
        elif match := self.found(_NAMED_GROUP):
            self.take(len(match[0]), self.capture(match[1] or match[2]))
        elif match := self.found(_PLAIN_GROUP):
            self.take(len(match[0]), match[0])
        elif match := self.found(_CONDITION):
            self.take(len(match[0]), _Reference(match[1], "(?({})"))
        elif self.pattern.startswith("(?(", self.place):
            self.take(2, "(?")
        else:
            self.inline()

    def capture(self, name: str | None) -> str:
        """Open a capturing group; a name that is already known means the same group again."""
        number = len(self.unnamed) + len(self.named) + 1
        if name is None:
            self.unnamed.append(number)
            return "("
        self.named.setdefault(name, number)
        return f"(?P<n_{name}>"

    def inline(self) -> None:
        """``(?i-s)``, ``(?i:…)`` or a comment."""
        match = self.found(_INLINE)
        if match is None:
            self.inline_comment()
            return
        on, off, end_mark = match[1], match[2] or "", match[3]
        mode = _changed(self.modes[-1], on, off)
        if end_mark == ")":
            self.modes.pop()
        self.modes[-1] = mode
        on, off = on.replace("n", ""), off.replace("n", "")
        flags = on + (f"-{off}" if off else "")
        self.take(len(match[0]), f"(?{flags}{end_mark}" if flags or end_mark == ":" else "")

    def inline_comment(self) -> None:
        """``(?#…)``."""
        end = self.pattern.find(")", self.place)
        if not self.pattern.startswith("(?#", self.place) or end < 0:
            raise self.error("Unrecognized grouping construct")
        self.modes.pop()
        self.take(end + 1 - self.place, "")

    def resolved(self, reference: _Reference) -> str:
        """A reference, now that all groups are known."""
        number = self.names.get(reference.key)
        if number is not None:
            return reference.form.format(number)
        if reference.form.startswith("(?("):
            return f"(?(?={reference.key})"  # no such group: it is a lookahead pattern
        if len(reference.key) == 2 and not set(reference.key) - set("01234567"):
            return re.escape(chr(int(reference.key, 8)))
        raise self.error(f"Reference to undefined group {reference.key}")

    # -- escapes and classes
    def escape(self) -> None:
        """A backslash outside classes."""
        if match := self.found(_NAMED_REFERENCE):
            self.take(len(match[0]), _Reference(match[1] or match[2], r"\g<{}>"))
        elif match := self.found(_NUMBER_REFERENCE):
            self.take(len(match[0]), _Reference(match[1], r"\g<{}>"))
        else:
            self.take(0, self.character())

    def character(self) -> str:
        """An escaped character or class of characters."""
        if match := self.found(_CATEGORY):
            self.place += len(match[0])
            return re.sub(r"\{(\^?)Is", r"{\1In", match[0])
        if match := self.found(_OCTAL):
            self.place += len(match[0])
            return re.escape(chr(int(match[0][1:], 8)))
        letter, following = self.pattern[self.place + 1 : self.place + 2], self.pattern[self.place + 2 : self.place + 3]
        self.place += 3 if letter == "c" else 2
        if letter == "c":  # a control character: Ctrl+A is \cA
            return re.escape(chr(ord(following.upper() or "@") ^ 64))
        if not _may_be_escaped(letter):
            raise self.error(f"Unrecognized escape sequence \\{letter}")
        return _OWN_ESCAPES.get(letter) or f"\\{letter}"

    def char_class(self) -> None:
        """``[…]``."""
        self.take(0, self.one_class())

    def one_class(self) -> str:
        """A class of characters; ``[a-z-[aeiou]]`` subtracts one from the other."""
        start = self.place + (2 if self.pattern.startswith("[^", self.place) else 1)
        opening, self.place = self.pattern[self.place : start], start
        items, minus = "", ""
        while not self.pattern.startswith("]", self.place) or self.place == start:
            if self.place >= len(self.pattern):
                raise self.error("Unterminated [] set")
            if self.pattern.startswith("-[", self.place) and items:
                self.place += 1
                minus = f"(?!{self.one_class()})"
            else:
                items += self.member(start)
        self.place += 1
        return f"(?:{minus}{opening}{items}])" if minus else f"{opening}{items}]"

    def member(self, start: int) -> str:
        """One character of a class, or the ``-`` of a range."""
        character = self.pattern[self.place]
        if character == "\\":
            return self.character()
        self.place += 1
        if character != "-":
            return re.escape(character)
        is_range = self.place - 1 > start and not self.pattern.startswith("]", self.place)
        return "-" if is_range else r"\-"


def _changed(mode: _Mode, on: str, off: str) -> _Mode:
    """*mode* after ``(?on-off)``."""
    letters = zip("mnx", mode, strict=True)
    return _Mode(*(letter in on or (was_on and letter not in off) for letter, was_on in letters))


def _may_be_escaped(letter: str) -> bool:
    """Punctuation may be escaped; letters only if the escape has a meaning."""
    if not letter.isascii() or not (letter.isalpha() or letter == "_"):
        return letter != ""
    return letter in _SAME_ESCAPES or letter in _OWN_ESCAPES


T = TypeVar("T")
_READERS: dict[str, Callable[[_Translation], None]] = {
    "\\": _Translation.escape, "[": _Translation.char_class, "(": _Translation.group, ")": _Translation.closing,
    "$": _Translation.dollar, "#": _Translation.comment, **dict.fromkeys("*+?{}", _Translation.quantifier),
}  # fmt: skip


def bounded(search: Callable[..., T], text: str, *start: int) -> T:
    """
    *search* in *text* for as long as the evaluation may still run; its time counts even if it is aborted.

    Raises:
        TimeoutError: It takes too long; a RegexMatchTimeoutException for the expression.
    """
    try:
        return search(text, *start, timeout=time_left(SLICE_S))
    except TimeoutError:
        left_s = time_left(REGEX_TIME_S)
        return away(left_s, partial(search, text, *start, timeout=left_s, concurrent=True))
    finally:
        check_time()
