"""A host that hangs costs one turn; it is heard again with its first answer."""

from __future__ import annotations

import asyncio

from gateway.notifications.callbacks.circuits import HostCircuits
from gateway.notifications.callbacks.sending import CallbackSender
from gateway.notifications.settings import CallbackSettings
from tests.notifications.conftest import run


def test_opens_and_closes() -> None:
    """Five failures in a row open the circuit, one success closes it."""
    circuits = HostCircuits()
    for _ in range(5):
        assert not circuits.is_open("a")
        circuits.record("a", succeeded=False)
    assert circuits.open_hosts == ["a"]
    circuits.record("a", succeeded=True)
    assert not circuits.is_open("a")
    assert circuits.open_hosts == []


def test_hanging_callbacks() -> None:
    """However many callbacks of one caller hang, another caller's is sent immediately; an open circuit leaves one."""

    async def crowd() -> tuple[int, int]:
        sender = CallbackSender(CallbackSettings(concurrency=8))
        held: list[str] = []

        async def hang(caller: str, host: str) -> None:
            async with sender.turn(caller, host):
                held.append(caller)
                await asyncio.sleep(60)

        tasks = [asyncio.create_task(hang("loud", f"h{number % 3}")) for number in range(400)]
        await asyncio.sleep(0.01)
        async with asyncio.timeout(1), sender.turn("quiet", "well"):
            alone = len(held)
        for _ in range(5):
            sender.circuits.record("sick", succeeded=False)
        tasks += [asyncio.create_task(hang(f"c{number}", "sick")) for number in range(5)]
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return alone, len(held)

    assert run(crowd()) == (6, 7)
