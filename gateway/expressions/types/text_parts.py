"""Members of String, StringBuilder, StringReader, StringWriter and Encoding that copy or read a part."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Literal

from gateway.expressions.formatting.composite import format_composite
from gateway.expressions.formatting.text import NEW_LINE
from gateway.expressions.limits import charge
from gateway.expressions.runtime import iterate
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, negative, out_of_range, thrown
from gateway.expressions.types.objects import enumeration
from gateway.expressions.types.ranges import copy_items, part
from gateway.expressions.types.strings import char_array
from gateway.expressions.types.texts import Builder, EncodingValue, Reader, Writer, encoding_named
from gateway.expressions.values import Char, EnumValue, wrapper

_TO_INT = wrapper("int")

_INDEX = "Index was out of range. Must be non-negative and less than or equal to the size of the collection."
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
_COUNT = "Index and count must refer to a location within the string."
LAST_INT = 0x7FFFFFFF
_FORMS: dict[int, Form] = {1: "NFC", 2: "NFD", 5: "NFKC", 6: "NFKD"}
enumeration("System.Text.NormalizationForm", FormC=1, FormD=2, FormKC=5, FormKD=6)


def _form(form: EnumValue) -> Form:
    if form.value not in _FORMS:
        message = "Invalid or unsupported normalization form. (Parameter 'normalizationForm')"
        raise thrown("ArgumentException", message, "normalizationForm")
    return _FORMS[form.value]


def _copy_text(value: str, start: int, target: object, offset: int, count: int) -> None:
    """``String.CopyTo``."""
    if target is None:
        raise argument_null("destination")
    if count < 0:
        raise out_of_range("count", "Count cannot be less than zero.")
    if not 0 <= start <= len(value) - count:
        raise out_of_range("sourceIndex", _INDEX if start < 0 else _COUNT)
    if not 0 <= offset <= len(target) - count:  # type: ignore[arg-type]
        raise out_of_range("destinationIndex", _COUNT)
    copy_items([Char(char) for char in value[start : start + count]], target, offset)


def _not_negative(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 0:
            raise negative(name, number)


def _copy_builder(builder: Builder, start: int, target: object, offset: int, count: int) -> None:
    """``StringBuilder.CopyTo``."""
    if target is None:
        raise argument_null("destination")
    _not_negative(destinationIndex=offset)
    if offset > _TO_INT(len(target) - count):  # type: ignore[arg-type]
        raise thrown("ArgumentException", "Either offset did not refer to a position in the string, or there is an "
                                          "insufficient length of destination character array.")  # fmt: skip
    if not 0 <= start <= builder.length:
        raise out_of_range("sourceIndex", _INDEX)
    if start > builder.length - count:
        raise thrown("ArgumentException", "Source array was not long enough. Check the source index, length, and the "
                                          "array's lower bounds.")  # fmt: skip
    _not_negative(count=count)
    copy_items([Char(char) for char in builder.value[start : start + count]], target, offset)


def _insert_repeated(builder: Builder, index: int, value: str | None, count: int) -> Builder:
    if count < 0:
        raise out_of_range("count", "Non-negative number required.")
    if not 0 <= index <= builder.length:
        raise out_of_range("index", _INDEX)
    shown = value or ""
    charge(builder.length + len(shown) * count)
    builder.value = builder.value[:index] + shown * count + builder.value[index:]
    return builder


def _replace_part(builder: Builder, old: str | None, new: str | None, start: int, count: int) -> Builder:
    if not 0 <= start <= builder.length:
        raise out_of_range("startIndex", _INDEX)
    if not 0 <= count <= builder.length - start:
        raise out_of_range("count", _INDEX)
    if old is None:
        raise argument_null("oldValue")
    if not old:
        raise thrown("ArgumentException", "The value cannot be an empty string. (Parameter 'oldValue')", "oldValue")
    shown = builder.value
    charge(len(shown) + shown.count(old) * len(new or ""))
    changed = shown[start : start + count].replace(old, new or "")
    builder.value = shown[:start] + changed + shown[start + count :]
    return builder


def _appended(chars: object, start: int, count: int) -> str:
    if chars is None and (start or count):
        raise argument_null("value")
    items = [] if chars is None else list(map(str, iterate(chars)))
    _not_negative(startIndex=start, charCount=count)
    if start > len(items) - count:
        raise out_of_range("charCount", _INDEX)
    return "".join(items[start : start + count])


def _ensure_capacity(builder: Builder, capacity: int) -> int:
    if capacity < 0:
        raise out_of_range("capacity", "Non-negative number required.")
    return max(capacity, builder.length, 16)


def _peek(reader: Reader) -> int:
    return ord(reader.value[reader.position]) if reader.position < len(reader.value) else -1


def _read(reader: Reader) -> int:
    code = _peek(reader)
    reader.position += code >= 0
    return code


def _read_into(reader: Reader, target: object, offset: int, count: int) -> int:
    if target is None:
        raise argument_null("buffer")
    place = part(target, offset, count, "index", "count")  # type: ignore[arg-type]
    chars = reader.value[reader.position : reader.position + place.stop - place.start]
    reader.position += len(chars)
    copy_items([Char(char) for char in chars], target, offset)
    return len(chars)


def _write_part(writer: Writer, chars: object, start: int, count: int) -> None:
    if chars is None:
        raise argument_null("buffer")
    writer.append("".join(map(str, chars[part(chars, start, count, "index", "count")])))  # type: ignore[arg-type, index]


define("System.String", {
    "slow string Normalize(NormalizationForm normalizationForm)":
        lambda value, form: unicodedata.normalize(_form(form), value),
    "slow bool IsNormalized(NormalizationForm normalizationForm)":
        lambda value, form: unicodedata.is_normalized(_form(form), value),
    "slow void CopyTo(int sourceIndex, char[] destination, int destinationIndex, int count)": _copy_text,
})  # fmt: skip
define("System.Text.StringBuilder", {
    "slow void CopyTo(int sourceIndex, char[] destination, int destinationIndex, int count)": _copy_builder,
    "own StringBuilder Insert(int index, string value, int count)": _insert_repeated,
    "own StringBuilder Replace(string oldValue, string newValue, int startIndex, int count)": _replace_part,
    "own StringBuilder Replace(char oldChar, char newChar, int startIndex, int count)": _replace_part,
    "StringBuilder Append(char[] value, int startIndex, int charCount)":
        lambda builder, chars, start, count: builder.append(_appended(chars, start, count)),
    "free int EnsureCapacity(int capacity)": _ensure_capacity,
    "free int MaxCapacity": lambda _builder: 0x7FFFFFFF,
    "bool Equals(StringBuilder sb)": lambda builder, other: other is not None and builder.value == other.value,
})  # fmt: skip
define("System.IO.StringReader", {
    "free int Peek()": _peek,
    "free int Read()": _read,
    "slow int Read(char[] buffer, int index, int count)": _read_into,
    "free void Close()": lambda _reader: None,
})  # fmt: skip
define("System.IO.StringWriter", {
    "new(IFormatProvider formatProvider)": lambda _provider: Writer(Builder()),
    "slow void Write(char[] buffer, int index, int count)": _write_part,
    "void Write(char[] buffer)": lambda writer, chars: writer.append("".join(map(str, chars or ()))),
    "slow void Write(string format, params object[] arg)":
        lambda writer, pattern, values: writer.append(format_composite(pattern, values)),
    "slow void WriteLine(string format, params object[] arg)":
        lambda writer, pattern, values: writer.append(format_composite(pattern, values) + NEW_LINE),
    "string NewLine": lambda _writer: NEW_LINE,
    "StringBuilder GetStringBuilder()": lambda writer: writer.builder,
    "free Encoding Encoding": lambda _writer: encoding_named("utf-16"),
    "free void Close()": lambda _writer: None,
})  # fmt: skip


_PAGES = {"utf-8": 65001, "us-ascii": 20127, "utf-16": 1200, "utf-16BE": 1201, "utf-32": 12000, "utf-7": 65000,
          "iso-8859-1": 28591}  # fmt: skip
# Bytes of one character at most, and of one that is left over from a piece before; characters of one byte likewise.
_MOST_BYTES = {"utf-8": 3, "us-ascii": 1, "utf-16": 2, "utf-16BE": 2, "utf-32": 4, "utf-7": 3, "iso-8859-1": 1}
_MOST_CHARS: dict[str, Callable[[int], int]] = {
    "utf-8": lambda n: n + 1, "us-ascii": lambda n: n, "iso-8859-1": lambda n: n,
    "utf-16": lambda n: n // 2 + n % 2 + 1, "utf-16BE": lambda n: n // 2 + n % 2 + 1,
    "utf-32": lambda n: n // 2 + 2, "utf-7": lambda n: max(n, 1),
}  # fmt: skip


def _max_bytes(encoding: EncodingValue, count: int) -> int:
    if count < 0:
        raise out_of_range("charCount", "Non-negative number required.")
    tail = 2 if encoding.web_name == "utf-7" else 0
    most = (count + (not tail)) * _MOST_BYTES.get(encoding.web_name, 1) + tail
    if most > LAST_INT:
        message = "Too many characters. The resulting number of bytes is larger than what can be returned as an int."
        raise out_of_range("charCount", message)
    return most


def _max_chars(encoding: EncodingValue, count: int) -> int:
    if count < 0:
        raise out_of_range("byteCount", "Non-negative number required.")
    most = _MOST_CHARS.get(encoding.web_name)
    return count if most is None else most(count)


def _check_part(size: int, start: int, count: int, where: str) -> None:
    _not_negative(index=start, count=count)
    if start > size - count:
        raise out_of_range(
            "bytes" if where == "buffer" else "s", f"Index and count must refer to a location within the {where}."
        )


def _chars_part(chars: object, start: int, count: int) -> str:
    if chars is None:
        raise argument_null("chars")
    items = chars if isinstance(chars, str) else list(iterate(chars))
    _check_part(len(items), start, count, "string")
    return "".join(items[start : start + count])  # type: ignore[arg-type]


def _bytes_part(data: object, start: int, count: int) -> bytes:
    if data is None:
        raise argument_null("bytes")
    raw: bytes = bytes(data)  # type: ignore[call-overload]
    _check_part(len(raw), start, count, "buffer")
    return raw[start : start + count]


def _encode_into(encoding: EncodingValue, chars: object, start: int, count: int, target: object, offset: int) -> int:
    data = encoding.encode(_chars_part(chars, start, count))
    room: bytearray = target  # type: ignore[assignment]
    if room is None:
        raise argument_null("bytes")
    if not 0 <= offset <= len(room):
        raise out_of_range("byteIndex", _INDEX)
    if offset + len(data) > len(room):
        message = "The output byte buffer is too small to contain the encoded data, encoding codepage "
        raise thrown("ArgumentException", f"{message}'{_PAGES.get(encoding.web_name, 0)}' and fallback.", "bytes")
    room[offset : offset + len(data)] = data
    return len(data)


define("System.Text.Encoding", {
    "free int CodePage": lambda encoding: _PAGES.get(encoding.web_name, 0),
    "free int WindowsCodePage": lambda encoding: 1252 if encoding.codec in ("ascii", "latin-1") else 1200,
    "free string HeaderName": lambda encoding: encoding.web_name,
    "free bool IsSingleByte": lambda encoding: encoding.codec not in (
        "utf-8", "utf-7", "utf-16-le", "utf-16-be", "utf-32-le"
    ),
    "free bool IsReadOnly": lambda _encoding: True,
    "free object Clone()": EncodingValue.clone,
    "free int GetMaxByteCount(int charCount)": _max_bytes,
    "free int GetMaxCharCount(int byteCount)": _max_chars,
    "int GetByteCount(char[] chars)": lambda encoding, chars: len(encoding.encode(chars)),
    "int GetByteCount(char[] chars, int index, int count)":
        lambda encoding, *chars: len(encoding.encode(_chars_part(*chars))),
    "int GetByteCount(string s, int index, int count)":
        lambda encoding, *chars: len(encoding.encode(_chars_part(*chars))),
    "slow byte[] GetBytes(char[] chars, int index, int count)":
        lambda encoding, *chars: encoding.encode(_chars_part(*chars)),
    "byte[] GetBytes(string s, int index, int count)": lambda encoding, *chars: encoding.encode(_chars_part(*chars)),
    "int GetBytes(string s, int charIndex, int charCount, byte[] bytes, int byteIndex)": _encode_into,
    "int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex)": _encode_into,
    "int GetCharCount(byte[] bytes, int index, int count)":
        lambda encoding, *data: len(encoding.decode(_bytes_part(*data))),
    "slow char[] GetChars(byte[] bytes, int index, int count)":
        lambda encoding, *data: char_array(encoding.decode(_bytes_part(*data))),
    "static byte[] Convert(Encoding srcEncoding, Encoding dstEncoding, byte[] bytes, int index, int count)":
        lambda source, target, *data: target.encode(source.decode(_bytes_part(*data))),
})  # fmt: skip
