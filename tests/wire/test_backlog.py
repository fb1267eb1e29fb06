"""What connections leave for later turns is done in order, a little in each turn."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar

import pytest

from gateway.wire.backlog import SLICE_S, backlog
from tests.hostile.wire.turns import watched_turns

CALLER: ContextVar[str] = ContextVar("caller", default="nobody")


def _run(count: int, work_s: float, price_s: float = 0.0) -> dict[int, list[int]]:
    """What runs in which turn, of *count* pieces of work that each take *work_s*."""
    done: dict[int, list[int]] = {}

    async def scenario() -> None:
        async with watched_turns() as turns:

            def work(number: int) -> None:
                end = time.thread_time() + work_s
                while time.thread_time() < end:
                    pass
                done.setdefault(turns.count, []).append(number)

            for number in range(count):
                backlog().add(work, number, price_s=price_s)
            while sum(map(len, done.values())) < count:
                await asyncio.sleep(0)

    asyncio.run(scenario())
    return done


def test_a_turn_has_a_slice() -> None:
    """Whatever the number of those that wait, a turn does a slice of their work, in order."""
    done = _run(12, SLICE_S * 0.6)
    assert max(map(len, done.values())) <= 2
    assert sum(done.values(), []) == list(range(12))


def test_quick_work_shares_a_turn() -> None:
    """What takes hardly any time does not wait for turns of its own."""
    assert len(_run(20, 0.0)) <= 2


def test_work_with_a_price_has_a_turn_of_its_own() -> None:
    """What leads to work behind it, such as reading on, is counted with its price."""
    assert [len(numbers) for numbers in _run(5, 0.0, price_s=2 * SLICE_S).values()] == [1] * 5


def test_what_is_left_again_waits_for_the_next_turn() -> None:
    """Work that leaves more behind does not go on in the same turn."""

    async def scenario() -> None:
        seen: list[int] = []
        async with watched_turns() as turns:

            def work() -> None:
                seen.append(turns.count)
                if len(seen) < 5:
                    backlog().add(work)

            backlog().add(work)
            while len(seen) < 5:
                await asyncio.sleep(0)
        assert len(set(seen)) == 5

    asyncio.run(scenario())


def _fail() -> None:
    raise ZeroDivisionError


def test_a_failure_stops_no_other() -> None:
    """An exception reaches the event loop's handler, and those behind it have their turn."""

    async def scenario() -> None:
        loop, failures = asyncio.get_running_loop(), []
        loop.set_exception_handler(lambda _, found: failures.append(found["exception"]))
        done = loop.create_future()
        backlog().add(_fail)
        backlog().add(done.set_result, None)
        await asyncio.wait_for(done, 5)
        assert [type(failure) for failure in failures] == [ZeroDivisionError]

    asyncio.run(scenario())


@pytest.mark.parametrize("caller", ["alice", "bob"])
def test_work_runs_in_its_own_context(caller: str) -> None:
    """What one connection has set is not seen in another's work."""

    async def scenario() -> None:
        seen: list[str] = []

        def work() -> None:
            seen.append(CALLER.get())
            CALLER.set("changed")

        for name in (caller, "carol"):
            CALLER.set(name)
            backlog().add(work)
        while len(seen) < 2:
            await asyncio.sleep(0)
        assert seen == [caller, "carol"]

    asyncio.run(scenario())
