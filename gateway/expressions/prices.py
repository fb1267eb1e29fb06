"""
The price of a member of the allow-list: what a call of it takes for each character, byte or item that it is given.

A member that takes texts, bytes or collections is taken to walk through all of them at the speed of C: ``LINEAR_S`` for
each unit, checked before it begins. What is cheaper or dearer says so at the start of its line in the table::

    "free int Length"                      its cost does not grow with its input
    "slow string ToUpper()"                it works in Python for each unit: ``SLOW_S``
    "own string Replace(string, string)"   it counts its own work, because that does not follow from its input's size

Lazy sequences have no size: walking them counts each item as a step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.expressions.limits import SMALL, charge, charge_items, worked

LINEAR_S = 5e-9
ITEM_S = 5e-7
SLOW_S = 2e-7
PRICES = frozenset({"free", "slow", "own"})

Call = Callable[..., Any]
_TEXTS = (str, bytes, bytearray)
_WALKED = (list, str, bytes, bytearray)


def priced(call: Call, price: str, texts: tuple[int, ...], collections: tuple[int, ...], copies: bool) -> Call:
    """
    *call*, which is charged for its large arguments before it begins.

    Args:
        price: One of PRICES; empty for what is linear.
        texts: Positions of arguments that may be texts or bytes.
        collections: Positions of arguments that may be enumerated: lists in memory, or texts, character by character.
        copies: Whether the items of collections are copied into another one.
    """
    if price in ("free", "own") or not (texts or collections):
        return call
    unit_s = SLOW_S if price == "slow" else LINEAR_S
    if collections:
        return _several(call, unit_s, texts, collections, copies)
    return _first(call, unit_s) if texts == (0,) else _texts(call, unit_s, texts)


def _first(call: Call, unit_s: float) -> Call:
    """The usual case: the receiver is a text."""

    def run(value: Any, *rest: Any) -> Any:
        if value.__class__ in _TEXTS and len(value) > SMALL:
            return _kept(worked(len(value) * unit_s, call, value, *rest))
        return call(value, *rest)

    return run


def _kept(result: Any) -> Any:
    """A result, after it has been charged: what is made from a large text may be as large."""
    if result.__class__ in _TEXTS:
        charge(len(result))
    return result


def _texts(call: Call, unit_s: float, positions: tuple[int, ...]) -> Call:
    def run(*values: Any) -> Any:
        size = 0
        for position in positions:
            if values[position].__class__ in _TEXTS:
                size += len(values[position])
        if size <= SMALL:
            return call(*values)
        return _kept(worked(size * unit_s, call, *values))

    return run


def _several(call: Call, unit_s: float, texts: tuple[int, ...], collections: tuple[int, ...], copies: bool) -> Call:
    def run(*values: Any) -> Any:
        units = sum(_size(values[position], _TEXTS) for position in texts)
        items = sum(_size(values[position], _WALKED) for position in collections)
        if units + items <= SMALL:
            return call(*values)
        if copies:
            charge_items(items)
        return _kept(worked(units * unit_s + items * max(unit_s, ITEM_S), call, *values))

    return run


def _size(value: Any, kinds: tuple[type, ...]) -> int:
    return len(value) if isinstance(value, kinds) else 0  # type: ignore[arg-type]
