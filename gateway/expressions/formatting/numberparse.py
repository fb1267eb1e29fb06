"""
Numbers from text, under the invariant culture, as far as the NumberStyles allow.

Source: .NET API reference, "NumberStyles".
"""

from __future__ import annotations

import re
from decimal import Decimal

from gateway.expressions.thrown import thrown

MAX_LENGTH = 1000
HEX = 512
INTEGER, NUMBER, FLOAT = 7, 111, 231  # what int, decimal and double allow by default
_THOUSANDS = 64
_NUMBER = re.compile(
    r"(?P<lead>[ \t-\r]*)(?P<open>\()?(?P<sign>[+-])?(?P<currency>¤)?(?P<whole>\d[\d,]*)?(?P<point>\.)?"
    r"(?P<fraction>\d*)(?P<exponent>[eE][+-]?\d+)?(?P<after>[+-])?(?P<close>\))?(?P<trail>[ \t-\r]*)\0*",
    re.ASCII,
)
_NEEDS = {
    "lead": 1, "trail": 2, "sign": 4, "after": 8, "open": 16, "close": 16, "point": 32, "exponent": 128,
    "currency": 256,
}  # fmt: skip


def read_number(value: str, style: int) -> Decimal | None:
    """The number in *value*, or None if it is not a number or has something that *style* does not allow."""
    match = _NUMBER.fullmatch(value) if len(value) <= MAX_LENGTH else None
    if match is None or not _is_number(match) or not _allowed(match, style):
        return None
    return _signed(match, _number(match["whole"] or "0", match["fraction"], match["exponent"] or ""))


def _number(whole: str, fraction: str, exponent: str) -> Decimal:
    return Decimal(f"{whole.replace(',', '')}{'.' if fraction else ''}{fraction}{exponent}")


def _signed(match: re.Match[str], number: Decimal) -> Decimal:
    return number.copy_negate() if "-" in (match["sign"], match["after"]) or match["open"] else number


def _is_number(match: re.Match[str]) -> bool:
    """Whether there are digits, at most one sign, and both brackets or none."""
    if not match["whole"] and not match["fraction"]:
        return False
    return bool(match["open"]) == bool(match["close"]) and not (match["sign"] and match["after"])


def _allowed(match: re.Match[str], style: int) -> bool:
    if "," in (match["whole"] or "") and not style & _THOUSANDS:
        return False
    return all(style & flag or not match[name] for name, flag in _NEEDS.items())


def check_decimal_style(style: int) -> None:
    """Refuse a style that only applies to whole numbers."""
    if style & HEX:
        message = (
            "The number style AllowHexSpecifier is not supported on floating point data types. (Parameter 'style')"
        )
        raise thrown("ArgumentException", message, "style")
