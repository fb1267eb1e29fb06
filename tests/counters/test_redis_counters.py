"""Counters in Redis: shared, atomic, and harmless when Redis is away."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import cast

import pytest
from redis.crc import key_slot

from gateway.counters import Admission, CalendarWindow, Demand, FixedWindow, MemoryCounters, SlidingWindow
from gateway.counters.redis_counters import RedisCounters
from gateway.outside.redis_clients import Client, connect
from gateway.outside.redis_link import RedisLink
from tests.redis_server import RedisServer, running_redis, settings_for

pytestmark = pytest.mark.needs("redis-server")


def with_client(server: RedisServer, scenario: Callable[[Client], Awaitable[None]]) -> None:
    """Run *scenario* on an empty server."""

    async def run() -> None:
        client = connect(settings_for(server.url), timeout_s=10)
        await client.flushall()
        try:
            await scenario(client)
        finally:
            await client.aclose()

    asyncio.run(run())


def test_replicas_share_one_count(redis_server: RedisServer) -> None:
    """Of many calls at once through two replicas exactly the limit is admitted."""

    async def scenario(client: Client) -> None:
        replicas = [RedisCounters(RedisLink(client)), RedisCounters(RedisLink(client))]
        for window in (SlidingWindow(100, 60), FixedWindow(100, 10**6)):
            calls = [replicas[index % 2].admit([Demand("a", window)]) for index in range(300)]
            answers = await asyncio.gather(*calls)
            assert sum(answer.exceeded is None for answer in answers) == 100

    with_client(redis_server, scenario)


def test_replicas_share_whole_amounts(redis_server: RedisServer) -> None:
    """Two clients ask for prompts of different sizes at once: what is admitted is never more than the limit."""

    async def scenario(client: Client) -> None:
        other = connect(settings_for(redis_server.url), timeout_s=10)
        replicas = [RedisCounters(RedisLink(client)), RedisCounters(RedisLink(other))]
        for window in (SlidingWindow(1_000, 60), CalendarWindow(1_000, 1)):
            demands = [Demand("a", window, 7 + index % 5, whole=True) for index in range(300)]
            calls = [replicas[index % 2].admit([demand]) for index, demand in enumerate(demands)]
            answers = await asyncio.gather(*calls)
            admitted = [
                demand.amount for demand, answer in zip(demands, answers, strict=True) if answer.exceeded is None
            ]
            (usage,) = (await replicas[0].admit([Demand("a", window, 0)])).usages
            assert sum(admitted) == usage.used
            assert 1_000 - 7 < usage.used <= 1_000
        await other.aclose()

    with_client(redis_server, scenario)


def test_both_kinds_of_counters_agree(redis_server: RedisServer) -> None:
    """Whatever is asked, counted and corrected in whatever order: memory and Redis answer the same."""

    async def scenario(client: Client) -> None:
        clock = [1_780_271_900.0]  # just before a month ends
        ours, theirs = MemoryCounters(lambda: clock[0]), RedisCounters(RedisLink(client), clock=lambda: clock[0])
        windows = (SlidingWindow(200, 60), FixedWindow(500, 3600), CalendarWindow(900, 1))
        random.seed(5)
        counted: list[tuple[Demand, float]] = []
        for _ in range(400):
            clock[0] += random.choice([0, 0.25, 3, 40, 400])
            demand = Demand("a", random.choice(windows), random.randrange(1, 60), whole=random.random() < 0.7)
            if counted and random.random() < 0.4:
                earlier, at = counted.pop(random.randrange(len(counted)))
                due = earlier._replace(amount=random.randrange(-earlier.amount, earlier.amount), counted_at=at)
                ours.add([due])
                await theirs.add([due])
            here, there = ours.admit([demand]), await theirs.admit([demand])
            assert (here.exceeded, here.at) == (there.exceeded, there.at)
            for mine, other in zip(here.usages, there.usages, strict=True):
                assert mine[:2] == other[:2]
                assert mine.wait_s == pytest.approx(other.wait_s, abs=1e-5)
            if here.exceeded is None:
                counted.append((demand, here.at))

    with_client(redis_server, scenario)


def test_what_another_counted_is_not_corrected() -> None:
    """What was admitted by memory while Redis was away has no time by which Redis could withdraw it."""

    async def scenario() -> None:
        client = connect(settings_for("redis://127.0.0.1:1/0"), timeout_s=0.2)
        assert math.isinf((await RedisCounters(RedisLink(client)).admit([Demand("a", SlidingWindow(1, 60))])).at)
        await client.aclose()

    asyncio.run(scenario())


def test_namespaces_are_apart(redis_server: RedisServer) -> None:
    """Two gateways with different namespaces share a server, not counters."""

    async def scenario(client: Client) -> None:
        demand = Demand("a", SlidingWindow(1, 60))
        for name in ("one", "two"):
            answer = await RedisCounters(RedisLink(client), name).admit([demand])
            assert answer.exceeded is None
        assert sorted(await client.keys()) == [b"one/{ca978112ca1bbdca}/rate/60/a", b"two/{ca978112ca1bbdca}/rate/60/a"]

    with_client(redis_server, scenario)


@pytest.mark.parametrize("owner", ["a", "", "}", "{}", "a{b}c", "\udc80", "k" * 1000])
def test_keys_of_a_call_are_on_one_node(owner: str, redis_server: RedisServer) -> None:
    """Whatever callers send, the keys of one call have one slot of a cluster, and other owners have others."""

    async def scenario(client: Client) -> None:
        counters = RedisCounters(RedisLink(client))
        for asked in (owner, "other"):
            keys = [f"{start}{asked}" for start in ("", "{x}", "}{", "calls/")]
            windows = (SlidingWindow(5, 60), FixedWindow(5, 0))
            await counters.admit([Demand(key, window, owner=asked or " ") for key in keys for window in windows])
        assert len(await client.keys()) == 16
        assert len({slot(key) for key in await client.keys()}) == 2

    with_client(redis_server, scenario)


def slot(key: bytes | str) -> int:
    """Of a cluster."""
    return key_slot(key.encode() if isinstance(key, str) else key)


def test_script_is_sent_where_it_is_missing(redis_server: RedisServer) -> None:
    """A server that has forgotten the script, or never had it, gets it with the next call."""

    async def scenario(client: Client) -> None:
        counters, demand = RedisCounters(RedisLink(client)), Demand("a", SlidingWindow(9, 60))
        for calls in (1, 2, 3):
            await client.script_flush()
            assert (await counters.admit([demand])).usages[0].used == calls

    with_client(redis_server, scenario)


def test_keys_expire_by_themselves(redis_server: RedisServer) -> None:
    """Nothing stays in Redis longer than its period, except a quota that never renews."""

    async def scenario(client: Client) -> None:
        windows = (SlidingWindow(5, 60), FixedWindow(5, 3_600), FixedWindow(5, 0))
        demands = [Demand("a", window) for window in windows]
        await RedisCounters(RedisLink(client)).add(demands)
        prefix = "gateway/{ca978112ca1bbdca}/"
        rate, quota, forever = [await client.pttl(prefix + demand.storage_key) for demand in demands]
        assert 59_000 < rate <= 60_000
        assert 0 < quota <= 3_600_000
        assert forever == -1

    with_client(redis_server, scenario)


def test_rate_slides_by_the_servers_clock(redis_server: RedisServer) -> None:
    """Without a clock of its own a replica counts by Redis's, so replicas need not agree on the time."""

    async def scenario(client: Client) -> None:
        counters, demand = RedisCounters(RedisLink(client)), Demand("a", SlidingWindow(2, 0.2))
        assert [(await counters.admit([demand])).exceeded for _ in range(3)] == [None, None, 0]
        await asyncio.sleep((await counters.admit([demand])).usages[0].wait_s + 0.02)
        assert (await counters.admit([demand])).exceeded is None

    with_client(redis_server, scenario)


def test_entries_are_bounded(redis_server: RedisServer) -> None:
    """A counter with a huge limit stays under 4 KiB in Redis."""

    async def scenario(client: Client) -> None:
        now = 0.0
        counters, demand = RedisCounters(RedisLink(client), clock=lambda: now), Demand("a", SlidingWindow(10**9, 60))
        for _ in range(400):
            now += 0.25
            await counters.add([demand])
        assert await client.strlen(f"gateway/{demand.storage_key}") < 4_096

    with_client(redis_server, scenario)


class Slow:
    """Counters that answer with an awaitable, to stand in."""

    def __init__(self) -> None:
        self.added: list[Demand] = []

    async def admit(self, demands: Sequence[Demand]) -> Admission:
        """Refuse."""
        return Admission((), 0)

    async def add(self, demands: Sequence[Demand]) -> None:
        """Remember."""
        self.added += demands


def test_limits_hold_while_redis_is_away(tmp_path: Path) -> None:
    """Without Redis each replica counts by itself: nothing fails or is unlimited; when it is back, it is used again."""
    demand = Demand("a", SlidingWindow(2, 60))
    with running_redis(tmp_path) as server:

        async def scenario(client: Client) -> None:
            link = RedisLink(client, pause_s=0.05)
            counters = RedisCounters(link)
            assert (await counters.admit([demand])).exceeded is None
            server.stop()
            await counters.add([demand])
            assert [(await counters.admit([demand])).exceeded for _ in range(2)] == [None, 0]
            assert link.away
            server.start()
            await asyncio.sleep(0.06)
            assert [(await counters.admit([demand])).exceeded for _ in range(3)] == [None, None, 0]
            assert not link.away

        with_client(server, scenario)


def test_another_fallback_is_possible() -> None:
    """The fallback while Redis is unavailable can itself be slow."""

    async def scenario() -> None:
        client, slow = connect(settings_for("redis://127.0.0.1:1")), Slow()
        counters = RedisCounters(RedisLink(client), fallback=slow)
        demand = Demand("a", SlidingWindow(2, 60))
        assert (await counters.admit([demand])).exceeded == 0
        await counters.add([demand])
        assert slow.added == [demand]
        await client.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("content", [b"not packed \xff", b"\x05", b"\x93\x01\x02\xa1a", b"\xc1", b""])
def test_a_key_that_is_not_ours(content: bytes, redis_server: RedisServer) -> None:
    """What was not written by a gateway is counted from nothing, and does not look like a server that fails."""

    async def scenario(client: Client) -> None:
        link = RedisLink(client)
        counters, demands = RedisCounters(link), [Demand("a", SlidingWindow(2, 60)), Demand("a", FixedWindow(2, 60))]
        await counters.admit(demands)
        for key in await client.keys():
            await client.set(key, content)
        assert [(await counters.admit(demands)).exceeded is None for _ in range(3)] == [True, True, False]
        assert link.away is None

    with_client(redis_server, scenario)


@pytest.mark.parametrize("reply", [5, [], None, b"OK", [1, 1], [1, 1, b"x"], [1, 1, b"0", 1, b"0"]])
def test_another_answer(reply: object) -> None:
    """What is no answer of the script counts as a server that is away: no request fails by it."""

    class Stranger:
        async def evalsha(self, *_: object) -> object:
            return reply

    async def scenario() -> None:
        link = RedisLink(connect(settings_for("redis://127.0.0.1:1")))
        link.client = cast("Client", Stranger())
        demand = Demand("a", SlidingWindow(1, 60))
        answers = [await RedisCounters(link, fallback=memory).admit([demand]) for _ in range(2)]
        assert [answer.exceeded is None for answer in answers] == [True, False]
        assert link.away is not None

    memory = MemoryCounters()
    asyncio.run(scenario())
