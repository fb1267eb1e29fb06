"""Redis that is away costs one short wait a second, and tells nobody its address."""

from __future__ import annotations

import asyncio
import socket

import pytest
import structlog
from redis.exceptions import ResponseError

from gateway.outside import redis_link
from gateway.outside.redis_clients import connect
from gateway.outside.redis_link import RedisAway, RedisLink
from tests.redis_server import settings_for

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
