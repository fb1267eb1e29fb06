"""
Amounts of money as the cultures write them that Currency is usually asked for.

Source: Unicode CLDR 42, "numbers"; .NET, "NumberFormatInfo", with ICU.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


@dataclass(frozen=True, slots=True)
class Money:
    """
    How a culture writes an amount.

    Attributes:
        pattern: Pattern of a positive amount; ``n`` is the number.
        negative: Pattern of a negative amount.
        group, point: Separators between thousands and before the decimals.
        digits: Number of decimals.
    """

    pattern: str
    negative: str
    group: str = ","
    point: str = "."
    digits: int = 2


_DOLLAR = Money("$n", "-$n")
_EURO_LAST = Money("n €", "-n €", ".", ",")
_CULTURES: dict[str, Money] = {
    "": Money("¤n", "(¤n)"),
    "en-US": _DOLLAR,
    "en-CA": _DOLLAR,
    "en-AU": _DOLLAR,
    "en-NZ": _DOLLAR,
    "en-GB": Money("£n", "-£n"),
    "en-IE": Money("€n", "-€n"),
    "de-DE": _EURO_LAST,
    "es-ES": _EURO_LAST,
    "it-IT": _EURO_LAST,
    "fr-FR": Money("n €", "-n €", "\u202f", ","),
    "nl-NL": Money("€ n", "€ -n", ".", ","),
    "ja-JP": Money("￥n", "-￥n", digits=0),
    "pt-BR": Money("R$ n", "-R$ n", ".", ","),
    "de-CH": Money("CHF n", "CHF-n", "’"),
    "sv-SE": Money("n kr", "−n kr", "\xa0", ","),
    "pl-PL": Money("n zł", "-n zł", "\xa0", ","),
}


_BY_NAME = {name.casefold(): money for name, money in _CULTURES.items()}


def is_culture(name: str) -> bool:
    """Whether *name* is one of these cultures, in any case; empty is the invariant one."""
    return name.casefold() in _BY_NAME


def currency(amount: Decimal, culture: str) -> str:
    """*amount* in one of these cultures."""
    money = _BY_NAME[culture.casefold()]
    rounded = amount.quantize(Decimal(1).scaleb(-money.digits), rounding=ROUND_HALF_UP)
    whole, _, fraction = f"{abs(rounded):,f}".partition(".")
    number = whole.replace(",", money.group) + (money.point + fraction if fraction else "")
    return (money.negative if rounded < 0 else money.pattern).replace("n", number)
