"""String.Split, Join and Concat: texts apart and together again; each part is accounted for as soon as it is there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from gateway.expressions.casing import WHITE
from gateway.expressions.collections import ArrayValue, strings
from gateway.expressions.formatting.text import text
from gateway.expressions.limits import MAX_TEXT, charge, charge_items, charged, spend, tick, tick_many
from gateway.expressions.runtime import iterate
from gateway.expressions.thrown import argument_null, out_of_range
from gateway.expressions.values import EnumValue

SPLIT_S = 5e-8  # for each character of a text that is searched for several separators
FEW = 256  # parts that are not counted one by one
_MAX = 0x7FFFFFFF


def split(value: str, separators: Sequence[str | None] | None, count: int, options: EnumValue | None) -> ArrayValue:
    """``Split`` by any of *separators*; none means white space."""
    flags = options.value if options is not None else 0
    wanted = sorted((separator for separator in separators or () if separator), key=len, reverse=True)
    if count < 0:
        raise out_of_range("count", "Count cannot be less than zero.")
    # Separators that are all empty separate nothing.
    return strings(_split_parts(value, wanted, min(count, 1) if separators and not wanted else count, flags))


def _split_parts(value: str, wanted: Sequence[str], count: int, flags: int) -> list[str]:
    parts: list[str] = []
    if count == 0:
        return parts
    spend(len(value), SPLIT_S)
    separator = re.compile("|".join(map(re.escape, wanted)) if wanted else rf"[{WHITE}]")
    start = 0
    for match in separator.finditer(value):
        if len(parts) >= count - 1:
            break
        if len(parts) % FEW == FEW - 1:
            tick_many(FEW)
        _add_part(parts, value[start : match.start()], flags)
        start = match.end()
    if flags & 1 and len(parts) == count - 1:
        start = _after_separators(separator, value, start)
    _add_part(parts, value[start:], flags)
    return parts


def _after_separators(separator: re.Pattern[str], value: str, start: int) -> int:
    """RemoveEmptyEntries also drops separators in front of the last part."""
    while match := separator.match(value, start):
        start = match.end()
    return start


def _add_part(parts: list[str], part: str, flags: int) -> None:
    part = part.strip(WHITE) if flags & 2 else part
    if part or not flags & 1:
        parts.append(part)


def split_chars(value: str, separators: Sequence[str] | None = None) -> ArrayValue:
    """``Split(params separators)``."""
    if separators is not None and len(separators) == 1 and separators[0]:
        charge_items(value.count(separators[0]) + 1)
        return strings(value.split(separators[0]))
    return split(value, separators, _MAX, None)


def split_options(value: str, separators: Sequence[str] | str | None, options: EnumValue) -> ArrayValue:
    """``Split(separators, options)``."""
    return split(value, [separators] if isinstance(separators, str) else separators, _MAX, options)


def split_by(value: str, separator: str | None, options: EnumValue) -> ArrayValue:
    """``Split(separator, options)``: a null text separates nothing, where null separators are white space."""
    return split(value, [separator], _MAX, options)


def split_by_count(value: str, separator: str | None, count: int, *options: EnumValue) -> ArrayValue:
    """``Split(separator, count, options)``."""
    return split(value, [separator], count, options[0] if options else None)


def split_count(value: str, separators: Sequence[str] | str | None, count: int, *options: EnumValue) -> ArrayValue:
    """``Split(separators, count, options)``."""
    wanted = [separators] if isinstance(separators, str) else separators
    return split(value, wanted, count, options[0] if options else None)


def join(separator: str | None, values: Iterable[object]) -> str:
    """``string.Join``."""
    if values is None:
        raise argument_null("value")
    return (separator or "").join(_texts(values, len(separator or "")))


def join_all(separator: str | None, values: object) -> str:
    """``string.Join`` of any sequence."""
    if values is None:
        raise argument_null("values")
    return join(separator, iterate(values))


def _texts(values: Iterable[object], between: int = 0) -> list[str]:
    """The texts of *values*, each charged as soon as it exists, together with the separator *between* them."""
    rest = iter(values)
    shown = [text(value) for value in islice(rest, FEW)]
    size = sum(map(len, shown)) + between * len(shown)
    for value in rest:
        tick()
        shown.append(text(value))
        size += len(shown[-1]) + between
        if size > MAX_TEXT:
            break
    charge(size)
    return shown


def concat(*values: object) -> str:
    """``string.Concat``."""
    return charged("".join([text(value) for value in values]))


def concat_all(values: object) -> str:
    """``string.Concat`` of any sequence."""
    if values is None:
        raise argument_null("values")
    return "".join(_texts(iterate(values)))
