"""Redis that is away costs one short wait a second, and tells nobody its address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest
import structlog
from redis.exceptions import ResponseError

from gateway.outside import redis_link
from gateway.outside.redis_clients import connect
from gateway.outside.redis_link import RedisAway, RedisLink
from tests.redis_server import RedisServer, running_redis, running_small_cluster, settings_for

SECRET_URL = "redis://:hunter2@127.0.0.1:1/0"


def test_pause_after_a_failure() -> None:
    """After a failure nobody asks for a second; the first good answer ends it. It is logged once each way."""
    now, asked = 100.0, 0

    async def fail() -> None:
        nonlocal asked
        asked += 1
        raise ResponseError("OOM command not allowed, secret hunter2")

    async def succeed() -> str:
        return "yes"

    async def scenario() -> None:
        nonlocal now
        link = RedisLink(connect(settings_for(SECRET_URL)), clock=lambda: now)
        for _ in range(5):
            with pytest.raises(RedisAway):
                await link.ask(fail)
        now += 1.1
        with pytest.raises(RedisAway):
            await link.ask(fail)
        now += 1.1
        assert await link.ask(succeed) == "yes"
        assert await link.ask(succeed) == "yes"

    with structlog.testing.capture_logs() as logs:
        asyncio.run(scenario())
    assert asked == 2
    assert [line["event"] for line in logs] == ["redis_away", "redis_back"]
    assert "hunter2" not in str(logs)


def test_silent_server_does_not_hold_requests() -> None:
    """A server that accepts and never answers costs the time-out, not more."""

    async def scenario() -> float:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            client = connect(settings_for(f"redis://127.0.0.1:{silent.getsockname()[1]}"), timeout_s=0.05)
            start = asyncio.get_running_loop().time()
            with pytest.raises(RedisAway) as caught:
                await RedisLink(client).ask(client.ping)
            await client.aclose()
            assert "127.0.0.1" not in str(caught.value)
            return asyncio.get_running_loop().time() - start

    assert asyncio.run(scenario()) < 0.5


def test_looking_for_servers_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster whose nodes do not answer costs a request the bound, however long the client goes on looking."""
    monkeypatch.setattr(redis_link, "BOUND_S", 0.02)

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
            link = RedisLink(connect(settings_for(url, topology="cluster"), timeout_s=60))
            async with asyncio.timeout(30):
                with pytest.raises(RedisAway):
                    await link.ask(link.client.ping, "key")
                assert link.away is not None
                assert link.away.words == "no answer in time"
                await link.aclose()

    asyncio.run(scenario())


def test_one_question_tries_again() -> None:
    """After the pause one request finds out whether Redis is back; others do not wait with it, whatever it takes."""
    now = 100.0

    async def scenario() -> None:
        nonlocal now
        link = RedisLink(connect(settings_for(SECRET_URL)), clock=lambda: now)
        answer = asyncio.get_running_loop().create_future()
        with pytest.raises(RedisAway):
            await link.ask(_refuse)
        now += 1.1
        first = asyncio.ensure_future(link.ask(lambda: answer))
        await asyncio.sleep(0)
        for _ in range(3):
            with pytest.raises(RedisAway):
                await link.ask(_never)
        answer.set_result("yes")
        assert await first == "yes"
        assert await link.ask(_yes) == "yes"

    asyncio.run(scenario())


async def _refuse() -> str:
    raise ResponseError("OOM command not allowed")


async def _never() -> str:
    raise AssertionError("asked")


async def _yes() -> str:
    return "yes"


REFUSED_WRITES = {
    ("CONFIG", "SET", "maxmemory", "1"): ("CONFIG", "SET", "maxmemory", "0"),
    ("REPLICAOF", "127.0.0.1", "1"): ("REPLICAOF", "NO", "ONE"),
    ("CONFIG", "SET", "min-replicas-to-write", "1"): ("CONFIG", "SET", "min-replicas-to-write", "0"),
}


@pytest.mark.needs("redis-server")
def test_refused_writes(tmp_path: Path) -> None:
    """A server that answers, and refuses writes, is away for the check, too."""
    steps = [step for pair in REFUSED_WRITES.items() for step in pair]
    with running_redis(tmp_path) as server:
        assert asyncio.run(checked(server, steps, "single")) == [False, True] * 3


@pytest.mark.slow
@pytest.mark.needs("redis-server")
def test_refused_writes_of_a_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for a node of a cluster."""
    monkeypatch.setattr(redis_link, "BOUND_S", 30.0)
    with running_small_cluster(tmp_path) as server:
        assert asyncio.run(checked(server, next(iter(REFUSED_WRITES.items())), "cluster")) == [False, True]


async def checked(server: RedisServer, steps: Sequence[Sequence[str]], topology: str) -> list[bool]:
    """After each of *steps*: whether a check finds nothing wrong."""
    client = connect(settings_for(server.url, topology=topology), timeout_s=10)
    link, found = RedisLink(client, pause_s=0.0), list[bool]()
    await link.check()
    for words in steps:
        await asyncio.to_thread(server.ask, *words)
        await link.check()
        found.append(link.away is None)
    await link.aclose()
    return found


def test_a_key_of_others() -> None:
    """A key that has another type is no reason to stop asking the server for others."""

    async def wrong() -> str:
        raise ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")

    async def scenario() -> None:
        link = RedisLink(connect(settings_for(SECRET_URL)))
        with pytest.raises(RedisAway):
            await link.ask(wrong)
        assert link.away is None
        assert await link.ask(_yes) == "yes"

    asyncio.run(scenario())
