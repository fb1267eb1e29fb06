"""StringComparer and the comparer interfaces."""

from __future__ import annotations

from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.types.strings import COMPARISON, compare, upper
from gateway.expressions.values import EnumValue


class Comparer:
    """A StringComparer; ordinal or by culture, and whether case counts."""

    __slots__ = ("ignore_case", "ordinal")

    def __init__(self, ignore_case: bool, ordinal: bool = True) -> None:
        self.ignore_case = ignore_case
        self.ordinal = ordinal

    def norm(self, key: object) -> object:
        """The form in which keys are compared for equality."""
        return upper(key) if self.ignore_case and isinstance(key, str) else key

    def compare(self, left: str | None, right: str | None) -> int:
        """The order of two strings."""
        return compare(left, right, EnumValue(COMPARISON, (4 if self.ordinal else 2) + self.ignore_case))


define("System.Collections.Generic.IEqualityComparer", {
    "bool Equals(T x, T y)": lambda comparer, left, right: comparer.norm(left) == comparer.norm(right),
}, parameters=("T",), kind="interface")  # fmt: skip
define("System.Collections.Generic.IComparer", {
    "int Compare(T x, T y)": lambda comparer, left, right: comparer.compare(left, right),
}, parameters=("T",), kind="interface")  # fmt: skip
STRING_COMPARER = define("System.StringComparer", {
    "static StringComparer Ordinal": lambda: Comparer(False),
    "static StringComparer OrdinalIgnoreCase": lambda: Comparer(True),
    "static StringComparer InvariantCulture": lambda: Comparer(False, ordinal=False),
    "static StringComparer InvariantCultureIgnoreCase": lambda: Comparer(True, ordinal=False),
    "static StringComparer CurrentCulture": lambda: Comparer(False, ordinal=False),
    "static StringComparer CurrentCultureIgnoreCase": lambda: Comparer(True, ordinal=False),
}, parents=("IEqualityComparer<string>", "IComparer<string>"))  # fmt: skip
represent(Comparer, STRING_COMPARER)
