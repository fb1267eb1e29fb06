"""CultureInfo, which is always the invariant one, and the members of every formattable type."""

from __future__ import annotations

import re

from gateway.expressions.formatting.composite import format_value
from gateway.expressions.formatting.text import TEXT, text
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, thrown
from gateway.expressions.types.numbers import compare_values

define("System.IFormatProvider", kind="interface")
_CULTURE = define("System.Globalization.CultureInfo", {
    "static CultureInfo InvariantCulture": lambda: _INVARIANT,
    "static CultureInfo CurrentCulture": lambda: _INVARIANT,
    "static CultureInfo CurrentUICulture": lambda: _INVARIANT,
    "new(string name)": lambda name: Culture(name),
    "static CultureInfo GetCultureInfo(string name)": lambda name: Culture(name),
    "string Name": lambda culture: culture.name,
    "string ToString()": lambda culture: culture.name,
}, parents=("IFormatProvider",))  # fmt: skip


class Culture:
    """A culture's name; formatting is that of the invariant culture whatever the name (see docs/expressions.md)."""

    __slots__ = ("name",)

    def __init__(self, name: str | None = "") -> None:
        if name is None:
            raise argument_null("name")
        if name and not _NAME.fullmatch(name):
            message = f"Culture is not supported. (Parameter 'name')\n{name} is an invalid culture identifier."
            raise thrown("CultureNotFoundException", message, "name")
        self.name = _usual(name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Culture) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


_NAME = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")


def _usual(name: str) -> str:
    """The usual letter case: ``de-DE``, ``zh-Hans-CN``."""
    language, *rest = name.split("-")
    cased = {2: str.upper, 4: str.title}
    return "-".join([language.lower(), *(cased.get(len(part), str)(part) for part in rest)])


_INVARIANT: Culture = Culture()
represent(Culture, _CULTURE)
TEXT[Culture] = lambda culture: culture.name


def formatted(name: str) -> dict[str, object]:
    """The members of every type that has format strings."""
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
