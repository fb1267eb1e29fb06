"""Long work in slices: the loop has its turns while it is done, and short work is an ordinary call."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable
from contextvars import ContextVar
from typing import Any

import pytest

from gateway.wire import slices
from gateway.wire.slices import SLICE_S, Unfinished, elsewhere, in_slices, rest, sliced, wait_for, work_time
from tests.hostile.wire.turns import watched_turns
from tests.speed import on_this_machine

LONG_S = 20 * SLICE_S
NAME: ContextVar[str] = ContextVar("name", default="none")


def busy(seconds: float) -> str:
    """Work that rests every so often, and takes *seconds* of its own."""
    end = work_time() + seconds
    while work_time() < end:
        for _ in range(100):
            pass
        rest()
    return "done"


async def finished(result: Any) -> Any:
    """*result*, waited for where it comes later."""
    return await result if isinstance(result, Awaitable) else result


def test_short_work_is_a_call() -> None:
    """Its result is there immediately, with no loop running, and the greenlet serves again."""
    assert in_slices(lambda number: number + 1, 1) == 2
    idle = len(slices._TURNS.idle)
    assert in_slices(str, 5) == "5"
    assert len(slices._TURNS.idle) == idle


def test_nothing_of_a_request_stays_behind() -> None:
    """A greenlet without work holds neither what it was given nor what it has made."""
    in_slices(lambda argument: [argument], object())
    assert all(worker.function is worker.argument is worker.result is None for worker in slices._TURNS.idle)


def test_errors_reach_the_caller() -> None:
    """What the work raises is raised where its result would be, at once or later."""

    def fails(seconds: float) -> None:
        busy(seconds)
        raise KeyError(seconds)

    async def scenario() -> None:
        with pytest.raises(KeyError):
            in_slices(fails, 0.0)
        with pytest.raises(KeyError):
            await finished(in_slices(fails, LONG_S))

    asyncio.run(scenario())


def test_the_loop_has_turns_during_long_work() -> None:
    """No turn takes much longer than a slice, whatever the number of those who have work."""

    async def scenario() -> None:
        async with watched_turns() as turns:
            await asyncio.sleep(0)
            results = await asyncio.gather(*(finished(in_slices(busy, LONG_S)) for _ in range(8)))
        assert results == ["done"] * 8
        assert turns.longest_s < on_this_machine(LONG_S / 2)
        assert turns.count > 40

    asyncio.run(scenario())


def test_without_a_loop_work_is_done_in_one_go() -> None:
    """At load, in tests and in threads nobody waits for a turn."""
    assert in_slices(busy, 3 * SLICE_S) == "done"
    assert in_slices(lambda _: elsewhere(lambda: threading.current_thread(), 1.0), None) is threading.current_thread()


def test_others_time_is_not_the_works() -> None:
    """What others compute while the work waits is not counted as its own."""

    async def scenario() -> None:
        def measured(seconds: float) -> float:
            begun_s = work_time()
            busy(seconds)
            return work_time() - begun_s

        own, *_ = await asyncio.gather(*(finished(in_slices(measured, LONG_S)) for _ in range(5)))
        assert LONG_S <= own < 2 * LONG_S

    asyncio.run(scenario())


def test_a_long_step_is_made_in_a_thread() -> None:
    """A single step above a slice does not run on the loop's thread, and its errors come back."""

    def step() -> str:
        time.sleep(0.01)
        return threading.current_thread().name

    def fails() -> None:
        raise ValueError("step")

    async def scenario() -> None:
        name = await finished(in_slices(lambda _: elsewhere(step, 1.0), None))
        assert name.startswith("long-step")
        assert in_slices(lambda _: elsewhere(step, 0.0), None) == threading.current_thread().name
        with pytest.raises(ValueError, match="step"):
            await finished(in_slices(lambda _: elsewhere(fails, 1.0), None))

    asyncio.run(scenario())


def test_work_that_nobody_waits_for_ends() -> None:
    """When the task is cancelled the work is unwound where it stands."""
    unwound: list[str] = []

    def work(_: None) -> None:
        try:
            busy(10.0)
        finally:
            unwound.append("yes")

    async def scenario() -> None:
        task = asyncio.ensure_future(finished(in_slices(work, None)))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert unwound == ["yes"]


def test_coroutines_run_in_slices_too() -> None:
    """What an asynchronous function computes between its awaits gives the loop its turns; errors pass both ways."""

    async def applied(seconds: float) -> str:
        busy(seconds)
        try:
            await asyncio.wait_for(asyncio.sleep(9), 0.01)
        except TimeoutError:
            busy(seconds)
        if seconds < LONG_S:
            raise KeyError("short")
        return NAME.get()

    async def scenario() -> None:
        NAME.set("set outside")
        async with watched_turns() as turns:
            await asyncio.sleep(0)
            assert await sliced(applied)(LONG_S) == "set outside"
            with pytest.raises(KeyError):
                await sliced(applied)(0.0)
        assert turns.longest_s < on_this_machine(LONG_S / 2)

    asyncio.run(scenario())


def test_work_of_many_stays_apart() -> None:
    """Of callers whose work takes many slices at the same time each gets its own result, made in its own context."""

    def made(number: int) -> tuple[int, str]:
        busy(3 * SLICE_S)
        return number, NAME.get()

    def made_later(number: int) -> Awaitable[tuple[int, str]]:
        busy(3 * SLICE_S)
        return waited(number)

    async def waited(number: int) -> tuple[int, str]:
        await asyncio.sleep(0)
        return made(number)

    async def caller(number: int) -> tuple[int, str]:
        NAME.set(str(number))
        function = [made, made_later, waited][number % 3]
        got: tuple[int, str] = await finished(sliced(function)(number))
        return got

    async def scenario() -> None:
        results = await asyncio.gather(*map(caller, range(30)))
        assert results == [(number, str(number)) for number in range(30)]

    asyncio.run(scenario())


def test_unfinished_work_is_not_waited_for_within_other_work() -> None:
    """The greenlet that waits would be left in the middle of its work: that is a mistake in the code, and said so."""

    async def scenario() -> None:
        unfinished = in_slices(busy, LONG_S)
        assert isinstance(unfinished, Unfinished)

        async def waits() -> object:
            return await unfinished

        with pytest.raises(RuntimeError, match="cannot wait for other work"):
            await sliced(lambda _: waits())(None)
        assert await unfinished == "done"

    asyncio.run(scenario())


def test_waiting_needs_slices() -> None:
    """A plain call cannot wait: that is a mistake in the code, and said so."""

    async def scenario() -> None:
        with pytest.raises(RuntimeError):
            wait_for(asyncio.get_running_loop().create_future())

    asyncio.run(scenario())


def test_a_peak_leaves_few_greenlets_behind() -> None:
    """However many pieces of work were under way, a bounded number of greenlets waits for more, without context."""
    count = 3 * slices.MOST_IDLE

    async def scenario() -> None:
        gate = asyncio.get_running_loop().create_future()
        working = [in_slices(wait_for, gate) for _ in range(count)]
        gate.set_result("open")
        assert [await finished(each) for each in working] == ["open"] * count

    asyncio.run(scenario())
    assert len(slices._TURNS.idle) <= slices.MOST_IDLE
    assert all(worker.gr_context is None for worker in slices._TURNS.idle)


@pytest.mark.parametrize("how", ["with a loop", "without a loop"])
def test_a_loop_that_dies_amid_work_spoils_no_other(how: str) -> None:
    """What waited in a loop that has ended is forgotten, and the next work, in whatever loop, is done."""

    async def dies() -> None:
        begun.append(in_slices(busy, LONG_S))
        slices._TURNS.next(asyncio.get_running_loop())

    begun: list[Any] = []
    loop = asyncio.new_event_loop()
    loop.run_until_complete(dies())
    loop.close()
    slices._TURNS.began_s = 0.0  # the end of the turn never came

    async def later() -> None:
        assert await finished(in_slices(busy, 2 * SLICE_S)) == "done"

    if how == "with a loop":
        asyncio.run(later())
    else:
        assert in_slices(busy, 2 * SLICE_S) == "done"
    begun.clear()
