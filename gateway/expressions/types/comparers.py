"""StringComparer and the comparer interfaces."""

from __future__ import annotations

from gateway.expressions.collation import sort_key
from gateway.expressions.equality import hash_code
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.types.searching import COMPARISON, by_culture, folded, ignores_case
from gateway.expressions.types.strings import compare
from gateway.expressions.values import EnumValue


class Comparer:
    """A StringComparer; ordinal or by culture, and whether case counts."""

    __slots__ = ("ignore_case", "ordinal")

    def __init__(self, ignore_case: bool, ordinal: bool = True) -> None:
        self.ignore_case = ignore_case
        self.ordinal = ordinal

    def norm(self, key: object) -> object:
        """The form in which keys are compared for equality."""
        if not isinstance(key, str):
            return key
        return folded(key, self._comparison) if self.ordinal else sort_key(key, self.ignore_case)

    def compare(self, left: str | None, right: str | None) -> int:
        """The order of two strings."""
        return compare(left, right, self._comparison)

    @property
    def _comparison(self) -> EnumValue:
        return EnumValue(COMPARISON, (4 if self.ordinal else 2) + self.ignore_case)


def _from_comparison(comparison: EnumValue) -> Comparer:
    return Comparer(ignores_case(comparison), not by_culture(comparison))


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
    "static StringComparer FromComparison(StringComparison comparisonType)": _from_comparison,
    "static StringComparer Create(CultureInfo culture, bool ignoreCase)":
        lambda _culture, ignore_case: Comparer(ignore_case, ordinal=False),
    "bool Equals(string x, string y)": lambda comparer, left, right: comparer.norm(left) == comparer.norm(right),
    "int Compare(string x, string y)": Comparer.compare,
    "int GetHashCode(string obj)": lambda comparer, value: hash_code(comparer.norm(value)),
}, parents=("IEqualityComparer<string>", "IComparer<string>"))  # fmt: skip
_CULTURED = define("System.CultureAwareComparer", parents=("StringComparer",))
_ORDINAL = tuple(define(f"System.{name}", parents=("StringComparer",))
                 for name in ("OrdinalCaseSensitiveComparer", "OrdinalIgnoreCaseComparer"))  # fmt: skip
represent(Comparer, lambda comparer: _ORDINAL[comparer.ignore_case] if comparer.ordinal else _CULTURED)
