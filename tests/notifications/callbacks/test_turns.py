"""Callbacks take turns: neither a caller, nor a host, nor a caller at a shared host keeps all of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

import pytest

from gateway.notifications.callbacks.circuits import CallbackLine, Circuits
from gateway.notifications.callbacks.turns import CallbackTurns
from tests.notifications.conftest import run

HANGING = [("loud", "shared")] * 400

# Turns, what hangs in this order (caller, host), how many of each are sent.
CROWDS: dict[str, tuple[int, list[tuple[str, str]], dict[tuple[str, str], int]]] = {
    "many hosts of one caller": (8, [("loud", f"h{n % 3}") for n in range(400)] + [("quiet", "well")], {
        ("loud", "h0"): 2, ("loud", "h1"): 2, ("loud", "h2"): 2, ("quiet", "well"): 1,
    }),
    "one host of one caller, and another caller at it": (100, [*HANGING, ("quiet", "shared")], {
        ("loud", "shared"): 66, ("quiet", "shared"): 1,
    }),
    "two loud callers at one host, and a quiet one": (
        100, [*HANGING, *[("louder", "shared")] * 400, ("quiet", "shared"), ("quiet", "other")],
        {("loud", "shared"): 66, ("louder", "shared"): 17, ("quiet", "shared"): 1, ("quiet", "other"): 1},
    ),
    "few turns": (1, [("only", "h"), ("other", "h")], {("only", "h"): 1}),
}  # fmt: skip


def sent(limit: int, asked: Iterable[tuple[str, str]], circuits: Circuits) -> Counter[tuple[str, str]]:
    """Who gets a turn while none is returned."""

    async def crowd() -> Counter[tuple[str, str]]:
        turns, held = CallbackTurns(limit, circuits), Counter[tuple[str, str]]()

        async def hang(caller: str, host: str) -> None:
            async with turns.turn(CallbackLine(caller, host)):
                held[caller, host] += 1
                await asyncio.sleep(60)

        tasks = [asyncio.create_task(hang(*each)) for each in asked]
        await asyncio.sleep(0.05)
        found = held.copy()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return found

    return run(crowd())


@pytest.mark.parametrize("crowd", CROWDS)
def test_crowds(crowd: str) -> None:
    """However many callbacks hang, at the same host or elsewhere, another caller's is sent immediately."""
    limit, asked, expected = CROWDS[crowd]
    assert sent(limit, asked, Circuits()) == expected


def test_open_circuit() -> None:
    """A caller whose callbacks keep failing at a host holds one turn there, as many as it may elsewhere."""
    circuits = Circuits()
    for _ in range(5):
        circuits.record(CallbackLine("loud", "sick"), succeeded=False)
    asked = [*[("loud", "sick")] * 50, *[("loud", "well")] * 50, *[("other", "sick")] * 3]
    assert sent(8, asked, circuits) == {("loud", "sick"): 1, ("loud", "well"): 5, ("other", "sick"): 2}


def test_hanging_and_well_at_one_host() -> None:
    """A caller's URLs that keep hanging hold one turn; its others at the same host are not behind them."""

    async def crowd() -> Counter[int]:
        circuits, held = Circuits(), Counter[int]()
        for _ in range(5):
            circuits.record(CallbackLine("c", "h", 1), succeeded=False)
        turns = CallbackTurns(8, circuits)

        async def hang(group: int) -> None:
            async with turns.turn(CallbackLine("c", "h", group)):
                held[group] += 1
                await asyncio.sleep(60)

        tasks = [asyncio.create_task(hang(group)) for group in [*[1] * 400, 2, 3]]
        await asyncio.sleep(0.02)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return held

    assert run(crowd()) == {1: 1, 2: 1, 3: 1}


def test_next() -> None:
    """A turn that is returned goes to the caller that holds none, not to the one that asked first, at the same host."""

    async def order() -> list[str]:
        turns, begun, brief, never = CallbackTurns(4, Circuits()), list[str](), asyncio.Event(), asyncio.Event()

        async def hold(caller: str, until: asyncio.Event) -> None:
            async with turns.turn(CallbackLine(caller, "h")):
                begun.append(caller)
                await until.wait()

        tasks = [asyncio.create_task(hold("loud", until)) for until in (brief, never, never, never)]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(hold("quiet", never)))
        brief.set()
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return begun

    assert run(order()) == ["loud", "loud", "loud", "quiet"]
