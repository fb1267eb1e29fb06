"""
Custom numeric format strings: ``0 # . , % ‰ E+0 ; 'text' \\c``.

Source: .NET "Custom numeric format strings".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal

from gateway.expressions.formatting.numbers import exponential, rounded
from gateway.expressions.limits import charge

_TOKEN = re.compile(r"\\(.)|'([^']*)'?|\"([^\"]*)\"?|([eE][+-]?0+)|([0#.,%‰;])|(.)", re.DOTALL)


@dataclass(slots=True)
class Section:
    """One section of a format: literal pieces and digit placeholders in order."""

    pieces: list[tuple[str, str]] = field(default_factory=list)  # ("lit", text), ("0", ""), ("#", ""), (".", ""), …

    def count(self, kinds: str) -> int:
        """How many placeholders of these kinds."""
        return sum(kind in kinds for kind, _ in self.pieces if kind != "lit")


def format_custom(value: int | float | Decimal, pattern: str) -> str:
    """*value* by a custom *pattern*."""
    charge(len(pattern))
    number = Context(prec=15).create_decimal(value) if isinstance(value, float) else Decimal(value)
    sections = _sections(pattern)
    section, number, negative = _choose(sections, number)
    shown = _write(section, number)
    if number and not shown[1]:  # rounded to zero: the third section, or no sign
        if len(sections) > 2:
            return _write(sections[2], Decimal(0))[0]
        return shown[0]
    return f"-{shown[0]}" if negative else shown[0]


def _choose(sections: list[Section], number: Decimal) -> tuple[Section, Decimal, bool]:
    if number < 0 and len(sections) > 1 and sections[1].pieces:
        return sections[1], -number, False
    if number == 0 and len(sections) > 2:
        return sections[2], number, False
    return sections[0], abs(number), number < 0


def _sections(pattern: str) -> list[Section]:
    sections = [Section()]
    for escaped, single, double, exponent, special, other in _TOKEN.findall(pattern):
        if special == ";":
            sections.append(Section())
        elif special:
            sections[-1].pieces.append((special, ""))
        elif exponent:
            sections[-1].pieces.append(("e", exponent))
        else:
            sections[-1].pieces.append(("lit", escaped or single or double or other))
    return sections


def _write(section: Section, number: Decimal) -> tuple[str, bool]:
    """The text, and whether any digit in it is not zero."""
    kinds = [kind for kind, _ in section.pieces]
    point = kinds.index(".") if "." in kinds else len(kinds)
    places = sum(kind in "0#" for kind in kinds[point:] if kind != "lit")
    number = number.scaleb(2 * kinds.count("%") + 3 * kinds.count("‰"))
    if "e" in kinds:
        return _scientific(section, number, point, places), bool(number)
    number = number.scaleb(-3 * _scaling_commas(kinds, point))
    number = rounded(number, places)
    whole, _, fraction = f"{number:f}".partition(".")
    whole = whole.lstrip("0")
    before = _whole_digits(section, point, whole, _groups(kinds, point))
    after = _fraction_digits(section, point, fraction)
    return before + after, bool(number)


def _scaling_commas(kinds: list[str], point: int) -> int:
    count = 0
    for kind in reversed(kinds[:point]):
        if kind == ",":
            count += 1
        elif kind in ("0", "#"):
            break
    return count


def _groups(kinds: list[str], point: int) -> bool:
    digits = [index for index, kind in enumerate(kinds[:point]) if kind in ("0", "#")]
    return bool(digits) and "," in kinds[digits[0] : digits[-1]]


def _whole_digits(section: Section, point: int, whole: str, groups: bool) -> str:
    """Fill the placeholders before the point from the right; what is left over goes to the first of them."""
    slots = [index for index, (kind, _) in enumerate(section.pieces[:point]) if kind in ("0", "#")]
    first_zero = next((index for index in slots if section.pieces[index][0] == "0"), point)
    out: list[str] = []
    remaining = list(whole)
    written = 0
    for index in range(point - 1, -1, -1):
        kind, literal = section.pieces[index]
        if kind in ("0", "#"):
            count = len(remaining) if index == slots[0] else 1
            digits = [remaining.pop() if remaining else "" for _ in range(max(count, 1))]
            for digit in digits:
                shown = digit or ("0" if index >= first_zero else "")
                if shown and groups and written and written % 3 == 0:
                    out.append(",")
                written += bool(shown)
                out.append(shown)
        else:
            out.append(literal if kind == "lit" else kind if kind in "%‰" else "")
    if not slots and whole:
        out.insert(0, whole[::-1])
    return "".join(piece if len(piece) < 2 else piece[::-1] for piece in out)[::-1]


def _fraction_digits(section: Section, point: int, fraction: str) -> str:
    pieces = section.pieces[point + 1 :]
    kinds = [kind for kind, _ in pieces]
    last_zero = max((index for index, kind in enumerate(kinds) if kind == "0"), default=-1)
    used = len(fraction.rstrip("0"))
    out: list[str] = []
    position = 0
    for index, (kind, literal) in enumerate(pieces):
        if kind in ("0", "#"):
            digit = fraction[position] if position < len(fraction) else "0"
            out.append(digit if position < used or index <= last_zero else "")
            position += 1
        elif kind in ("lit", "%", "‰"):
            out.append(literal or kind)
    text = "".join(out)
    has_digit = used > 0 or last_zero >= 0
    return f".{text}" if has_digit else text


def _scientific(section: Section, number: Decimal, point: int, places: int) -> str:
    whole = max(sum(kind in "0#" for kind, _ in section.pieces[:point] if kind != "lit"), 1)
    out = []
    mark = next(text for kind, text in section.pieces if kind == "e")
    plus = "+" if "+" in mark else ""
    shown = exponential(number, places + whole - 1, mark[0], mark.count("0"), plus)
    if whole > 1 and number:
        shown = _shifted(number, whole, places, mark, plus)
    shown = _without_spare_zeros(shown, mark[0], sum(kind == "0" for kind, _ in section.pieces[point:]))
    for kind, literal in section.pieces:
        out.append(literal if kind == "lit" else "")
    return shown + "".join(out)


def _without_spare_zeros(shown: str, mark: str, kept: int) -> str:
    """The digits that ``#`` stands for go where they are zero, down to *kept* places."""
    mantissa, _, exponent = shown.partition(mark)
    digits, _, fraction = mantissa.partition(".")
    fraction = fraction[:kept] + fraction[kept:].rstrip("0")
    return f"{digits}{'.' if fraction else ''}{fraction}{mark}{exponent}"


def _shifted(number: Decimal, whole: int, places: int, mark: str, plus: str) -> str:
    exponent = number.adjusted() - whole + 1
    mantissa = number.scaleb(-exponent).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return f"{mantissa:f}{mark[0]}{'-' if exponent < 0 else plus}{abs(exponent):0{mark.count('0')}d}"
