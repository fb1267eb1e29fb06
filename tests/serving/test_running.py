"""One process that starts: what it waits for, and what ends that."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from gateway.assembly.app import Gateway
from gateway.serving import running
from gateway.serving.signals import StopSignals


class _Waiting:
    """A gateway whose issuers do not answer, and signals that come when they are told to."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.cancelled = False
        self.issuers = self

    async def first_keys(self, seconds: float) -> None:
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            self.cancelled = True
            raise

    async def wait(self) -> None:
        await self.stop.wait()


@pytest.mark.timeout(20)
def test_a_start_that_waits_for_keys_can_be_stopped() -> None:
    """A worker whose supervisor is gone while it waits for keys stops waiting: it holds the addresses."""

    async def scenario() -> bool:
        waiting = _Waiting()
        asyncio.get_running_loop().call_later(0.01, waiting.stop.set)
        await running._first_keys(cast(Gateway, waiting), cast(StopSignals, waiting))
        return waiting.cancelled

    assert asyncio.run(scenario())
