"""
Filters by name.

Source: DotLiquid, "StandardFilters"; APIM policy reference, "set-body", "Supported Liquid filters".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.liquid.filters.dates import DATES
from gateway.liquid.filters.lists import LISTS
from gateway.liquid.filters.numbers import NUMBERS
from gateway.liquid.filters.signatures import LiquidFilter
from gateway.liquid.filters.texts import TEXTS

__all__ = ["FILTERS", "LiquidFilter", "apply"]

FILTERS: Mapping[str, LiquidFilter] = {**TEXTS, **LISTS, **NUMBERS, **DATES}


def apply(name: str, arguments: Sequence[Any]) -> Any:
    """
    The result of the filter called *name*; an unknown one changes nothing.

    Raises:
        LiquidSyntaxError, Thrown: See ``Filter``.
    """
    function = FILTERS.get(name)
    return arguments[0] if function is None else function(arguments)
