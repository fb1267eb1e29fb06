"""The store in front of fetches: one at a time, kept while they hold, failures remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from gateway.revocation.evidence import Evidence, Undecided
from gateway.revocation.kept import MAX_AGE_S, PAUSE_S, Kept


class Source:
    """Counts fetches; *lasts* None: it fails."""

    def __init__(self, lasts: float | None = 100.0) -> None:
        self.fetches = 0
        self.now = 0.0
        self.lasts = lasts
        self.kept = Kept(self.fetch, lambda: self.now, 2)

    async def fetch(self, key: str) -> Evidence:
        self.fetches += 1
        await asyncio.sleep(0)
        if self.lasts is None:
            raise Undecided("away")
        return Evidence(False, self.now + self.lasts)

    async def get(self, key: str = "a") -> Evidence:
        found = self.kept.get(key)
        return found if isinstance(found, Evidence) else await found


def test_one_fetch_for_everybody() -> None:
    """Requests of one moment share a fetch, and one that leaves does not end it for the others."""

    async def scenario() -> None:
        source = Source()
        waiting = [asyncio.ensure_future(source.get()) for _ in range(5)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        assert len(await asyncio.gather(*waiting[1:])) == 4
        assert source.fetches == 1
        assert not isinstance(source.kept.get("a"), Awaitable)

    asyncio.run(scenario())


@pytest.mark.parametrize(("lasts", "due"), [(100.0, 100.0), (10 * MAX_AGE_S, MAX_AGE_S)])
def test_is_asked_again_in_time(lasts: float, due: float) -> None:
    """A value is kept until its own end, but never longer than the longest age."""

    async def scenario() -> None:
        source = Source(lasts)
        await source.get()
        source.now = due - 1
        await source.get()
        assert source.fetches == 1
        source.now = due
        await source.get()
        assert source.fetches == 2

    asyncio.run(scenario())


def test_failures_are_remembered() -> None:
    """After a failure nobody asks again for a while: floods do not reach a source that is down."""

    async def scenario() -> None:
        source = Source(None)
        for _ in range(3):
            with pytest.raises(Undecided, match="away"):
                await source.get()
        assert source.fetches == 1
        source.now, source.lasts = PAUSE_S, 100.0
        assert not (await source.get()).revoked

    asyncio.run(scenario())


def test_an_old_value_serves_while_it_holds() -> None:
    """A renewal that fails costs nothing until the old value's own end."""

    async def scenario() -> None:
        source = Source(2 * MAX_AGE_S)
        await source.get()
        source.now, source.lasts = MAX_AGE_S, None
        assert not (await source.get()).revoked
        source.now = 2 * MAX_AGE_S
        with pytest.raises(Undecided):
            await source.get()

    asyncio.run(scenario())


def test_is_bounded() -> None:
    """The oldest entry is evicted."""

    async def scenario() -> None:
        source = Source()
        for key in ("a", "b", "c", "c", "b"):
            await source.get(key)
        assert source.fetches == 3
        await source.get("a")
        assert source.fetches == 4
        await source.kept.aclose()

    asyncio.run(scenario())
