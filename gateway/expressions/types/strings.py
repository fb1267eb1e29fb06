"""System.String and System.Char. Comparison is ordinal where .NET's is, else by the invariant culture."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache

from gateway.expressions import primitives as p
from gateway.expressions.collections import ArrayValue, array_index
from gateway.expressions.formatting.composite import format_composite
from gateway.expressions.limits import charge, charged, spend
from gateway.expressions.operators import declare_comparison
from gateway.expressions.prices import SLOW_S
from gateway.expressions.runtime import type_of
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, out_of_range, thrown
from gateway.expressions.types.objects import enumeration
from gateway.expressions.types.splitting import (
    concat,
    concat_all,
    join,
    join_all,
    split_chars,
    split_count,
    split_options,
    split_text,
)
from gateway.expressions.values import Char, EnumValue

CASE_S = 3e-8  # a character beyond ASCII that gets another case
CHAR_S = 4e-8  # a character that becomes an object
POINTER = 8  # bytes

COMPARISON = enumeration(
    "System.StringComparison",
    CurrentCulture=0, CurrentCultureIgnoreCase=1, InvariantCulture=2, InvariantCultureIgnoreCase=3, Ordinal=4,
    OrdinalIgnoreCase=5,
)  # fmt: skip
SPLIT_OPTIONS = enumeration("System.StringSplitOptions", RemoveEmptyEntries=1, TrimEntries=2)
SPLIT_OPTIONS.definition.values["None"] = 0
SPLIT_OPTIONS.definition.table["const StringSplitOptions None"] = EnumValue(SPLIT_OPTIONS, 0)


# Python's upper() lengthens some characters, and its lower() looks at a capital sigma's neighbours; .NET does neither.
_SPECIAL_LOWER = re.compile("([\u0130\u03a3]+)")


@cache
def _longer_upper() -> re.Pattern[str]:
    """All of them are in the basic plane. Source: Unicode, SpecialCasing.txt."""
    longer = (character for character in map(chr, range(0x80, 0x10000)) if len(character.upper()) != 1)
    return re.compile(f"([{''.join(longer)}]+)")


def upper(value: str) -> str:
    """ToUpperInvariant: character by character, never longer."""
    if value.isascii():
        return value.upper()
    spend(len(value), CASE_S)
    if not _longer_upper().search(value):
        return value.upper()
    spend(len(value), SLOW_S)
    parts = _longer_upper().split(value)
    parts[::2] = [part.upper() for part in parts[::2]]
    return "".join(parts)


def lower(value: str) -> str:
    """ToLowerInvariant: character by character; a capital sigma is never a final one."""
    if value.isascii():
        return value.lower()
    spend(len(value), CASE_S)
    if not _SPECIAL_LOWER.search(value):
        return value.lower()
    spend(len(value), SLOW_S)
    parts = _SPECIAL_LOWER.split(value)
    parts[::2] = [part.lower() for part in parts[::2]]
    return "".join(parts).replace("\u03a3", "\u03c3")


def ignores_case(comparison: EnumValue | None) -> bool:
    """Whether a StringComparison ignores case."""
    return comparison is not None and comparison.value % 2 == 1


def folded(value: str, comparison: EnumValue | None) -> str:
    """*value* in the form that a comparison compares."""
    return upper(value) if ignores_case(comparison) else value


def _needed(value: str | None, name: str = "value") -> str:
    if value is None:
        raise argument_null(name)
    return value


def _substring(value: str, start: int, length: int | None = None) -> str:
    if start < 0:
        raise out_of_range("startIndex", "StartIndex cannot be less than zero.")
    if start > len(value):
        raise out_of_range("startIndex", "startIndex cannot be larger than length of string.")
    if length is None:
        return value[start:]
    if length < 0:
        raise out_of_range("length", "Length cannot be less than zero.")
    if start + length > len(value):
        raise out_of_range("length", "Index and length must refer to a location within the string.")
    return value[start : start + length]


def _contains(value: str, part: str | None, comparison: EnumValue | None = None) -> bool:
    return folded(_needed(part), comparison) in folded(value, comparison)


def _starts(value: str, part: str | None, comparison: EnumValue | None = None) -> bool:
    return folded(value, comparison).startswith(folded(_needed(part), comparison))


def _ends(value: str, part: str | None, comparison: EnumValue | None = None) -> bool:
    return folded(value, comparison).endswith(folded(_needed(part), comparison))


def _starts_case(value: str, part: str | None, ignore_case: bool, _culture: object) -> bool:
    return _starts(value, part, _comparison(ignore_case))


def _ends_case(value: str, part: str | None, ignore_case: bool, _culture: object) -> bool:
    return _ends(value, part, _comparison(ignore_case))


def _comparison(ignore_case: bool) -> EnumValue:
    """Of the invariant culture."""
    return EnumValue(COMPARISON, 3 if ignore_case else 2)


def _equals(value: str | None, other: str | None, comparison: EnumValue | None = None) -> bool:
    if value is None or other is None:
        return value is other
    return folded(value, comparison) == folded(other, comparison)


def _check_start(value: str, start: int) -> int:
    if not 0 <= start <= len(value):
        raise out_of_range(
            "startIndex",
            "Index was out of range. Must be non-negative and less than or equal to the size of the collection.",
        )
    return start


def _index_of(value: str, part: str | None, start: int = 0, count: int | None = None) -> int:
    _check_start(value, start)
    end = len(value) if count is None else start + count
    return value.find(_needed(part), start, end)


def _index_in(value: str, part: str | None, comparison: EnumValue) -> int:
    return folded(value, comparison).find(folded(_needed(part), comparison))


def _index_from(value: str, part: str | None, start: int, comparison: EnumValue) -> int:
    return folded(value, comparison).find(folded(_needed(part), comparison), _check_start(value, start))


def _last_index(value: str, part: str | None, start: int | None = None) -> int:
    end = len(value) if start is None else start + 1
    return value.rfind(_needed(part), 0, max(end, 0))


def _index_any(value: str, chars: Iterable[str], start: int = 0) -> int:
    wanted = set(chars)
    return next((index for index in range(start, len(value)) if value[index] in wanted), -1)


def _replace(value: str, old: str | None, new: str | None, comparison: EnumValue | None = None) -> str:
    old = _needed(old, "oldValue")
    if not old:
        raise thrown("ArgumentException", "String cannot be of zero length. (Parameter 'oldValue')", "oldValue")
    if not ignores_case(comparison):
        charge(len(value) + value.count(old) * max(len(new or "") - len(old), 0))
        return value.replace(old, new or "")
    return _replace_folded(value, old, new or "")


def _replace_folded(value: str, old: str, new: str) -> str:
    haystack, needle = upper(value), upper(old)
    charge(len(value) + haystack.count(needle) * len(new))
    parts, position = [], 0
    while (found := haystack.find(needle, position)) >= 0:
        parts += [value[position:found], new]
        position = found + len(old)
    return "".join([*parts, value[position:]])


_SPACE = None


def _trim(value: str, chars: Sequence[str] | None = None) -> str:
    return value.strip("".join(chars) if chars else _SPACE)


def _trim_start(value: str, chars: Sequence[str] | None = None) -> str:
    return value.lstrip("".join(chars) if chars else _SPACE)


def _trim_end(value: str, chars: Sequence[str] | None = None) -> str:
    return value.rstrip("".join(chars) if chars else _SPACE)


def _pad(value: str, width: int, char: str, left: bool) -> str:
    if width < 0:
        raise out_of_range("totalWidth", "Non-negative number required.")
    charge(width)
    return value.rjust(width, char) if left else value.ljust(width, char)


def _insert(value: str, start: int, part: str | None) -> str:
    _check_start(value, start)
    return charged(value[:start] + _needed(part) + value[start:])


def _remove(value: str, start: int, count: int | None = None) -> str:
    if start < 0:
        raise out_of_range("startIndex", "StartIndex cannot be less than zero.")
    if start + (count or 0) > len(value) or (count is None and start >= len(value)):
        raise out_of_range("count", "Index and count must refer to a location within the string.")
    return value[:start] if count is None else value[:start] + value[start + count :]


def _sort_key(value: str) -> tuple[str, str]:
    """The invariant culture's order, near enough: letters before case, lower before upper."""
    return unicodedata.normalize("NFKD", value).casefold(), value.swapcase()


def compare(left: str | None, right: str | None, comparison: EnumValue | None = None) -> int:
    """``string.Compare``; by culture unless *comparison* says ordinal."""
    if left is None or right is None:
        return (left is not None) - (right is not None)
    if comparison is not None and comparison.value >= 4:
        return compare_ordinal(folded(left, comparison), folded(right, comparison))
    if ignores_case(comparison):
        left, right = lower(left), lower(right)
    first, second = _sort_key(left), _sort_key(right)
    return (first > second) - (first < second)


def compare_ordinal(left: str | None, right: str | None) -> int:
    """``string.CompareOrdinal``: how far apart the first different characters are, or else the lengths."""
    if left is None or right is None:
        return (left is not None) - (right is not None)
    differences = (ord(first) - ord(second) for first, second in zip(left, right, strict=False) if first != second)
    return next(differences, len(left) - len(right))


def _compare_parts(
    left: str, left_start: int, right: str, right_start: int, length: int, comparison: EnumValue | None = None
) -> int:
    first, second = _needed(left)[left_start:], _needed(right)[right_start:]
    return compare(first[:length], second[:length], comparison)


def _compare_case(left: str | None, right: str | None, ignore_case: bool) -> int:
    return compare(left, right, _comparison(ignore_case))


def _new_repeat(char: str, count: int) -> str:
    if count < 0:
        raise out_of_range("count", "'count' must be non-negative.")
    charge(count)
    return char * count


def _new_chars(chars: Iterable[str] | None, start: int = 0, length: int | None = None) -> str:
    whole = "".join(chars or ())
    return whole if length is None else _substring(whole, start, length)


def _char_at(value: str, index: int) -> Char:
    return Char(value[array_index(index, len(value))])


def _chars(value: str, *bounds: int) -> ArrayValue:
    part = _substring(value, *bounds) if bounds else value
    return char_array(part)


class _Chars(dict[str, Char]):
    """One Char for each character: an array of many shares them."""

    def __missing__(self, character: str) -> Char:
        char = self[character] = Char(character)
        return char


def char_array(part: str) -> ArrayValue:
    """``char[]``."""
    charge(len(part) * POINTER)
    spend(len(part), CHAR_S)
    chars = _Chars()
    return ArrayValue([chars[character] for character in part], p.CHAR)


def _normalize(value: str) -> str:
    return unicodedata.normalize("NFC", value)


def _compare_to(value: str, other: object) -> int:
    if other is not None and not isinstance(other, str):
        raise thrown("ArgumentException", "Object must be of type String.")
    return compare(value, other)


define("System.String", {
    "own new(char c, int count)": _new_repeat,
    "slow new(char[] value)": _new_chars,
    "slow new(char[] value, int startIndex, int length)": _new_chars,
    "const string Empty": "",
    "free int Length": len,
    "free char this[int index]": _char_at,
    "bool Contains(string value)": _contains,
    "bool Contains(char value)": _contains,
    "bool Contains(string value, StringComparison comparisonType)": _contains,
    "bool Contains(char value, StringComparison comparisonType)": _contains,
    "bool StartsWith(string value)": _starts,
    "bool StartsWith(char value)": _starts,
    "bool StartsWith(string value, StringComparison comparisonType)": _starts,
    "bool StartsWith(string value, bool ignoreCase, CultureInfo culture)": _starts_case,
    "bool EndsWith(string value, bool ignoreCase, CultureInfo culture)": _ends_case,
    "bool EndsWith(string value)": _ends,
    "bool EndsWith(char value)": _ends,
    "bool EndsWith(string value, StringComparison comparisonType)": _ends,
    "bool Equals(string value)": _equals,
    "bool Equals(object obj)": lambda value, other: type_of(other) is p.STRING and value == other,
    "bool Equals(string value, StringComparison comparisonType)": _equals,
    "static bool Equals(string a, string b)": _equals,
    "static bool Equals(string a, string b, StringComparison comparisonType)": _equals,
    "slow int CompareTo(string strB)": compare,
    "slow int CompareTo(object value)": _compare_to,
    "slow static int Compare(string strA, string strB)": compare,
    "slow static int Compare(string strA, string strB, bool ignoreCase)": _compare_case,
    "slow static int Compare(string strA, string strB, StringComparison comparisonType)": compare,
    "slow static int Compare(string strA, int indexA, string strB, int indexB, int length)": _compare_parts,
    "slow static int Compare(string strA, int indexA, string strB, int indexB, int length, "
    "StringComparison comparisonType)": _compare_parts,
    "slow static int CompareOrdinal(string strA, string strB)": compare_ordinal,
    "free static bool IsNullOrEmpty(string value)": lambda value: not value,
    "static bool IsNullOrWhiteSpace(string value)": lambda value: not value or value.isspace(),
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
        lambda sep, values, start, count: join(sep, values[start : start + count]),
    "slow static string Format(string format, params object[] args)": format_composite,
    "slow static string Format(IFormatProvider provider, string format, params object[] args)":
        lambda _provider, pattern, values: format_composite(pattern, values),
    "free static string Copy(string str)": lambda value: value,
    "free static string Intern(string str)": lambda value: value,
    "int IndexOf(string value)": _index_of,
    "int IndexOf(char value)": _index_of,
    "int IndexOf(string value, int startIndex)": _index_of,
    "int IndexOf(char value, int startIndex)": _index_of,
    "int IndexOf(string value, int startIndex, int count)": _index_of,
    "int IndexOf(char value, int startIndex, int count)": _index_of,
    "int IndexOf(string value, StringComparison comparisonType)": _index_in,
    "int IndexOf(string value, int startIndex, StringComparison comparisonType)": _index_from,
    "slow int IndexOfAny(char[] anyOf)": _index_any,
    "slow int IndexOfAny(char[] anyOf, int startIndex)": _index_any,
    "int LastIndexOf(string value)": _last_index,
    "int LastIndexOf(char value)": _last_index,
    "int LastIndexOf(string value, int startIndex)": _last_index,
    "int LastIndexOf(char value, int startIndex)": _last_index,
    "int LastIndexOf(string value, StringComparison comparisonType)": lambda value, part, comparison: folded(
        value, comparison
    ).rfind(folded(_needed(part), comparison)),
    "string Insert(int startIndex, string value)": _insert,
    "string Remove(int startIndex)": _remove,
    "string Remove(int startIndex, int count)": _remove,
    "own string Replace(string oldValue, string newValue)": _replace,
    "own string Replace(char oldChar, char newChar)": lambda value, old, new: value.replace(old, new),
    "own string Replace(string oldValue, string newValue, StringComparison comparisonType)": _replace,
    "string Substring(int startIndex)": _substring,
    "string Substring(int startIndex, int length)": _substring,
    "own string[] Split(params char[] separator)": split_chars,
    "own string[] Split(string separator)": split_text,
    "own string[] Split(string separator, StringSplitOptions options)": split_options,
    "own string[] Split(char separator, StringSplitOptions options)": split_options,
    "own string[] Split(char[] separator, StringSplitOptions options)": split_options,
    "own string[] Split(string[] separator, StringSplitOptions options)": split_options,
    "own string[] Split(char[] separator, int count)": split_count,
    "own string[] Split(char separator, int count)": split_count,
    "own string[] Split(char separator, int count, StringSplitOptions options)": split_count,
    "own string[] Split(string separator, int count)": split_count,
    "own string[] Split(string separator, int count, StringSplitOptions options)": split_count,
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


def _category(value: str, *prefixes: str) -> bool:
    return unicodedata.category(value).startswith(prefixes)


_CHAR_TESTS = {
    "IsDigit": lambda c: _category(c, "Nd"),
    "IsNumber": lambda c: _category(c, "N"),
    "IsLetter": lambda c: _category(c, "L"),
    "IsLetterOrDigit": lambda c: _category(c, "L", "Nd"),
    "IsUpper": lambda c: _category(c, "Lu"),
    "IsLower": lambda c: _category(c, "Ll"),
    "IsWhiteSpace": str.isspace,
    "IsPunctuation": lambda c: _category(c, "P"),
    "IsSymbol": lambda c: _category(c, "S"),
    "IsSeparator": lambda c: _category(c, "Z"),
    "IsControl": lambda c: _category(c, "Cc"),
    "IsAscii": str.isascii,
}


def _parse_char(value: str | None) -> Char:
    if value is None or len(value) != 1:
        raise thrown("FormatException", "String must be exactly one character long.")
    return Char(value)


define("System.Char", {
    **{f"static bool {name}(char c)": test for name, test in _CHAR_TESTS.items()},
    **{f"free static bool {name}(string s, int index)": lambda s, i, test=test: test(_char_at(s, i))
       for name, test in _CHAR_TESTS.items()},
    "static char ToUpper(char c)": lambda c: Char(upper(c)),
    "static char ToLower(char c)": lambda c: Char(lower(c)),
    "static char ToUpperInvariant(char c)": lambda c: Char(upper(c)),
    "static char ToLowerInvariant(char c)": lambda c: Char(lower(c)),
    "free static string ToString(char c)": str.__str__,
    "free static double GetNumericValue(char c)": lambda c: float(unicodedata.numeric(c, -1)),
    "free static char Parse(string s)": _parse_char,
    "const char MinValue": Char("\0"),
    "const char MaxValue": Char("\uffff"),
    "free int CompareTo(char value)": lambda c, other: ord(c) - ord(other),
    "free bool Equals(char obj)": lambda c, other: c == other,
})  # fmt: skip
declare_comparison(p.STRING, ordered=False)
