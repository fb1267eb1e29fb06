"""CultureInfo, which is always the invariant one, and the members of every formattable type."""

from __future__ import annotations

from gateway.expressions.formatting.composite import format_value
from gateway.expressions.formatting.text import text
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.types.numbers import compare_values

define("System.IFormatProvider", kind="interface")
_CULTURE = define("System.Globalization.CultureInfo", {
    "static CultureInfo InvariantCulture": lambda: _INVARIANT,
    "static CultureInfo CurrentCulture": lambda: _INVARIANT,
    "static CultureInfo CurrentUICulture": lambda: _INVARIANT,
    "new(string name)": lambda _name: _INVARIANT,
    "static CultureInfo GetCultureInfo(string name)": lambda _name: _INVARIANT,
    "string Name": lambda _culture: "",
}, parents=("IFormatProvider",))  # fmt: skip


class Culture:
    """The invariant culture, whatever was asked for (see docs/expressions.md)."""

    __slots__ = ()


_INVARIANT: Culture = Culture()
represent(Culture, _CULTURE)


def formatted(name: str) -> dict[str, object]:
    """The members that every type with format strings has."""
    return {
        "string ToString()": text,
        "string ToString(string format)": format_value,
        "string ToString(IFormatProvider provider)": lambda value, _p: text(value),
        "string ToString(string format, IFormatProvider provider)": lambda value, pattern, _p: format_value(
            value, pattern
        ),
        f"int CompareTo({name} value)": compare_values,
        f"static int Compare({name} t1, {name} t2)": compare_values,
        f"bool Equals({name} value)": lambda value, other: value == other,
        f"static bool Equals({name} t1, {name} t2)": lambda value, other: value == other,
    }
