"""System.String. Comparison is ordinal where .NET's is, else by the invariant culture."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from gateway.expressions import primitives as p
from gateway.expressions.casing import WHITE, lower, upper
from gateway.expressions.collation import compare_texts
from gateway.expressions.collections import ArrayValue, array_index
from gateway.expressions.formatting.composite import format_composite
from gateway.expressions.formatting.text import NEW_LINE
from gateway.expressions.limits import charge, charged, check_time, worked
from gateway.expressions.operators import declare_comparison
from gateway.expressions.ordering import ORDERS
from gateway.expressions.runtime import type_of
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, negative, out_of_range, thrown, too_large
from gateway.expressions.types.objects import enumeration
from gateway.expressions.types.searching import (
    CULTURE,
    CULTURE_IGNORE_CASE,
    ORDINAL,
    by_culture,
    check_start,
    contains,
    ends,
    equals,
    folded,
    ignores_case,
    index_from,
    index_in,
    index_of,
    last_from,
    last_in,
    last_index,
    last_range,
    needed,
    starts,
)
from gateway.expressions.types.splitting import (
    concat,
    concat_all,
    join,
    join_all,
    split_by,
    split_by_count,
    split_chars,
    split_count,
    split_options,
)
from gateway.expressions.values import Char, EnumValue
from gateway.wire.pieces import replace_in_pieces

CHAR_S = 4e-8  # for each character that becomes an object
POINTER = 8  # bytes
SPLIT_OPTIONS = enumeration("System.StringSplitOptions", RemoveEmptyEntries=1, TrimEntries=2)
SPLIT_OPTIONS.definition.values["None"] = 0
SPLIT_OPTIONS.definition.table["const StringSplitOptions None"] = EnumValue(SPLIT_OPTIONS, 0)


def _substring(value: str, start: int, length: int | None = None) -> str:
    if start < 0:
        raise negative("startIndex", start)
    if start > len(value):
        raise out_of_range("startIndex", "startIndex cannot be larger than length of string.")
    if length is None:
        return value[start:]
    if length < 0:
        raise negative("length", length)
    if start + length > len(value):
        raise out_of_range("length", "Index and length must refer to a location within the string.")
    return value[start : start + length]


def _starts_case(value: str, part: str | None, ignore_case: bool, _culture: object) -> bool:
    return starts(value, part, _comparison(ignore_case))


def _ends_case(value: str, part: str | None, ignore_case: bool, _culture: object) -> bool:
    return ends(value, part, _comparison(ignore_case))


def _comparison(ignore_case: bool) -> EnumValue:
    """A StringComparison by the invariant culture."""
    return CULTURE_IGNORE_CASE if ignore_case else CULTURE


def _index_part(value: str, part: str | None, start: int, count: int, comparison: EnumValue) -> int:
    return index_of(value, part, start, count, comparison)


def _last_part(value: str, part: str | None, start: int, count: int, comparison: EnumValue) -> int:
    return last_index(value, part, start, count, comparison)


def _index_char(value: str, char: str, start: int = 0, count: int | None = None) -> int:
    check_start(value, start)
    if count is not None and not 0 <= count <= len(value) - start:
        raise out_of_range("count", "Count must be positive and count must refer to a location within the string.")
    return value.find(char, start, len(value) if count is None else start + count)


def _last_char(value: str, char: str, start: int | None = None, count: int | None = None) -> int:
    if not value:
        return -1
    if start is not None and not 0 <= start < len(value):
        detail = "Index was out of range. Must be non-negative and less than the size of the collection."
        raise out_of_range("startIndex", detail)
    return value.rfind(char, *last_range(value, start, count))


def _index_any(value: str, chars: Iterable[str] | None, start: int = 0, count: int | None = None) -> int:
    if chars is None:
        raise argument_null("anyOf")
    check_start(value, start)
    if count is not None and not 0 <= count <= len(value) - start:
        raise out_of_range("count", "Count must be positive and count must refer to a location within the string.")
    wanted, end = set(chars), len(value) if count is None else start + count
    return next((index for index in range(start, min(end, len(value))) if value[index] in wanted), -1)


def _last_any(value: str, chars: Iterable[str] | None, start: int | None = None, count: int | None = None) -> int:
    if chars is None:
        raise argument_null("anyOf")
    if not value:
        return -1
    if start is not None and not 0 <= start < len(value):
        detail = "Index was out of range. Must be non-negative and less than the size of the collection."
        raise out_of_range("startIndex", detail)
    wanted, (low, high) = set(chars), last_range(value, start, count)
    return next((index for index in range(high - 1, low - 1, -1) if value[index] in wanted), -1)


def _replace(value: str, old: str | None, new: str | None, comparison: EnumValue | None = None) -> str:
    old = needed(old, "oldValue")
    if not old:
        raise thrown("ArgumentException", "The value cannot be an empty string. (Parameter 'oldValue')", "oldValue")
    if not ignores_case(comparison):
        charge(len(value) + value.count(old) * max(len(new or "") - len(old), 0))
        return replace_in_pieces(value, old, new or "", check_time)
    return _replace_folded(value, old, new or "")


def _replace_folded(value: str, old: str, new: str) -> str:
    haystack, needle = upper(value), upper(old)
    charge(len(value) + haystack.count(needle) * len(new))
    parts, position = [], 0
    while (match_start := haystack.find(needle, position)) >= 0:
        parts += [value[position:match_start], new]
        position = match_start + len(old)
    return "".join([*parts, value[position:]])


def _trim(value: str, chars: Sequence[str] | None = None) -> str:
    return value.strip("".join(chars) if chars else WHITE)


def _trim_start(value: str, chars: Sequence[str] | None = None) -> str:
    return value.lstrip("".join(chars) if chars else WHITE)


def _trim_end(value: str, chars: Sequence[str] | None = None) -> str:
    return value.rstrip("".join(chars) if chars else WHITE)


def _pad(value: str, width: int, char: str, left: bool) -> str:
    if width < 0:
        raise negative("totalWidth", width)
    charge(width)
    return value.rjust(width, char) if left else value.ljust(width, char)


def _insert(value: str, start: int, part: str | None) -> str:
    added = needed(part)
    if not 0 <= start <= len(value):
        raise negative("startIndex", start) if start < 0 else too_large("startIndex", start, len(value))
    return charged(value[:start] + added + value[start:])


def _remove(value: str, start: int, count: int | None = None) -> str:
    if start < 0:
        raise negative("startIndex", start)
    if count is None:
        if start > len(value):
            raise out_of_range("startIndex", "startIndex cannot be larger than length of string.")
        return value[:start]
    if count < 0:
        raise negative("count", count)
    if start + count > len(value):
        raise too_large("count", count, len(value) - start)
    return value[:start] + value[start + count :]


def compare(left: str | None, right: str | None, comparison: EnumValue = CULTURE) -> int:
    """``string.Compare``; by culture unless *comparison* is ordinal."""
    if left is None or right is None:
        return (left is not None) - (right is not None)
    if by_culture(comparison):
        return compare_texts(left, right, ignores_case(comparison))
    if ignores_case(comparison) and not (left and right):
        return len(left) - len(right)
    return compare_ordinal(folded(left, comparison), folded(right, comparison))


def compare_ordinal(left: str | None, right: str | None) -> int:
    """``string.CompareOrdinal``: how far apart the first different characters are, or else the lengths."""
    if left is None or right is None:
        return (left is not None) - (right is not None)
    if not (left and right):
        return ord(left[:1] or "\0") - ord(right[:1] or "\0")  # the first characters; an empty text has a NUL
    return next(_differences(left, right), len(left) - len(right))


def _differences(left: str, right: str) -> Iterator[int]:
    return (ord(first) - ord(second) for first, second in zip(left, right, strict=False) if first != second)


def _compare_parts(
    left: str | None,
    left_start: int,
    right: str | None,
    right_start: int,
    length: int,
    comparison: EnumValue,
) -> int:
    if left is None or right is None:
        return (left is not None) - (right is not None)
    if length < 0:
        raise out_of_range("length", "Length cannot be less than zero.")
    first = _comparand("indexA", left, left_start, length)
    return compare(first, _comparand("indexB", right, right_start, length), comparison)


def _comparand(name: str, value: str, start: int, length: int) -> str:
    if not 0 <= start <= len(value):
        raise out_of_range(name, "Index must be within the bounds of the string.")
    return value[start : start + length]


def _compare_parts_by_culture(
    left: str | None, left_start: int, right: str | None, right_start: int, length: int, ignore_case: bool = False
) -> int:
    """Unlike the overload with a StringComparison, these look at the bounds before a null."""
    for name, value, start in (("string1", left, left_start), ("string2", right, right_start)):
        if not (0 <= start <= len(value or "") and (value is not None or not length)):
            raise out_of_range(name, "Offset and length must refer to a position in the string.")
    return _compare_parts(left, left_start, right, right_start, length, _comparison(ignore_case))


def _compare_ordinal_parts(left: str | None, left_start: int, right: str | None, right_start: int, length: int) -> int:
    return _compare_parts(left, left_start, right, right_start, length, ORDINAL)


def _compare_case(left: str | None, right: str | None, ignore_case: bool) -> int:
    return compare(left, right, _comparison(ignore_case))


def _new_repeat(char: str, count: int) -> str:
    if count < 0:
        raise negative("count", count)
    charge(count)
    return char * count


def _new_chars(chars: Iterable[str] | None, start: int = 0, length: int | None = None) -> str:
    whole = "".join(chars or ())
    return whole if length is None else _substring(whole, start, length)


def char_at(value: str, index: int) -> Char:
    return Char(value[array_index(index, len(value))])


def _chars(value: str, *bounds: int) -> ArrayValue:
    part = _substring(value, *bounds) if bounds else value
    return char_array(part)


class _Chars(dict[str, Char]):
    """One Char object per character, shared by all its occurrences in an array."""

    def __missing__(self, character: str) -> Char:
        char = self[character] = Char(character)
        return char


def char_array(part: str) -> ArrayValue:
    """``char[]``."""
    charge(len(part) * POINTER)
    return worked(len(part) * CHAR_S, _char_items, part)


def _char_items(part: str) -> ArrayValue:
    chars = _Chars()
    return ArrayValue([chars[character] for character in part], p.CHAR)


def _normalize(value: str) -> str:
    return unicodedata.normalize("NFC", value)


def _join_part(separator: str | None, values: list[object] | None, start: int, count: int) -> str:
    if values is None:
        raise argument_null("value")
    if start < 0 or count < 0 or start > len(values) - count:
        raise out_of_range("startIndex" if start < 0 else "count")
    return join(separator, values[start : start + count])


def _line_endings(value: str, replacement: str | None = NEW_LINE) -> str:
    wanted = needed(replacement, "replacementText")
    converted = re.sub("\r\n|[\r\n\f\x85\u2028\u2029]", lambda _match: wanted, value)
    return charged(converted)


def _order(value: str, other: object) -> int:
    return _compare_to(value, other)


def _compare_to(value: str, other: object) -> int:
    if other is None:
        return 1
    if type_of(other) is not p.STRING:
        raise thrown("ArgumentException", "Object must be of type String.")
    return compare(value, str(other))


define("System.String", {
    "own new(char c, int count)": _new_repeat,
    "slow new(char[] value)": _new_chars,
    "slow new(char[] value, int startIndex, int length)": _new_chars,
    "const string Empty": "",
    "free int Length": len,
    "free char this[int index]": char_at,
    "bool Contains(string value)": contains,
    "bool Contains(char value)": contains,
    "bool Contains(string value, StringComparison comparisonType)": contains,
    "bool Contains(char value, StringComparison comparisonType)": contains,
    "bool StartsWith(string value)": starts,
    "bool StartsWith(char value)": lambda value, char: value.startswith(char),
    "bool StartsWith(string value, StringComparison comparisonType)": starts,
    "bool StartsWith(string value, bool ignoreCase, CultureInfo culture)": _starts_case,
    "bool EndsWith(string value, bool ignoreCase, CultureInfo culture)": _ends_case,
    "bool EndsWith(string value)": ends,
    "bool EndsWith(char value)": lambda value, char: value.endswith(char),
    "bool EndsWith(string value, StringComparison comparisonType)": ends,
    "bool Equals(string value)": equals,
    "bool Equals(object obj)": lambda value, other: type_of(other) is p.STRING and value == other,
    "bool Equals(string value, StringComparison comparisonType)": equals,
    "static bool Equals(string a, string b)": equals,
    "static bool Equals(string a, string b, StringComparison comparisonType)": equals,
    "slow int CompareTo(string strB)": compare,
    "slow int CompareTo(object value)": _compare_to,
    "slow static int Compare(string strA, string strB)": compare,
    "slow static int Compare(string strA, string strB, bool ignoreCase)": _compare_case,
    "slow static int Compare(string strA, string strB, StringComparison comparisonType)": compare,
    "slow static int Compare(string strA, int indexA, string strB, int indexB, int length)": _compare_parts_by_culture,
    "slow static int Compare(string strA, int indexA, string strB, int indexB, int length, "
    "StringComparison comparisonType)": _compare_parts,
    "slow static int Compare(string strA, int indexA, string strB, int indexB, int length, bool ignoreCase)":
        _compare_parts_by_culture,
    "slow static int Compare(string strA, string strB, bool ignoreCase, CultureInfo culture)":
        lambda left, right, ignore_case, _culture: _compare_case(left, right, ignore_case),
    "slow static int CompareOrdinal(string strA, string strB)": compare_ordinal,
    "slow static int CompareOrdinal(string strA, int indexA, string strB, int indexB, int length)":
        _compare_ordinal_parts,
    "free static bool IsNullOrEmpty(string value)": lambda value: not value,
    "static bool IsNullOrWhiteSpace(string value)": lambda value: not value or not value.strip(WHITE),
    "own static string Concat(string a, string b)": concat,
    "own static string Concat(string a, string b, string c)": concat,
    "own static string Concat(string a, string b, string c, string d)": concat,
    "own static string Concat(object a)": concat,
    "own static string Concat(object a, object b)": concat,
    "own static string Concat(object a, object b, object c)": concat,
    "own static string Concat(params string[] values)": concat_all,
    "own static string Concat(params object[] args)": concat_all,
    "own static string Concat(IEnumerable<string> values)": concat_all,
    "own static string Concat<T>(IEnumerable<T> values)": concat_all,
    "own static string Join(string separator, params string[] value)": join_all,
    "own static string Join(string separator, params object[] values)": join_all,
    "own static string Join(string separator, IEnumerable<string> values)": join_all,
    "own static string Join<T>(string separator, IEnumerable<T> values)": join_all,
    "own static string Join(char separator, params string[] value)": join_all,
    "own static string Join(char separator, params object[] values)": join_all,
    "own static string Join<T>(char separator, IEnumerable<T> values)": join_all,
    "own static string Join(string separator, string[] value, int startIndex, int count)":
        _join_part,
    "slow static string Format(string format, params object[] args)": format_composite,
    "slow static string Format(IFormatProvider provider, string format, params object[] args)":
        lambda _provider, pattern, values: format_composite(pattern, values),
    "free static string Copy(string str)": lambda value: needed(value, "str"),
    "free static string IsInterned(string str)": lambda value: needed(value, "str"),
    "free static string Intern(string str)": lambda value: value,
    "int IndexOf(string value)": index_of,
    "int IndexOf(char value)": _index_char,
    "int IndexOf(string value, int startIndex)": index_of,
    "int IndexOf(char value, int startIndex)": _index_char,
    "int IndexOf(string value, int startIndex, int count)": index_of,
    "int IndexOf(char value, int startIndex, int count)": _index_char,
    "int IndexOf(string value, StringComparison comparisonType)": index_in,
    "int IndexOf(string value, int startIndex, StringComparison comparisonType)": index_from,
    "slow int IndexOfAny(char[] anyOf)": _index_any,
    "slow int IndexOfAny(char[] anyOf, int startIndex)": _index_any,
    "int LastIndexOf(string value)": last_index,
    "int LastIndexOf(char value)": _last_char,
    "int LastIndexOf(string value, int startIndex)": last_index,
    "int LastIndexOf(char value, int startIndex)": _last_char,
    "int LastIndexOf(string value, StringComparison comparisonType)": last_in,
    "int LastIndexOf(string value, int startIndex, StringComparison comparisonType)": last_from,
    "int LastIndexOf(string value, int startIndex, int count)": last_index,
    "int LastIndexOf(string value, int startIndex, int count, StringComparison comparisonType)": _last_part,
    "int LastIndexOf(char value, int startIndex, int count)": _last_char,
    "slow int LastIndexOfAny(char[] anyOf)": _last_any,
    "slow int LastIndexOfAny(char[] anyOf, int startIndex)": _last_any,
    "slow int LastIndexOfAny(char[] anyOf, int startIndex, int count)": _last_any,
    "slow int IndexOfAny(char[] anyOf, int startIndex, int count)": _index_any,
    "int IndexOf(char value, StringComparison comparisonType)": index_in,
    "int IndexOf(string value, int startIndex, int count, StringComparison comparisonType)": _index_part,
    "string Insert(int startIndex, string value)": _insert,
    "string Remove(int startIndex)": _remove,
    "string Remove(int startIndex, int count)": _remove,
    "own string Replace(string oldValue, string newValue)": _replace,
    "own string Replace(string oldValue, string newValue, bool ignoreCase, CultureInfo culture)":
        lambda value, old, new, ignore_case, _culture: _replace(value, old, new, _comparison(ignore_case)),
    "slow string ReplaceLineEndings()": _line_endings,
    "slow string ReplaceLineEndings(string replacementText)": _line_endings,
    "own string Replace(char oldChar, char newChar)": lambda value, old, new: value.replace(old, new),
    "own string Replace(string oldValue, string newValue, StringComparison comparisonType)": _replace,
    "string Substring(int startIndex)": _substring,
    "string Substring(int startIndex, int length)": _substring,
    "own string[] Split(params char[] separator)": split_chars,
    "own string[] Split(string separator, StringSplitOptions options = default)": split_by,
    "own string[] Split(char separator, StringSplitOptions options)": split_options,
    "own string[] Split(char[] separator, StringSplitOptions options)": split_options,
    "own string[] Split(string[] separator, StringSplitOptions options)": split_options,
    "own string[] Split(char[] separator, int count)": split_count,
    "own string[] Split(char separator, int count)": split_count,
    "own string[] Split(char separator, int count, StringSplitOptions options)": split_count,
    "own string[] Split(string separator, int count)": split_by_count,
    "own string[] Split(string separator, int count, StringSplitOptions options)": split_by_count,
    "own string[] Split(char[] separator, int count, StringSplitOptions options)": split_count,
    "own string[] Split(string[] separator, int count, StringSplitOptions options)": split_count,
    "own char[] ToCharArray()": _chars,
    "own char[] ToCharArray(int startIndex, int length)": _chars,
    "string ToLower()": lower,
    "string ToLowerInvariant()": lower,
    "string ToUpper()": upper,
    "string ToUpperInvariant()": upper,
    "string ToLower(CultureInfo culture)": lambda value, _culture: lower(value),
    "string ToUpper(CultureInfo culture)": lambda value, _culture: upper(value),
    "free string ToString()": lambda value: value,
    "free string ToString(IFormatProvider provider)": lambda value, _provider: value,
    "string Trim()": _trim,
    "string Trim(params char[] trimChars)": _trim,
    "string TrimStart()": _trim_start,
    "string TrimStart(params char[] trimChars)": _trim_start,
    "string TrimEnd()": _trim_end,
    "string TrimEnd(params char[] trimChars)": _trim_end,
    "own string PadLeft(int totalWidth)": lambda value, width: _pad(value, width, " ", True),
    "own string PadLeft(int totalWidth, char paddingChar)": lambda value, width, char: _pad(value, width, char, True),
    "own string PadRight(int totalWidth)": lambda value, width: _pad(value, width, " ", False),
    "own string PadRight(int totalWidth, char paddingChar)": lambda value, width, char: _pad(value, width, char, False),
    "slow string Normalize()": _normalize,
    "slow bool IsNormalized()": lambda value: _normalize(value) == value,
    "free object Clone()": lambda value: value,
})  # fmt: skip
declare_comparison(p.STRING, ordered=False)
ORDERS[str] = _order
