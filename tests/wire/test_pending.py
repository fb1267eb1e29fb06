"""A result that arrives later, without a task that waits for it."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable

import pytest

from gateway.wire.pending import Pending


def later(pending: Pending[int], action: Callable[[], None]) -> int:
    """What awaiting *pending* gives when *action* happens a moment later."""

    async def scenario() -> int:
        asyncio.get_running_loop().call_later(0.001, action)
        return await pending

    return asyncio.run(scenario())


def test_the_listener_is_called_once() -> None:
    """The first delivery counts; a second one is too late."""
    pending: Pending[int] = Pending()
    seen: list[int] = []
    pending.then(lambda done: seen.append(done.result()))
    pending.resolve(1)
    pending.resolve(2)
    pending.reject(ValueError())
    assert seen == [1]


def test_a_late_listener_is_called_at_once() -> None:
    """A listener that is added after the delivery is called immediately."""
    pending: Pending[int] = Pending()
    pending.reject(KeyError("x"))
    seen: list[Pending[int]] = []
    pending.then(seen.append)
    assert seen == [pending]
    with pytest.raises(KeyError):
        pending.result()


def test_await() -> None:
    """A Pending can be awaited, before and after its delivery."""
    pending: Pending[int] = Pending()
    assert later(pending, lambda: pending.resolve(3)) == 3
    assert later(pending, lambda: None) == 3


def test_map() -> None:
    """Mapped functions apply in order, once, when the result is asked for."""
    pending: Pending[int] = Pending()
    mapped = pending.map(lambda value: value + 1).map(str)
    pending.resolve(1)
    assert (mapped.result(), mapped.result()) == ("2", "2")


def _fails(_: object) -> int:
    raise ValueError("mapped")


@pytest.mark.parametrize("by_producer", [True, False])
def test_recover(by_producer: bool) -> None:
    """recover takes an error of the producer and one of the mapped function; later functions see its value."""
    pending: Pending[int] = Pending()
    mapped = pending.map(_fails, lambda error: 7).map(lambda value: value * 2)
    if by_producer:
        pending.reject(KeyError())
    else:
        pending.resolve(1)
    assert mapped.result() == 14


def test_without_recover_an_error_passes_through() -> None:
    """A mapped function is skipped when the producer failed."""
    pending: Pending[int] = Pending()
    mapped = pending.map(str)
    pending.reject(KeyError("x"))
    with pytest.raises(KeyError):
        mapped.result()


def test_an_awaitable_result_is_waited_for() -> None:
    """A mapped function may answer with something that is still to come."""

    async def more() -> int:
        await asyncio.sleep(0)
        return 9

    def begin(_: int) -> Awaitable[int]:
        return more()

    pending: Pending[int] = Pending()
    pending.map(begin)
    assert later(pending, lambda: pending.resolve(1)) == 9


def test_cancel_tells_the_producer() -> None:
    """If the result is no longer wanted, the producer is told, and the listener is not called."""
    told: list[bool] = []
    pending: Pending[int] = Pending(lambda: told.append(True))
    pending.then(lambda _: told.append(False))
    pending.cancel()
    pending.resolve(1)
    assert told == [True]


def test_cancel_after_the_delivery_is_nothing() -> None:
    """Cancelling a finished Pending does not reach its producer."""
    pending: Pending[int] = Pending(lambda: pytest.fail("told"))
    pending.resolve(1)
    pending.cancel()


def test_a_cancelled_waiter_cancels() -> None:
    """When the task that awaits is cancelled, the producer hears it; a delivery then wakes nobody."""
    told: list[bool] = []

    async def scenario() -> None:
        pending: Pending[int] = Pending(lambda: told.append(True))

        async def wait() -> int:
            return await pending

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        pending.resolve(1)

    asyncio.run(scenario())
    assert told == [True]


def test_what_is_cancelled_is_gone_at_once() -> None:
    """A request that its client has abandoned frees its body without waiting for the garbage collector."""

    class Call(Pending[int]):
        def __init__(self) -> None:
            super().__init__(self.give_up)

        def give_up(self) -> None:
            self.done = True

    class Held:
        """What the step keeps alive."""

    def give_up_a_call() -> weakref.ref[Held]:
        held, call = Held(), Call()
        call.map(lambda value: (value, call, held))
        call.cancel()
        return weakref.ref(held)

    gc.disable()
    try:
        assert give_up_a_call()() is None
    finally:
        gc.enable()
