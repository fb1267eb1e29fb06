"""
The last requests of this process: all that were refused or failed, and a sample of the rest.

They are kept in memory, within bounds that the configuration sets, and end with the process.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import contextmanager

from gateway.telemetry.requests.fair_ring import FairRing
from gateway.telemetry.requests.filter import RequestFilter
from gateway.telemetry.requests.plain import Plain
from gateway.telemetry.requests.record import RequestOutcome, RequestRecord
from gateway.telemetry.settings import RequestLogSettings

DEFAULT_SIZES = RequestLogSettings()
EVERYTHING = RequestFilter()
MAX_UNREAD = 256  # records that a follower may be behind


class RequestLog:
    """The request log of one process, for one event loop."""

    def __init__(self, sizes: RequestLogSettings = DEFAULT_SIZES) -> None:
        self.sizes = sizes
        self.started_at = time.time()
        self._refused: FairRing[RequestRecord] = FairRing(sizes.refused)
        self._answered: deque[RequestRecord] = deque(maxlen=sizes.answered)
        self._followers: set[_Follower] = set()
        self._seen = 0

    def add(self, record: RequestRecord) -> None:
        """Keep *record*, and show it to those who follow."""
        if record.outcome is RequestOutcome.ANSWERED:
            self._seen += 1
            self._answered.append(record)
        else:
            self._refused.add(record)
        for follower in self._followers:
            follower.take(record)

    def resize(self, sizes: RequestLogSettings) -> None:
        """Keep that much from now on, for a new configuration; what still has room stays."""
        if sizes == self.sizes:
            return
        refused, answered = list(self._refused), self._answered
        self.sizes, self._refused = sizes, FairRing(sizes.refused)
        self._answered = deque(answered, maxlen=sizes.answered)
        for record in sorted(refused, key=lambda record: record.started_at):
            self._refused.add(record)

    def __iter__(self) -> Iterator[RequestRecord]:
        """Every record, in no particular order."""
        yield from self._refused
        yield from self._answered

    def recent(self, filters: RequestFilter = EVERYTHING) -> list[RequestRecord]:
        """The records that *filters* asks for, newest first."""
        return filters.newest(self)

    def find(self, request_id: str) -> RequestRecord | None:
        """The record of one request, or None: it is not kept, or no longer."""
        return next((record for record in self if record.id == request_id), None)

    async def follow(self, filters: RequestFilter = EVERYTHING) -> AsyncGenerator[RequestRecord]:
        """Each record from now on that *filters* asks for; a reader that is too slow loses the oldest."""
        with self._follower() as follower:
            while True:
                yield await follower.next(filters)

    @contextmanager
    def _follower(self) -> Iterator[_Follower]:
        """A reader that gets new records while the context lasts."""
        follower = _Follower()
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    def retention(self) -> dict[str, Plain]:
        """What is kept, for how long by now, and since when: ``{"since", "refused", "answered"}``."""
        return {
            "since": RequestRecord("", self.started_at, "", "").time,
            "refused": {
                "capacity": self.sizes.refused,
                "kept": len(self._refused),
                "evicted": self._refused.evicted,
                "oldest": _oldest(self._refused),
            },
            "answered": {
                "capacity": self.sizes.answered,
                "kept": len(self._answered),
                "evicted": self._seen - len(self._answered),
                "oldest": _oldest(self._answered),
                "sample": self.sizes.sample,
            },
        }


class _Follower:
    """A reader that waits for new records."""

    def __init__(self) -> None:
        self._unread: deque[RequestRecord] = deque(maxlen=MAX_UNREAD)
        self._arrived = asyncio.Event()

    def take(self, record: RequestRecord) -> None:
        """A new record."""
        self._unread.append(record)
        self._arrived.set()

    async def next(self, filters: RequestFilter) -> RequestRecord:
        """The oldest unread one that *filters* asks for, once there is one."""
        record: RequestRecord | None = None
        while record is None or not filters.matches(record):
            record = await self._oldest()
        return record

    async def _oldest(self) -> RequestRecord:
        while not self._unread:
            self._arrived.clear()
            await self._arrived.wait()
        return self._unread.popleft()


def _oldest(records: Iterable[RequestRecord]) -> str | None:
    oldest = min(records, key=lambda record: record.started_at, default=None)
    return None if oldest is None else oldest.time
