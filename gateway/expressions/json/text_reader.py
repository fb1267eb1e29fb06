"""
JSON text → tokens, as forgiving as Newtonsoft's JsonTextReader, with its messages and places.

It reads single quotes, bare names, comments, trailing commas, ``NaN``, ``undefined``, hexadecimal and octal numbers.

Source: Newtonsoft.Json, JsonReader and JsonTextReader.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from gateway.expressions.casing import WHITE
from gateway.expressions.limits import tick
from gateway.expressions.thrown import Thrown, thrown

MAX_DEPTH = 64
MAX_DIGITS = 380  # digits of an integer
END, START_OBJECT, START_ARRAY, PROPERTY, VALUE, COMMENT, UNDEFINED, END_OBJECT, END_ARRAY = range(9)
# State of the reader: a value, a property, or what follows a value comes next.
_START, _IN_VALUE, _ARRAY_START, _OBJECT_START, _IN_OBJECT, _POST_VALUE, _FINISHED = range(7)
_OBJECT, _ARRAY = "Object", "Array"
_QUOTES = "\"'"
_NUMBER_CHARACTERS = frozenset("-+abcdefABCDEFxX.0123456789")
_NUMBER_ENDS = frozenset(",}])/" + WHITE)
_SEPARATORS = frozenset("}]," + WHITE)
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "\\": "\\", '"': '"', "'": "'", "/": "/"}
_PLAIN = {quote: re.compile(rf"[^\\\r\n{quote}]+") for quote in _QUOTES}
_SPECIAL_IN_PATH = frozenset(". '/\"[]()\t\n\r\f\b\\\x85\u2028\u2029")
# First letter → the keyword, its value, and its name in messages.
_WORDS: dict[str, tuple[str, object, str]] = {
    "t": ("true", True, "boolean"), "f": ("false", False, "boolean"), "n": ("null", None, "null"),
    "N": ("NaN", float("nan"), "NaN"), "I": ("Infinity", float("inf"), "positive infinity"),
    "u": ("undefined", None, "undefined"),
}  # fmt: skip


def name_in_path(name: str) -> str:
    """A property's name as it appears in a path, without the dot before it."""
    if _SPECIAL_IN_PATH.isdisjoint(name):
        return name
    escaped = "".join(_PATH_ESCAPES.get(character, character) for character in name)
    return f"['{escaped}']"


_PATH_ESCAPES = {
    "\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f", "\b": "\\b", "\\": "\\\\", "'": "\\'", "\x85": "\\u0085",
    "\u2028": "\\u2028", "\u2029": "\\u2029",
}  # fmt: skip


class RawFloat(float):
    """A number with a fraction or an exponent that keeps its spelling."""

    shown: str

    def __new__(cls, shown: str) -> RawFloat:
        """The number in *shown*."""
        number = super().__new__(cls, shown)
        number.shown = shown
        return number


@dataclass(slots=True)
class _Container:
    """An open object or array, and the reader's position in it."""

    kind: str
    index: int = -1
    name: str | None = None


class TextReader:
    """
    A reader of one text.

    Attributes:
        value: Value of the token that :meth:`read` has just reached: a property's name, a text, a number as written.
        quoted: Whether *value* is a quoted text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.value: object = None
        self.quoted = False
        self._state = _START
        self._line = 1
        self._line_start = 0
        self._open: list[_Container] = []

    # -- places
    @property
    def depth(self) -> int:
        """The number of open containers."""
        return len(self._open)

    @property
    def path(self) -> str:
        """The path of the token."""
        inside = self._open[:-1] if self._state in (_ARRAY_START, _OBJECT_START) else self._open
        parts = []
        for container in inside:
            if container.kind == _ARRAY:
                parts.append(f"[{container.index}]" if container.index >= 0 else "")
            elif container.name is not None:
                shown = name_in_path(container.name)
                parts.append(shown if not parts or shown.startswith("['") else f".{shown}")
        return "".join(parts)

    def error(self, message: str, kind: str = "JsonReaderException") -> Thrown:
        """An exception at this place."""
        column = self.at - self._line_start
        line = 0 if self._state == _START and column == 0 else self._line
        return thrown(kind, f"{message} Path '{self.path}', line {line}, position {column}.")

    def _unexpected_end(self) -> Thrown:
        return self.error("Unexpected end when reading JSON.")

    # -- tokens
    def read(self) -> int:
        """The next token; END where there is none."""
        tick()
        if self._state == _POST_VALUE:
            token = self._post_value()
            if token is not None:
                return token
        if self._state == _FINISHED:
            return self._rest()
        return self._object() if self._state in (_OBJECT_START, _IN_OBJECT) else self._value()

    def _skip(self) -> str:
        """The next character that is not white space; empty at the end."""
        while self.at < len(self.text):
            character = self.text[self.at]
            if character not in WHITE and character != "\0":
                return character
            self._pass_white(character)
        return ""

    def _pass_white(self, character: str) -> None:
        self.at += 1
        if character == "\r" and self.text[self.at : self.at + 1] == "\n":
            self.at += 1
        if character in "\r\n":
            self._line += 1
            self._line_start = self.at

    def _rest(self) -> int:
        """Check the end: only comments may follow the document."""
        character = self._skip()
        if not character:
            return END
        if character == "/":
            return self._comment()
        raise self.error(f"Additional text encountered after finished reading JSON content: {character}.")

    def _value(self) -> int:
        character = self._skip()
        if not character:
            return END
        parse = self._parsers().get(character)
        if parse is not None:
            return parse()
        if character in _WORDS:
            return self._word(*_WORDS[character])
        if unicodedata.category(character)[0] == "N" or character in "-.":
            return self._number()
        raise self._unexpected(character)

    def _parsers(self) -> dict[str, Callable[[], int]]:
        return {
            '"': self._string, "'": self._string, "{": self._start_object, "[": self._start_array,
            "]": self._end_array, "/": self._comment, ",": self._nothing,
        }  # fmt: skip

    def _unexpected(self, character: str) -> Thrown:
        return self.error(f"Unexpected character encountered while parsing value: {character}.")

    def _start_object(self) -> int:
        self.at += 1
        self._state = _OBJECT_START
        self._push(_OBJECT)
        return START_OBJECT

    def _start_array(self) -> int:
        self.at += 1
        self._state = _ARRAY_START
        self._push(_ARRAY)
        return START_ARRAY

    def _end_array(self) -> int:
        self.at += 1
        return self._close(_ARRAY, END_ARRAY)

    def _nothing(self) -> int:
        """An omitted value between two commas."""
        self.value = None
        self._done()
        return UNDEFINED

    def _push(self, kind: str) -> None:
        self._count()
        self._open.append(_Container(kind))
        if len(self._open) > MAX_DEPTH:
            raise self.error(f"The reader's MaxDepth of {MAX_DEPTH} has been exceeded.")

    def _count(self) -> None:
        """One more item of the array around it."""
        if self._open and self._open[-1].kind == _ARRAY:
            self._open[-1].index += 1

    def _close(self, kind: str, token: int) -> int:
        opened = self._open.pop().kind if self._open else "None"
        if opened != kind:
            raise self.error(f"JsonToken End{kind} is not valid for closing JsonType {opened}.")
        self._state = _POST_VALUE if self._open else _FINISHED
        return token

    def _done(self) -> None:
        """A value has been read."""
        self._state = _POST_VALUE if self._open else _FINISHED
        self._count()

    def _post_value(self) -> int | None:
        character = self._skip()
        if not character:
            self._state = _FINISHED
            return None
        if character == "/":
            return self._comment()
        return self._after_value(character)

    def _after_value(self, character: str) -> int | None:
        if character not in "},]":
            raise self.error(f"After parsing a value an unexpected character was encountered: {character}.")
        self.at += 1
        if character == "}":
            return self._close(_OBJECT, END_OBJECT)
        if character == "]":
            return self._close(_ARRAY, END_ARRAY)
        self._state = _IN_OBJECT if self._open[-1].kind == _OBJECT else _IN_VALUE
        return None

    # -- properties
    def _object(self) -> int:
        character = self._skip()
        if not character:
            return END
        if character == "}":
            self._close(_OBJECT, END_OBJECT)
            self.at += 1
            return END_OBJECT
        return self._comment() if character == "/" else self._property(character)

    def _property(self, character: str) -> int:
        if character in _QUOTES:
            self.at += 1
            name = self._quoted(character)
        elif _is_identifier(character):
            name = self._bare_name()
        else:
            raise self.error(f"Invalid property identifier character: {character}.")
        character_after = self._skip()
        if character_after != ":":
            shown = character_after or "\0"
            raise self.error(f"Invalid character after parsing property name. Expected ':' but got: {shown}.")
        self.at += 1
        self._state = _IN_VALUE
        self._open[-1].name = name
        self.value = name
        return PROPERTY

    def _bare_name(self) -> str:
        start = self.at
        while self.at < len(self.text) and _is_identifier(self.text[self.at]):
            self.at += 1
        if self.at == len(self.text):
            raise self.error("Unexpected end while parsing unquoted property name.")
        character = self.text[self.at]
        if character not in WHITE and character != ":":
            raise self.error(f"Invalid JavaScript property identifier character: {character}.")
        return self.text[start : self.at]

    # -- leaves
    def _string(self) -> int:
        quote = self.text[self.at]
        self.at += 1
        self.value = self._quoted(quote)
        self.quoted = True
        self._done()
        return VALUE

    def _quoted(self, quote: str) -> str:
        parts: list[str] = []
        while True:
            match = _PLAIN[quote].match(self.text, self.at)
            if match is not None:
                parts.append(match[0])
                self.at = match.end()
            character = self.text[self.at : self.at + 1]
            if character == quote:
                self.at += 1
                return "".join(parts)
            if not character:
                raise self.error(f"Unterminated string. Expected delimiter: {quote}.")
            parts.append(self._in_string(character, quote))

    def _in_string(self, character: str, quote: str) -> str:
        """A line end, or the character of an escape."""
        start = self.at
        if character != "\\":
            self._pass_white(character)
            return self.text[start : self.at]
        self.at += 1
        escaped = self.text[self.at : self.at + 1]
        if not escaped:
            raise self.error(f"Unterminated string. Expected delimiter: {quote}.")
        self.at += 1
        if escaped == "u":
            return self._unicode()
        if escaped not in _ESCAPES:
            raise self.error(f"Bad JSON escape sequence: \\{escaped}.")
        return _ESCAPES[escaped]

    def _unicode(self) -> str:
        """A ``\\u`` and its digits; a surrogate pair of them is one character."""
        code = self._hexadecimal()
        if 0xD800 <= code < 0xDC00 and self.text[self.at : self.at + 2] == "\\u":
            self.at += 2
            low = self._hexadecimal()
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((code - 0xD800) << 10) + low - 0xDC00)
            return "\ufffd" + (chr(low) if not 0xD800 <= low < 0xE000 else "\ufffd")
        return chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd"

    def _hexadecimal(self) -> int:
        digits = self.text[self.at : self.at + 4]
        if len(digits) < 4:
            raise self.error("Unexpected end while parsing Unicode escape sequence.")
        if not re.fullmatch("[0-9a-fA-F]{4}", digits):
            raise self.error(f"Invalid Unicode escape sequence: \\u{digits}.")
        self.at += 4
        return int(digits, 16)

    def _word(self, word: str, value: object, called: str) -> int:
        if word == "null" and len(self.text) - self.at > 1 and self.text[self.at + 1] != "u":
            raise self._unexpected("n")
        if not self._matches(word):
            raise self.error(f"Error parsing {called} value.")
        self.value, self.quoted = value, False
        self._done()
        return UNDEFINED if word == "undefined" else VALUE

    def _matches(self, word: str) -> bool:
        """Whether *word* is at this place, followed by a separator."""
        text_here = self.text[self.at : self.at + len(word)]
        if len(text_here) < len(word):
            self.at = len(self.text)
            raise self._unexpected_end()
        if text_here != word:
            self.at += next(place for place, pair in enumerate(zip(text_here, word, strict=True)) if pair[0] != pair[1])
            return False
        self.at += len(word)
        rest = self.text[self.at : self.at + 2]
        return not rest or rest[0] in _SEPARATORS or rest in ("//", "/*")

    def _number(self) -> int:
        start = self.at
        if self.text.startswith("-I", start):
            return self._word("-Infinity", float("-inf"), "negative infinity")
        while self.at < len(self.text) and self.text[self.at] in _NUMBER_CHARACTERS:
            self.at += 1
        rest = self.text[self.at : self.at + 1]
        if rest and rest not in _NUMBER_ENDS:
            raise self.error(f"Unexpected character encountered while parsing number: {rest}.")
        self._done()
        self.value, self.quoted = self._number_value(self.text[start : self.at]), False
        return VALUE

    def _number_value(self, shown: str) -> object:
        try:
            if shown[0] == "0" and len(shown) > 1 and shown[1] not in ".eE":
                return _long(int(shown[2:], 16) if shown[1] in "xX" else int(shown, 8))
            if re.fullmatch(r"-?\d+", shown, re.ASCII):
                return self._integer(shown)
            if re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", shown, re.ASCII):
                return RawFloat(shown)
        except ValueError:
            pass
        raise self.error(f"Input string '{shown}' is not a valid number.")

    def _integer(self, shown: str) -> int:
        if len(shown) > MAX_DIGITS:
            raise self.error(f"JSON integer {shown} is too large to parse.")
        return int(shown)

    def _comment(self) -> int:
        self.at += 1
        kind = self.text[self.at : self.at + 1]
        if not kind:
            raise self.error("Unexpected end while parsing comment.")
        if kind not in "*/":
            raise self.error(f"Error parsing comment. Expected: *, got {kind}.")
        self.at += 1
        end = self.text.find("*/", self.at) if kind == "*" else _line_end(self.text, self.at)
        if end < 0:
            self.at = len(self.text)
            raise self.error("Unexpected end while parsing comment.")
        self.value = self.text[self.at : end]
        while self.at < end:
            self._pass_white(self.text[self.at])
        self.at = end + 2 * (kind == "*")
        return COMMENT


def _long(number: int) -> int:
    """A hexadecimal or octal number, which wraps within 64 bits as in Convert.ToInt64."""
    if number >= 1 << 64:
        raise ValueError
    return number - (1 << 64) if number >= 1 << 63 else number


def _is_identifier(character: str) -> bool:
    return character.isalpha() or unicodedata.category(character) == "Nd" or character in "_$"


def _line_end(text: str, start: int) -> int:
    ends = [place for place in (text.find("\r", start), text.find("\n", start)) if place >= 0]
    return min(ends, default=len(text))
