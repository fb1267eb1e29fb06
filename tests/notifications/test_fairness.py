"""Turns are shared: one party's hundred waiters do not stand in front of another's one."""

from __future__ import annotations

import asyncio

from gateway.notifications.fairness import FairTurns
from tests.notifications.conftest import run


async def _hold(turns: FairTurns, begun: list[str], release: asyncio.Event, *parties: str) -> None:
    async with turns.turn(*parties):
        begun.append(parties[0])
        await release.wait()


def test_share() -> None:
    """However many turns one party requests, another is served immediately."""

    async def crowd() -> list[str]:
        turns, begun, release = FairTurns(4), list[str](), asyncio.Event()
        tasks = [asyncio.create_task(_hold(turns, begun, release, "loud")) for _ in range(100)]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(_hold(turns, begun, release, "quiet")))
        await asyncio.sleep(0.01)
        seen = list(begun)
        release.set()
        await asyncio.gather(*tasks)
        return seen

    assert run(crowd()) == ["loud", "loud", "loud", "quiet"]


def test_any_party() -> None:
    """A host that hangs is bounded whichever callers use it, and a single turn is never refused for ever."""

    async def crowd() -> tuple[int, int]:
        turns, begun, release = FairTurns(4), list[str](), asyncio.Event()
        tasks = [asyncio.create_task(_hold(turns, begun, release, f"c{n}", "host")) for n in range(10)]
        await asyncio.sleep(0.01)
        held = len(begun)
        release.set()
        await asyncio.gather(*tasks)
        async with FairTurns(1).turn("only"):
            return held, len(begun)

    assert run(crowd()) == (3, 10)


def test_next() -> None:
    """A turn that is returned goes to the party that holds the fewest, not to the one that asked first."""

    async def order() -> list[str]:
        turns, begun, release = FairTurns(3), list[str](), asyncio.Event()
        busy, brief = asyncio.Event(), asyncio.Event()
        first = [asyncio.create_task(_hold(turns, [], busy, "a")), asyncio.create_task(_hold(turns, [], busy, "b"))]
        first.append(asyncio.create_task(_hold(turns, [], brief, "b")))
        await asyncio.sleep(0)
        tasks = [asyncio.create_task(_hold(turns, begun, release, name)) for name in ("a", "c")]
        await asyncio.sleep(0)
        brief.set()
        await asyncio.sleep(0.01)
        seen = list(begun)
        release.set()
        busy.set()
        await asyncio.gather(*first, *tasks)
        return seen

    assert run(order()) == ["c"]


def test_cancelled() -> None:
    """A waiter that is cancelled, even in the moment in which it is served, leaves its turn to the others."""

    async def cancel() -> bool:
        turns, release = FairTurns(1), asyncio.Event()
        first = asyncio.create_task(_hold(turns, [], release, "a"))
        await asyncio.sleep(0)
        second = asyncio.create_task(_hold(turns, [], release, "a"))
        await asyncio.sleep(0)
        release.set()
        await first
        second.cancel()
        await asyncio.wait([second])
        async with asyncio.timeout(1), turns.turn("b"):
            return True

    assert run(cancel())


def test_in_turn() -> None:
    """Of parties that hold equally few turns each is served in turn, however many of one wait."""

    async def order() -> list[str]:
        turns, begun, release = FairTurns(1), list[str](), asyncio.Event()
        release.set()
        async with turns.turn("first"):
            tasks = [asyncio.create_task(_hold(turns, begun, release, name)) for name in ("a", "a", "a", "b", "c")]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        return begun

    assert run(order()) == ["a", "b", "c", "a", "a"]
