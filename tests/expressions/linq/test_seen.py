"""Many keys are seen once each, and forgotten a little at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable

import pytest

from gateway.errors import GatewayError
from gateway.expressions.linq.seen import SeenKeys
from gateway.wire.slices import in_slices
from tests.expressions.stubs import compiled, context
from tests.hostile.wire.test_fair_loop import LONGEST_S
from tests.hostile.wire.turns import watched_turns
from tests.speed import on_this_machine


@pytest.mark.parametrize("count", [10, 20_000])
def test_each_is_new_once(count: int) -> None:
    """Few keys and many: each is new the first time, and found from then on."""
    seen = SeenKeys(range(0, count, 2))
    assert [key for key in range(count) if seen.add(key)] == list(range(1, count, 2))
    assert count - 1 in seen
    assert count not in seen


def test_it_is_forgotten_in_pieces() -> None:
    """Taken apart, it loses few keys at a time, and all of them in the end."""
    seen = SeenKeys(range(20_000))
    times = 0
    waiting = [seen]
    while waiting:
        waiting.extend(waiting.pop().take_apart())
        times += 1
    assert times > 20_000 / 64


def test_many_keys_hold_no_turn() -> None:
    """The keys of an expression that runs out of time are not freed in one turn of the loop."""
    expression = compiled("@(Enumerable.Range(0, 5).Except(Enumerable.Range(0, 900000)).Count())")

    async def scenario() -> float:
        async with watched_turns() as turns:
            await asyncio.sleep(0)
            with contextlib.suppress(GatewayError):
                result = in_slices(expression, context())
                if isinstance(result, Awaitable):
                    await result
            await asyncio.sleep(0)
        return turns.longest_s

    assert asyncio.run(scenario()) < on_this_machine(LONGEST_S)
