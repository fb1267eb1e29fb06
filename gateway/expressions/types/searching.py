"""Searching in strings: ordinal, without case, or by the invariant culture, which .NET's shortest overloads use."""

from __future__ import annotations

from gateway.expressions.casing import upper
from gateway.expressions.collation import compare_texts, is_plain, search
from gateway.expressions.thrown import argument_null, out_of_range
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import EnumValue

COMPARISON = enumeration(
    "System.StringComparison",
    CurrentCulture=0, CurrentCultureIgnoreCase=1, InvariantCulture=2, InvariantCultureIgnoreCase=3, Ordinal=4,
    OrdinalIgnoreCase=5,
)  # fmt: skip
CULTURE = EnumValue(COMPARISON, 2)
CULTURE_IGNORE_CASE = EnumValue(COMPARISON, 3)
ORDINAL = EnumValue(COMPARISON, 4)
_START = "Index was out of range. Must be non-negative and less than or equal to the size of the collection."


def ignores_case(comparison: EnumValue | None) -> bool:
    """Whether a StringComparison ignores case."""
    return comparison is not None and comparison.value % 2 == 1


def by_culture(comparison: EnumValue) -> bool:
    """Whether a StringComparison compares by culture."""
    return comparison.value < ORDINAL.value


def folded(value: str, comparison: EnumValue | None) -> str:
    """*value* in the form that an ordinal comparison uses."""
    return upper(value) if ignores_case(comparison) else value


def needed(value: str | None, name: str = "value") -> str:
    """*value*, which may not be null."""
    if value is None:
        raise argument_null(name)
    return value


def check_start(value: str, start: int) -> int:
    """*start*, which lies in *value* or at its end."""
    if not 0 <= start <= len(value):
        raise out_of_range("startIndex", _START)
    return start


def _is_ordinal(value: str, part: str, comparison: EnumValue) -> bool:
    return not by_culture(comparison) or (is_plain(value) and is_plain(part))


def equals(value: str | None, other: str | None, comparison: EnumValue = ORDINAL) -> bool:
    """``string.Equals``."""
    if value is None or other is None:
        return value is other
    if by_culture(comparison):
        return compare_texts(value, other, ignores_case(comparison)) == 0
    return folded(value, comparison) == folded(other, comparison)


def contains(value: str, part: str | None, comparison: EnumValue = ORDINAL) -> bool:
    """``Contains``, which is ordinal unless told otherwise."""
    return index_in(value, part, comparison) >= 0


def starts(value: str, part: str | None, comparison: EnumValue = CULTURE) -> bool:
    """``StartsWith``."""
    if _is_ordinal(value, needed(part), comparison):
        return folded(value, comparison).startswith(folded(needed(part), comparison))
    places = _places(value, needed(part), comparison)
    return not _visible(needed(part)) or any(not _visible(value[:start]) for start, _ in places)


def ends(value: str, part: str | None, comparison: EnumValue = CULTURE) -> bool:
    """``EndsWith``."""
    if _is_ordinal(value, needed(part), comparison):
        return folded(value, comparison).endswith(folded(needed(part), comparison))
    places = _places(value, needed(part), comparison)
    return not _visible(needed(part)) or any(not _visible(value[end:]) for _, end in places)


def _visible(part: str) -> bool:
    """Whether *part* has a visible character."""
    return compare_texts(part, "") != 0


def _places(value: str, part: str, comparison: EnumValue) -> list[tuple[int, int]]:
    return search(value, part, ignores_case(comparison)) if _visible(part) else []


def index_of(
    value: str, part: str | None, start: int = 0, count: int | None = None, comparison: EnumValue = CULTURE
) -> int:
    """``IndexOf(part, start, count, comparison)``."""
    wanted = needed(part)
    check_start(value, start)
    end = len(value) if count is None else start + count
    if count is not None and not start <= end <= len(value):
        raise out_of_range("count", "Count must be positive and count must refer to a location within the string.")
    if _is_ordinal(value, wanted, comparison):
        return folded(value, comparison).find(folded(wanted, comparison), start, end)
    if not _visible(wanted):
        return start
    return next((start + place for place, _ in _places(value[start:end], wanted, comparison)), -1)


def index_in(value: str, part: str | None, comparison: EnumValue) -> int:
    """``IndexOf(part, comparison)``."""
    return index_of(value, part, 0, None, comparison)


def index_from(value: str, part: str | None, start: int, comparison: EnumValue) -> int:
    """``IndexOf(part, start, comparison)``."""
    return index_of(value, part, start, None, comparison)


def last_index(
    value: str, part: str | None, start: int | None = None, count: int | None = None, comparison: EnumValue = CULTURE
) -> int:
    """``LastIndexOf(part, start, count, comparison)``: *start* is the last position that is searched."""
    wanted = needed(part)
    low, high = last_range(value, start, count)
    if _is_ordinal(value, wanted, comparison):
        return folded(value, comparison).rfind(folded(wanted, comparison), low, high)
    if not _visible(wanted):
        return high
    return max((low + place for place, _ in _places(value[low:high], wanted, comparison)), default=-1)


def last_in(value: str, part: str | None, comparison: EnumValue) -> int:
    """``LastIndexOf(part, comparison)``."""
    return last_index(value, part, None, None, comparison)


def last_from(value: str, part: str | None, start: int, comparison: EnumValue) -> int:
    """``LastIndexOf(part, start, comparison)``."""
    return last_index(value, part, start, None, comparison)


def last_range(value: str, start: int | None, count: int | None) -> tuple[int, int]:
    """The *count* characters of *value* that end at *start*."""
    if start is None or (not value and start in (-1, 0)):
        return 0, len(value)
    if not 0 <= start <= len(value):
        raise out_of_range("startIndex", _START)
    return (0 if count is None else _range_start(start, count)), min(start + 1, len(value))


def _range_start(start: int, count: int) -> int:
    if not 0 <= count <= start + 1:
        raise out_of_range("count", "Count must be positive and count must refer to a location within the string.")
    return start - count + 1
