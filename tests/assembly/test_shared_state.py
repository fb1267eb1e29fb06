"""shared_state.py: counters and caches as configured, with their lives."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.assembly.shared_state import SharedState, shared_state
from gateway.config import parse
from gateway.counters import Demand, FixedWindow, MemoryCounters
from gateway.errors import LoadError
from tests.redis_server import running_redis
from tests.wire.rig import settled

DEMAND = Demand("caller", FixedWindow(5, 0))


def state(directory: Path, text: str) -> SharedState:
    """The shared state of a configuration."""
    return shared_state(parse(text, "config.yaml", directory, {}))


async def used(of: SharedState) -> int:
    """Use one unit; returns how much is used then."""
    admission = of.counters.admit([DEMAND])
    found = admission if isinstance(admission, tuple) else await admission
    return found.usages[0].used


def test_quota_file(tmp_path: Path) -> None:
    """With a quota file counts outlive the process."""

    async def life() -> int:
        of = state(tmp_path, "quota-file: quotas.db\n")
        async with AsyncExitStack() as running:
            await of.start(running)
            return await used(of)

    assert [asyncio.run(life()) for _ in range(3)] == [1, 2, 3]


@pytest.mark.needs("redis-server")
def test_redis(tmp_path: Path) -> None:
    """Two gateways share counts through Redis; while it is down each counts for itself, and readiness says so."""

    async def scenario() -> None:
        with running_redis(tmp_path) as server:
            one, two = (state(tmp_path, f"redis: {server.url}\n") for _ in range(2))
            async with AsyncExitStack() as running:
                await one.start(running)
                await two.start(running)
                assert [await used(one), await used(two)] == [1, 2]
                assert one.statuses()["redis"].detail == "connected"
                server.stop()
                assert await used(one) == 1
                assert await settled(lambda: one.statuses()["redis"].detail.startswith("unavailable"), 5)
                assert one.statuses()["redis"].ready

    asyncio.run(scenario())


def test_memory(tmp_path: Path) -> None:
    """Without settings everything is in memory, and readiness depends on nothing."""

    async def scenario() -> None:
        of = state(tmp_path, "listen: 127.0.0.1:1\n")
        async with AsyncExitStack() as running:
            await of.start(running)
        assert isinstance(of.counters, MemoryCounters)
        assert of.statuses() == {}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("file", "remedy"),
    [
        ("no/such/folder.db", "make the folder {}/no/such"),
        ("plain/quotas.db", "name another folder: {}/plain is a file"),
        ("folder", "name a file: {}/folder is a folder"),
    ],
)
def test_unusable_quota_file(file: str, remedy: str, tmp_path: Path) -> None:
    """A quota file that cannot be opened stops the start, with the configuration's place and what to do."""
    (tmp_path / "plain").touch()
    (tmp_path / "folder").mkdir()

    async def scenario() -> None:
        async with AsyncExitStack() as running:
            await state(tmp_path, f"quota-file: {file}\n").start(running)

    with pytest.raises(LoadError) as caught:
        asyncio.run(scenario())
    message = f"the quota file {tmp_path / file} cannot be used: unable to open database file"
    assert str(caught.value) == f"config.yaml:1:13: unusable-file: {message} ({remedy.format(tmp_path)})"


def test_bad_url(tmp_path: Path) -> None:
    """A URL that is not Redis's is refused at load, without showing it."""
    with pytest.raises(LoadError) as caught:
        state(tmp_path, "redis: ftp://user:hidden@host\n")
    assert "config.yaml:1:8: bad-url" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the extra is not installed, a configuration that needs it is refused with that message."""
    monkeypatch.setitem(sys.modules, "gateway.outside.redis_link", None)
    monkeypatch.delitem(sys.modules, "gateway.counters.redis_counters", raising=False)
    with pytest.raises(LoadError, match="missing-extra"):
        state(tmp_path, "redis: redis://host\n")
