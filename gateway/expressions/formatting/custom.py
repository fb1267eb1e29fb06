"""
Custom numeric format strings: ``0 # . , % ‰ E+0 ; 'text' \\c``.

Source: .NET "Custom numeric format strings".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal

from gateway.expressions.formatting.digits import exponential, rounded, scaled
from gateway.expressions.limits import charge, spend
from gateway.expressions.values import Single

_TOKEN = re.compile(r"\\(.)|'([^']*)'?|\"([^\"]*)\"?|([eE][+-]?0+)|([0#.,%‰;])|(.)", re.DOTALL)
PIECE_S = 2e-6  # for each character of a format string
DIGITS = ("0", "#")
_POSITIVE, _NEGATIVE, _ZERO = range(3)  # sections


@dataclass(slots=True)
class FormatSection:
    """One section of a format: literal pieces and digit placeholders in order."""

    pieces: list[tuple[str, str]] = field(default_factory=list)  # ("lit", text), ("0", ""), ("#", ""), (".", ""), …

    def count(self, kinds: Sequence[str], start: int = 0, end: int | None = None) -> int:
        """How many placeholders of these kinds lie between two places."""
        return sum(kind in kinds for kind, _ in self.pieces[start:end])


def format_custom(value: int | float | Decimal, pattern: str) -> str:
    """*value* by a custom *pattern*."""
    charge(len(pattern))
    spend(len(pattern), PIECE_S)
    number = Context(prec=_digits(value)).create_decimal(value) if isinstance(value, float) else Decimal(value)
    sections = _sections(pattern)
    chosen = _section(sections, _kind(number))
    shown, counts = _write(sections[chosen], number.copy_abs())
    if not counts:  # zero, or rounded to zero
        chosen = _section(sections, _ZERO)
        shown = _write(sections[chosen], Decimal(0))[0]
    negative = number.is_signed() and (counts or isinstance(value, float))
    return f"-{shown}" if negative and chosen == _POSITIVE and shown else shown


def _kind(number: Decimal) -> int:
    return _ZERO if not number else _NEGATIVE if number.is_signed() else _POSITIVE


def _digits(value: float) -> int:
    """How many significant digits of a number custom formats use."""
    return 7 if isinstance(value, Single) else 15


def _section(sections: list[FormatSection], wanted: int) -> int:
    """The section that applies; the first one replaces one that is missing or empty."""
    return wanted if wanted < len(sections) and sections[wanted].pieces else _POSITIVE


def _sections(pattern: str) -> list[FormatSection]:
    sections = [FormatSection()]
    for escaped, single, double, exponent, special, other in _TOKEN.findall(pattern):
        if special == ";":
            sections.append(FormatSection())
        elif special:
            sections[-1].pieces.append((special, ""))
        elif exponent:
            sections[-1].pieces.append(("e", exponent))
        else:
            sections[-1].pieces.append(("lit", escaped or single or double or other))
    return sections


def _write(section: FormatSection, number: Decimal) -> tuple[str, bool]:
    """The text, and whether it has a digit other than zero."""
    kinds = [kind for kind, _ in section.pieces]
    point = kinds.index(".") if "." in kinds else len(kinds)
    places = section.count(DIGITS, point)
    number = scaled(number, 2 * kinds.count("%") + 3 * kinds.count("‰"))
    if "e" in kinds:
        return _scientific(section, number, point, places), bool(number)
    number = scaled(number, -3 * _scaling_commas(kinds, point))
    number = rounded(number, places)
    whole, _, fraction = f"{number:f}".partition(".")
    whole = whole.lstrip("0")
    before = _whole_digits(section, kinds[:point], whole, _groups(kinds, point))
    after = _fraction_digits(section, point, fraction)
    return before + after, bool(number)


def _scaling_commas(kinds: list[str], point: int) -> int:
    count = 0
    if not any(kind in DIGITS for kind in kinds[:point]):
        return count
    for kind in reversed(kinds[:point]):
        if kind == ",":
            count += 1
        elif kind in DIGITS:
            break
    return count


def _groups(kinds: list[str], point: int) -> bool:
    digits = [index for index, kind in enumerate(kinds[:point]) if kind in DIGITS]
    return bool(digits) and "," in kinds[digits[0] : digits[-1]]


def _whole_digits(section: FormatSection, kinds: list[str], whole: str, groups: bool) -> str:
    """Fill the placeholders before the point from the right; the first of them takes all remaining digits."""
    digits = _WholeDigits(whole, groups)
    first = next((index for index, kind in enumerate(kinds) if kind in DIGITS), None)
    first_zero = kinds.index("0") if "0" in kinds else len(kinds)
    if first is None and len(kinds) < len(section.pieces):
        digits.text.append(whole)
    for index in range(len(kinds) - 1, -1, -1):
        if kinds[index] in DIGITS:
            digits.fill(all_left=index == first, zero=index >= first_zero)
        else:
            digits.text.append(_literal(*section.pieces[index]))
    return "".join(reversed(digits.text))


def _literal(kind: str, text: str) -> str:
    """The text of a piece that is not a placeholder."""
    return text if kind == "lit" else kind if kind in "%‰" else ""


class _WholeDigits:
    """
    The digits before the point, taken from the right.

    Attributes:
        text: What has been written, the rightmost piece first.
    """

    def __init__(self, digits: str, groups: bool) -> None:
        self.text: list[str] = []
        self._digits = list(digits)
        self._groups = groups
        self._written = 0

    def fill(self, all_left: bool, zero: bool) -> None:
        """Fill one placeholder: *all_left* with every remaining digit, *zero* with a 0 if none is left."""
        self._write(self._digits.pop() if self._digits else "0" if zero else "")
        while all_left and self._digits:
            self._write(self._digits.pop())

    def _write(self, digit: str) -> None:
        if digit and self._groups and self._written and self._written % 3 == 0:
            self.text.append(",")
        self._written += bool(digit)
        self.text.append(digit)


def _fraction_digits(section: FormatSection, point: int, fraction: str) -> str:
    """Fill the placeholders after the point from the left: ``0`` always, ``#`` only as far as digits are needed."""
    pieces = section.pieces[point + 1 :]
    slots = [kind for kind, _ in pieces if kind in DIGITS]
    always = len(slots) - slots[::-1].index("0") if "0" in slots else 0
    shown = fraction.rstrip("0").ljust(always, "0")
    digits = iter(shown)
    out = [next(digits, "") if kind in DIGITS else _literal(kind, text) for kind, text in pieces]
    return ("." if shown else "") + "".join(out)


def _scientific(section: FormatSection, number: Decimal, point: int, places: int) -> str:
    whole = max(section.count(DIGITS, 0, point), 1)
    mark = next(text for kind, text in section.pieces if kind == "e")
    plus = "+" if "+" in mark else ""
    if whole > 1 and number:
        shown = _shifted(number, whole, places, mark, plus)
    else:
        shown = exponential(number, places + whole - 1, mark[0], mark.count("0"), plus)
    shown = _without_spare_zeros(shown, mark[0], section.count(("0",), point))
    return shown + "".join(literal for kind, literal in section.pieces if kind == "lit")


def _without_spare_zeros(shown: str, mark: str, kept: int) -> str:
    """Zeros in the places of ``#`` are dropped, down to *kept* places."""
    mantissa, _, exponent = shown.partition(mark)
    digits, _, fraction = mantissa.partition(".")
    fraction = fraction[:kept] + fraction[kept:].rstrip("0")
    return f"{digits}{'.' if fraction else ''}{fraction}{mark}{exponent}"


def _shifted(number: Decimal, whole: int, places: int, mark: str, plus: str) -> str:
    exponent = number.adjusted() - whole + 1
    mantissa = number.scaleb(-exponent).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return f"{mantissa:f}{mark[0]}{'-' if exponent < 0 else plus}{abs(exponent):0{mark.count('0')}d}"
