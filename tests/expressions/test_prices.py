"""Whatever grows with its input has a price, and pays before it works."""

from __future__ import annotations

import pytest

from gateway.expressions import clr
from gateway.expressions import types as _types  # noqa: F401  (fills the allow-list)
from gateway.expressions.limits import METER, Allowance, LimitExceeded
from gateway.expressions.prices import PRICES, priced
from gateway.wire.work import Work

SIZED = {"string", "byte[]", "char[]", "string[]", "object[]"}


def _members() -> list[clr.Member]:
    return [
        member
        for definition in list(clr.DEFINITIONS.values())
        for members in clr.declared(definition).values()
        for member in members
    ]


def _takes_large_values(member: clr.Member) -> bool:
    inputs = [parameter.type for parameter in member.parameters]
    if not member.static:
        inputs.append(clr.make(member.owner, *map(clr.variable, member.owner.parameters)))
    return any(clr_type.name in SIZED or "IEnumerable" in clr_type.name for clr_type in inputs)


def test_every_member_that_takes_large_values_has_a_price() -> None:
    """No member processes texts, bytes or collections without being charged: by its wrapper, or by its own count."""
    members = [
        member for member in _members() if member.kind in ("method", "constructor") and _takes_large_values(member)
    ]
    assert len(members) > 300
    unpriced = [
        f"{member.owner.full_name}.{member.name}"
        for member in members
        if member.price not in PRICES and member.call.__module__ != priced.__module__
    ]
    assert unpriced == []


def test_prices_are_known_words() -> None:
    """A line of a table declares one of the prices, or is linear."""
    assert {member.price for member in _members()} <= PRICES | {""}


@pytest.mark.parametrize("price", ["", "slow"])
@pytest.mark.parametrize("positions", [((0,), ()), ((0, 1), ()), ((), (0, 1))], ids=["first", "two", "collections"])
def test_refuses_before_the_work_begins(price: str, positions: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    """A call for which the remaining time does not suffice is never made."""
    calls: list[object] = []
    call = priced(lambda *values: calls.append(values), price, *positions, copies=False)
    METER.left = Allowance(0.01, Work())
    try:
        call("a" * 100, "b")
        with pytest.raises(LimitExceeded):
            call("x" * 8_000_000, "y" * 8_000_000)
    finally:
        METER.left = None
    assert len(calls) == 1
