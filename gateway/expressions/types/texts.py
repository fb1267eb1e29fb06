"""Encoding, StringBuilder, StringReader, StringWriter, Environment."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence

from gateway.expressions.clr import definition_of, make
from gateway.expressions.collections import array_index, check_capacity
from gateway.expressions.formatting.composite import format_composite
from gateway.expressions.formatting.text import NEW_LINE, TEXT, text
from gateway.expressions.limits import MAX_TEXT, charge, charged, check_time
from gateway.expressions.runtime import iterate, represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, negative, out_of_range, thrown
from gateway.expressions.types.splitting import join
from gateway.expressions.types.strings import char_array
from gateway.expressions.values import Char
from gateway.wire.pieces import replace_in_pieces

codecs.register_error("question", lambda error: ("?" * (error.end - error.start), error.end))  # type: ignore[attr-defined]


class EncodingValue:
    """``System.Text.Encoding``: .NET's name and Python's codec."""

    __slots__ = ("class_name", "codec", "name", "web_name")

    def __init__(self, web_name: str, codec: str, name: str, class_name: str = "Encoding") -> None:
        self.web_name = web_name
        self.codec = codec
        self.name = name
        self.class_name = class_name

    def clone(self) -> EncodingValue:
        """``Clone``, whose class is the one that others may derive from."""
        return EncodingValue(self.web_name, self.codec, self.name, self.class_name.partition("+")[0])

    def encode(self, value: object) -> bytearray:
        """``GetBytes``; characters that the encoding lacks become question marks."""
        if value is None:
            raise argument_null("s")
        shown = value if isinstance(value, str) else "".join(iterate(value))  # type: ignore[arg-type]
        return bytearray(shown.encode(self.codec, "question"))

    def decode(self, data: object, *bounds: int) -> str:
        """``GetString``; invalid bytes become U+FFFD, or ? in ASCII."""
        if data is None:
            raise argument_null("bytes")
        raw = bytes(data)  # type: ignore[call-overload]
        if bounds:
            check_range(bounds[0], bounds[1], len(raw))
            raw = raw[bounds[0] : bounds[0] + bounds[1]]
        shown: str = raw.decode(self.codec, "replace")
        return shown.replace("\ufffd", "?") if self.codec == "ascii" else shown


_ENCODINGS = {
    "UTF8": EncodingValue("utf-8", "utf-8", "Unicode (UTF-8)", "UTF8Encoding+UTF8EncodingSealed"),
    "ASCII": EncodingValue("us-ascii", "ascii", "US-ASCII", "ASCIIEncoding+ASCIIEncodingSealed"),
    "Unicode": EncodingValue("utf-16", "utf-16-le", "Unicode", "UnicodeEncoding"),
    "BigEndianUnicode": EncodingValue("utf-16BE", "utf-16-be", "Unicode (Big-Endian)", "UnicodeEncoding"),
    "UTF32": EncodingValue("utf-32", "utf-32-le", "Unicode (UTF-32)", "UTF32Encoding"),
    "UTF7": EncodingValue("utf-7", "utf-7", "Unicode (UTF-7)", "UTF7Encoding"),
    "Latin1": EncodingValue("iso-8859-1", "latin-1", "Western European (ISO)", "Latin1Encoding+Latin1EncodingSealed"),
    "Default": EncodingValue("utf-8", "utf-8", "Unicode (UTF-8)", "UTF8Encoding+UTF8EncodingSealed"),
}
LAST_CODE_PAGE = 65535
_CODE_PAGES = {
    0: "utf-8",
    12000: "utf-32",
    1201: "utf-16BE",
    65000: "utf-7",
    65001: "utf-8",
    1252: "windows-1252",
    28591: "iso-8859-1",
    20127: "us-ascii",
    1200: "utf-16",
}


def _of_code_page(number: int) -> str:
    if not 0 <= number <= LAST_CODE_PAGE:
        raise out_of_range("codepage", f"Valid values are between 0 and {LAST_CODE_PAGE}, inclusive.")
    if number in (1, 2, 3, 42):
        raise thrown("ArgumentException", f"{number} is not a supported code page. (Parameter 'codepage')", "codepage")
    if number not in _CODE_PAGES:
        raise thrown("NotSupportedException", f"No data is available for encoding {number}.")
    return _CODE_PAGES[number]


def encoding_named(name: str | int | None) -> EncodingValue:
    """``Encoding.GetEncoding``."""
    if name is None:
        raise argument_null("name")
    wanted = _of_code_page(name) if isinstance(name, int) else name
    known = {encoding.web_name.lower(): encoding for encoding in _ENCODINGS.values()}
    if wanted.lower() in known:
        return known[wanted.lower()]
    if wanted.lower() in ("windows-1252", "iso-8859-15", "windows-1250", "windows-1251", "ibm437"):
        return EncodingValue(wanted, wanted.replace("ibm", "cp"), wanted)
    message = "For information on defining a custom encoding, see the documentation for the Encoding.RegisterProvider"
    raise thrown(
        "ArgumentException", f"'{name}' is not a supported encoding name. {message} method. (Parameter 'name')", "name"
    )


_MARKS = {
    "utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
}  # fmt: skip


ENCODING = define("System.Text.Encoding", {
    **{f"static Encoding {name}": lambda encoding=encoding: encoding for name, encoding in _ENCODINGS.items()},
    "free static Encoding GetEncoding(string name)": encoding_named,
    "free static Encoding GetEncoding(int codepage)": encoding_named,
    "byte[] GetBytes(string s)": EncodingValue.encode,
    "slow byte[] GetBytes(char[] chars)": EncodingValue.encode,
    "string GetString(byte[] bytes)": EncodingValue.decode,
    "string GetString(byte[] bytes, int index, int count)": EncodingValue.decode,
    "slow char[] GetChars(byte[] bytes)": lambda encoding, data: char_array(encoding.decode(data)),
    "int GetByteCount(string s)": lambda encoding, value: len(encoding.encode(value)),
    "int GetCharCount(byte[] bytes)": lambda encoding, data: len(encoding.decode(data)),
    "free byte[] GetPreamble()": lambda encoding: bytearray(_MARKS.get(encoding.codec, b"")),
    "static byte[] Convert(Encoding srcEncoding, Encoding dstEncoding, byte[] bytes)": lambda source, target, data: (
        target.encode(source.decode(data))
    ),
    "free string WebName": lambda encoding: encoding.web_name,
    "free string EncodingName": lambda encoding: encoding.name,
    "free string BodyName": lambda encoding: encoding.web_name,
})  # fmt: skip
for _alias, _target in (("UTF8Encoding", "UTF8"), ("ASCIIEncoding", "ASCII"), ("UnicodeEncoding", "Unicode")):
    _like = _ENCODINGS[_target]
    _made = EncodingValue(_like.web_name, _like.codec, _like.name, _alias)
    define(f"System.Text.{_alias}", {
        "new()": lambda made=_made: made,
        **({"new(bool encoderShouldEmitUTF8Identifier)": lambda _mark, made=_made: made}
           if _target == "UTF8" else {}),
    }, parents=("Encoding",))  # fmt: skip
for _class, _base in (
    ("UTF32Encoding", "Encoding"), ("UTF7Encoding", "Encoding"), ("Latin1Encoding", "Encoding"),
    ("UTF8Encoding+UTF8EncodingSealed", "UTF8Encoding"), ("ASCIIEncoding+ASCIIEncodingSealed", "ASCIIEncoding"),
    ("Latin1Encoding+Latin1EncodingSealed", "Latin1Encoding"),
):  # fmt: skip
    define(f"System.Text.{_class}", parents=(_base,))
represent(EncodingValue, lambda encoding: make(definition_of(f"System.Text.{encoding.class_name}")))


def check_range(index: int, count: int, size: int) -> None:
    """Refuse a part that does not lie within *size*."""
    if index < 0 or count < 0:
        raise out_of_range("index" if index < 0 else "count", "Non-negative number required.")
    if index > size - count:
        raise out_of_range("index", "Index and count must refer to a location within the buffer.")


def _part_of(value: str, start: int, length: int) -> str:
    check_range(start, length, len(value))
    return value[start : start + length]


class Builder:
    """``StringBuilder``: parts that are joined when the text is read."""

    __slots__ = ("length", "parts")

    def __init__(self, *initial: object) -> None:
        first = next((argument for argument in initial if isinstance(argument, str)), "")
        if initial and isinstance(initial[-1], int):
            check_capacity(initial[-1])
        self.parts = [first] if first else []
        self.length = len(first)

    @property
    def value(self) -> str:
        """The text so far."""
        if len(self.parts) > 1:
            self.parts = ["".join(self.parts)]
        return self.parts[0] if self.parts else ""

    @value.setter
    def value(self, shown: str) -> None:
        self.parts = [shown]
        self.length = len(shown)

    def append(self, shown: str) -> Builder:
        """Add to the end."""
        self.length += len(shown)
        charge(len(shown))
        if self.length > MAX_TEXT:
            charge(self.length)
        self.parts.append(shown)
        return self


def _append(builder: Builder, value: object = None, *rest: int) -> Builder:
    shown = text(value)
    if len(rest) == 1:
        if rest[0] < 0:
            raise out_of_range("repeatCount")
        charge(rest[0])
        shown = shown * rest[0]
    elif rest:
        shown = _appended_part(value, *rest)
    return builder.append(shown)


def _appended_part(value: object, start: int, count: int) -> str:
    """The text that ``Append(value, start, count)`` adds; null is allowed if *count* is zero."""
    for name, number in (("startIndex", start), ("count", count)):
        if number < 0:
            raise negative(name, number)
    if value is None and (start or count):
        raise argument_null("value")
    shown = text(value)
    if not count:
        return ""
    if start > len(shown) - count:
        detail = "Index was out of range. Must be non-negative and less than or equal to the size of the collection."
        raise out_of_range("startIndex", detail)
    return shown[start : start + count]


def _append_format(builder: Builder, pattern: str | None, values: Sequence[object] | None) -> Builder:
    return builder.append(format_composite(pattern, values))


def _append_joined(builder: Builder, separator: str | None, values: object) -> Builder:
    return builder.append(join(separator, iterate(values)))


def _edit(change: Callable[..., str]) -> Callable[..., Builder]:
    def run(builder: Builder, *values: object) -> Builder:
        builder.value = charged(change(builder.value, *values))
        return builder

    return run


_WITHIN = "Index was out of range. Must be non-negative and less than or equal to the size of the collection."


def _inserted(shown: str, index: int, value: object) -> str:
    if not 0 <= index <= len(shown):
        raise out_of_range("index", _WITHIN)
    return shown[:index] + text(value) + shown[index:]


def _removed(shown: str, start: int, count: int) -> str:
    for name, number in (("length", count), ("startIndex", start)):
        if number < 0:
            raise negative(name, number)
    if start + count > len(shown):
        raise out_of_range("length", _WITHIN)
    return shown[:start] + shown[start + count :]


def _replaced(shown: str, old: str | None, new: str | None) -> str:
    if old is None:
        raise argument_null("oldValue")
    if not old:
        raise thrown("ArgumentException", "The value cannot be an empty string. (Parameter 'oldValue')", "oldValue")
    charge(len(shown) + shown.count(old) * max(len(new or "") - len(old), 0))
    return replace_in_pieces(shown, old, new or "", check_time)


def _set_length(builder: Builder, length: int) -> None:
    charge(length)
    builder.value = builder.value[:length].ljust(length, "\0")


def _set_char(builder: Builder, index: int, char: str) -> None:
    shown = builder.value
    array_index(index, len(shown))
    builder.value = shown[:index] + char + shown[index + 1 :]


def _clear(builder: Builder) -> Builder:
    builder.value = ""
    return builder


BUILDER = define("System.Text.StringBuilder", {
    "new()": Builder,
    "new(int capacity)": Builder,
    "new(string value)": Builder,
    "new(string value, int capacity)": Builder,
    "free int Length": (lambda builder: builder.length, _set_length),
    "free int Capacity": (lambda builder: max(builder.length, 16), lambda _builder, _size: None),
    "char this[int index]": (lambda builder, index: Char(builder.value[array_index(index, builder.length)]), _set_char),
    "StringBuilder Append(object value)": _append,
    "StringBuilder Append(string value)": _append,
    "StringBuilder Append(char value)": _append,
    "own StringBuilder Append(char value, int repeatCount)": _append,
    "StringBuilder Append(char[] value)": lambda builder, chars: builder.append("".join(chars)),
    "StringBuilder Append(string value, int startIndex, int count)": _append,
    "StringBuilder AppendLine()": lambda builder: builder.append(NEW_LINE),
    "StringBuilder AppendLine(string value)": lambda builder, value: builder.append((value or "") + NEW_LINE),
    "slow StringBuilder AppendFormat(string format, params object[] args)": _append_format,
    "own StringBuilder AppendJoin(string separator, params object[] values)": _append_joined,
    "own StringBuilder AppendJoin<T>(string separator, IEnumerable<T> values)": _append_joined,
    "StringBuilder Insert(int index, object value)": _edit(_inserted),
    "StringBuilder Insert(int index, string value)": _edit(_inserted),
    "StringBuilder Remove(int startIndex, int length)": _edit(_removed),
    "own StringBuilder Replace(string oldValue, string newValue)": _edit(_replaced),
    "own StringBuilder Replace(char oldChar, char newChar)": _edit(_replaced),
    "StringBuilder Clear()": _clear,
    "string ToString()": lambda builder: builder.value,
    "string ToString(int startIndex, int length)":
        lambda builder, start, length: _part_of(builder.value, start, length),
})  # fmt: skip
represent(Builder, BUILDER)
TEXT[Builder] = lambda builder: builder.value


class Writer:
    """``StringWriter``, which writes to a StringBuilder."""

    __slots__ = ("builder",)

    def __init__(self, builder: Builder | None, *_culture: object) -> None:
        if builder is None:
            raise argument_null("sb")
        self.builder = builder

    @property
    def value(self) -> str:
        """The text so far."""
        return self.builder.value

    def append(self, shown: str) -> None:
        """Add to the end."""
        self.builder.append(shown)


class Reader:
    """``StringReader``."""

    __slots__ = ("position", "value")

    def __init__(self, value: str | None) -> None:
        if value is None:
            raise argument_null("s")
        self.value = value
        self.position = 0

    def rest(self) -> str:
        """``ReadToEnd``."""
        shown, self.position = self.value[self.position :], len(self.value)
        return shown

    def line(self) -> str | None:
        """``ReadLine``."""
        if self.position >= len(self.value):
            return None
        whole = self.value[self.position :].splitlines(keepends=True)[0]
        self.position += len(whole)
        return whole.rstrip("\r\n")


WRITER = define("System.IO.StringWriter", {
    "new()": lambda: Writer(Builder()),
    "new(StringBuilder sb)": Writer,
    "new(StringBuilder sb, IFormatProvider formatProvider)": Writer,
    "void Write(object value)": lambda writer, value: writer.append(text(value)),
    "void Write(string value)": lambda writer, value: writer.append(value or ""),
    "void WriteLine()": lambda writer: writer.append(NEW_LINE),
    "void WriteLine(object value)": lambda writer, value: writer.append(text(value) + NEW_LINE),
    "void Flush()": lambda _writer: None,
    "string ToString()": lambda writer: writer.value,
}, parents=("IDisposable",))  # fmt: skip
READER = define("System.IO.StringReader", {
    "new(string s)": Reader,
    "string ReadLine()": Reader.line,
    "string ReadToEnd()": Reader.rest,
}, parents=("IDisposable",))  # fmt: skip
represent(Writer, WRITER)
represent(Reader, READER)
TEXT[Writer] = lambda writer: writer.value
define("System.Environment", {"const string NewLine": NEW_LINE}, kind="static")
