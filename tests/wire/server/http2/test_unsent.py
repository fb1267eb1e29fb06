"""Answers that are not read take a bounded amount of memory."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import pytest
import uvloop

from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response
from gateway.wire.server.http2 import unsent
from gateway.wire.server.http2.unsent import FREE_BYTES, Unsent, UnsentBytes
from gateway.wire.sweeper import Sweeper
from tests.wire.rig import Answerer, listener_of, serving, settled
from tests.wire.server.http2.client import connected
from tests.wire.server.http2.test_connection import CLEAR

MIB = 1024 * 1024
LARGE = bytes(200_000)


def test_who_reads_nothing_ends_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many connections with unread answers those end that read nothing, and the rest is answered completely."""
    monkeypatch.setattr(unsent, "MAX_BYTES", 8 * MIB)
    monkeypatch.setattr(unsent, "STILL_S", 0.0)

    async def scenario() -> None:
        application = Answerer(lambda _: Response(200, Headers(), Body(LARGE)))
        async with serving(application, CLEAR) as server, AsyncExitStack() as stack:
            total = listener_of(server).unsent
            clients = [await stack.enter_async_context(connected(server.port)) for _ in range(4)]
            for client in clients:
                client.takes = False
                for number in range(30):
                    client.begin(f"/{number}")
                await asyncio.sleep(0.05)
                assert total.total <= 8 * MIB + len(LARGE)
            assert await settled(lambda: sum(client.closed for client in clients) >= 2)
            async with connected(server.port) as reading:
                answers = await asyncio.gather(*[reading.get(f"/{number}") for number in range(30)])
                assert all(answer.body == LARGE for answer in answers)
        assert total.total == 0

    uvloop.run(scenario())


def test_the_account_is_exact() -> None:
    """What waits counts beyond what each connection may have, until it is taken, dropped, or the connection ends."""

    async def scenario() -> None:
        ended: list[int] = []
        account, sweeper = UnsentBytes(), Sweeper(asyncio.get_running_loop())
        first, second = (Unsent(account, sweeper, partial(ended.append, number)) for number in range(2))
        first.grow(FREE_BYTES)
        assert account.total == 0
        first.grow(30 * MIB)
        second.grow(FREE_BYTES + 40 * MIB)
        assert (account.total, ended) == (70 * MIB, [])  # both have only just begun
        sweeper.now += 1
        first.shrink(10 * MIB)
        assert (account.total, ended) == (20 * MIB, [1])  # the other one has moved
        second.drop(1)
        second.end()
        first.grow(100 * MIB)
        assert (account.total, ended) == (120 * MIB, [1])
        first.grow(10 * MIB)
        assert (account.total, ended) == (0, [1, 0])  # although it reads

    uvloop.run(scenario())
