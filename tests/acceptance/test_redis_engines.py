"""Redis Cluster and Sentinel with real servers: what becomes of counters while servers come, go and hand keys over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.counters import Demand, FixedWindow, SlidingWindow
from gateway.counters.redis_counters import RedisCounters
from gateway.counters.windows import Window
from gateway.outside import redis_link
from gateway.outside.identity import IdentityToken, IdentityTokens
from gateway.outside.redis_clients import connect
from gateway.outside.redis_link import RedisLink
from gateway.outside.redis_login import EntraCredentials
from gateway.outside.redis_settings import RedisLogin, RedisSettings
from gateway.outside.settings import ClientTls
from gateway.value_cache.redis_cache import RedisCache
from tests.redis_server import (
    RedisServer,
    TlsFiles,
    free_port,
    running_cluster,
    running_sentinels,
    running_small_cluster,
    settings_for,
)

pytestmark = [pytest.mark.needs("redis-server"), pytest.mark.slow]

OWNERS = [f"owner {number} }}{{" for number in range(60)]  # they are spread over all nodes
NEVER_FULL = 10**9


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured here is not the time: a loaded machine may need more than a request would wait."""
    monkeypatch.setattr(redis_link, "BOUND_S", 20.0)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[RedisServer]]:
    """Three primaries and their replicas."""
    with running_cluster(tmp_path) as servers:
        yield servers


def demands(owner: str) -> list[Demand]:
    """Two counters of one owner, as a policy with several limits has them."""
    windows: list[Window] = [SlidingWindow(NEVER_FULL, 600), FixedWindow(NEVER_FULL, 0)]
    return [Demand(f"{number}/{owner}", window, owner=owner) for number, window in enumerate(windows)]


@asynccontextmanager
async def linked(settings: RedisSettings) -> AsyncIterator[RedisLink]:
    """A link, closed at the end."""
    link = RedisLink(connect(settings, timeout_s=10))
    try:
        yield link
    finally:
        await link.aclose()


async def count(counters: RedisCounters, owner: str) -> int:
    """Count one call; how many that makes, by the counter that was asked."""
    admission = await counters.admit(demands(owner))
    assert admission.exceeded is None
    rate, quota = (usage.used for usage in admission.usages)
    assert rate == quota
    return rate


async def until(met: Callable[[], Awaitable[bool]]) -> None:
    """Wait until *met*."""
    async with asyncio.timeout(60):
        while not await met():
            await asyncio.sleep(0.05)


def replicated(server: RedisServer) -> Callable[[], Awaitable[bool]]:
    """Whether its replica has everything."""
    return lambda: asyncio.to_thread(server.is_replicated)


def test_cluster_loses_a_primary(cluster: list[RedisServer]) -> None:
    """
    While a primary is away, its keys are counted by each replica of the gateway itself, and no call fails or hangs;
    once its own replica has taken over, the count continues where it was.
    """

    async def scenario() -> None:
        addresses = [f"redis://127.0.0.1:{server.port}" for server in cluster[:2]]
        async with linked(settings_for(*addresses, topology="cluster")) as link:
            counters = RedisCounters(link)
            for calls in range(1, 4):
                assert [await count(counters, owner) for owner in OWNERS] == [calls] * len(OWNERS)
            await until(replicated(cluster[0]))
            cluster[0].stop()
            await counted_by_itself(counters)
            await until(lambda: all_shared(link, counters))
            assert min([await count(counters, owner) for owner in OWNERS]) > 3

    async def counted_by_itself(counters: RedisCounters) -> None:
        async def begins_again() -> bool:
            async with asyncio.timeout(30):
                return min([await count(counters, owner) for owner in OWNERS]) <= 3

        await until(begins_again)

    async def all_shared(link: RedisLink, counters: RedisCounters) -> bool:
        await link.check()
        return link.away is None and min([await count(counters, owner) for owner in OWNERS]) > 3

    asyncio.run(scenario())


def test_slots_move_while_they_are_used(cluster: list[RedisServer]) -> None:
    """While keys are handed over to another node, key by key, every call is counted exactly once."""

    async def scenario() -> None:
        async with linked(settings_for(f"redis://127.0.0.1:{cluster[2].port}", topology="cluster")) as link:
            counters = RedisCounters(link)
            await asyncio.gather(*(count(counters, owner) for owner in OWNERS))
            moving, calls = asyncio.create_task(asyncio.to_thread(move_slots, cluster)), 1
            while not moving.done() or calls < 20:
                calls += 1
                await asyncio.gather(*(count(counters, owner) for owner in OWNERS))
            moved = await moving
            assert moved >= 10
            assert {await count(counters, owner) for owner in OWNERS} == {calls + 1}
            assert link.away is None

    asyncio.run(scenario())


def move_slots(cluster: list[RedisServer]) -> int:
    """Hand the first primary's keys over to the second one; how many."""
    source, target = cluster[:2]
    source_id, target_id = (server.ask("CLUSTER", "MYID").decode() for server in (source, target))
    keys: dict[int, list[bytes]] = {}
    for key in source.ask("KEYS", "*"):
        keys.setdefault(source.ask("CLUSTER", "KEYSLOT", key), []).append(key)
    for slot, held in keys.items():
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
        source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *held)
        for server in (target, source, cluster[2]):
            server.ask("CLUSTER", "SETSLOT", slot, "NODE", target_id)
    return sum(map(len, keys.values()))


def test_sentinels_name_another_primary(tmp_path: Path) -> None:
    """When the primary dies, calls are counted locally until the Sentinels name another; then the count goes on."""

    async def scenario(servers: list[RedisServer], ports: list[int]) -> None:
        urls = [f"redis://127.0.0.1:{port}" for port in (free_port(), *ports)]  # the first one does not run
        async with linked(settings_for(*urls, topology="sentinel", service="main")) as link:
            counters = RedisCounters(link)
            assert [await count(counters, "a") for _ in range(50)] == list(range(1, 51))
            await until(replicated(servers[0]))
            servers[0].stop()
            assert await count(counters, "a") == 1
            assert link.away is not None

            async def shared() -> bool:
                return await count(counters, "a") > 50 and link.away is None

            await until(shared)

    with running_sentinels(tmp_path) as (servers, ports):
        asyncio.run(scenario(servers, ports))


def test_nodes_at_one_host(tmp_path: Path) -> None:
    """Over TLS, a cluster's addresses are not in its certificate: its nodes are reached at the URL's host."""
    files, port = TlsFiles.written(tmp_path), free_port()
    own = ClientTls(ca=files.ca, certificate=files.client, key=files.client)
    places = ("--bind", "127.0.0.1", "127.0.0.2", "--cluster-announce-ip", "127.0.0.1")

    async def scenario(same_host: bool) -> str:
        url = f"rediss://127.0.0.2:{port}"
        async with linked(settings_for(url, topology="cluster", same_host=same_host, tls=own)) as link:
            await RedisCounters(link).admit(demands("a"))
            await RedisCache(link).store("{key}", b"value", 60)
            return "counted" if link.away is None else f"{link.away.words}: {link.away.remedy}"

    with running_small_cluster(tmp_path, *places, "--tls-cluster", "yes", *files.options(port, "yes")):
        assert asyncio.run(scenario(same_host=True)) == "counted"
        refused = asyncio.run(scenario(same_host=False))
    assert refused.startswith("the server's certificate is for another name: ")
    assert refused.endswith("add same-host: true")


class Renewed:
    """A token source whose next token is another one, and what Redis is to accept."""

    def __init__(self, servers: list[RedisServer]) -> None:
        self._servers = servers
        self._number = 0

    async def fetch(self, resource: str, client_id: str) -> IdentityToken:
        """See TokenSource."""
        self._number += 1
        value = f"token {self._number} for {resource}"
        for server in self._servers:
            await asyncio.to_thread(server.ask, "ACL", "SETUSER", "me", f">{value}", "on", "~*", "+@all")
        return IdentityToken.lasting(value, 1000.0 * self._number, 1000.0)

    async def aclose(self) -> None:
        """See TokenSource."""


def test_tokens_in_a_cluster(cluster: list[RedisServer]) -> None:
    """A newer token goes to the open connections of every node."""
    now = 1000.0

    async def scenario() -> None:
        nonlocal now
        tokens = IdentityTokens(Renewed(cluster), clock=lambda: now)
        credentials = EntraCredentials(RedisLogin(user="me"), tokens)
        settings = settings_for(f"redis://127.0.0.1:{cluster[0].port}", topology="cluster")
        link = RedisLink(connect(settings, timeout_s=10, credentials=credentials), credentials=credentials)
        counters = RedisCounters(link)
        await asyncio.gather(*(count(counters, owner) for owner in OWNERS))
        await link.check()
        opened = connections(cluster)
        now = 1999.0
        await link.check()
        await asyncio.sleep(0.5)
        await link.check()
        assert connections(cluster) == opened
        assert all(authentications(server) for server in cluster[:3])
        assert {await count(counters, owner) for owner in OWNERS} == {2}
        await link.aclose()

    asyncio.run(scenario())


def connections(servers: list[RedisServer]) -> set[tuple[int, str]]:
    """Of the user, on all servers."""
    return {
        (server.port, found["id"]) for server in servers for found in server.ask("CLIENT LIST") if found["user"] == "me"
    }


def authentications(server: RedisServer) -> int:
    """How many times AUTH was run."""
    calls: int = server.ask("INFO", "commandstats").get("cmdstat_auth", {"calls": 0})["calls"]
    return calls
