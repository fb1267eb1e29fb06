"""The log of the last requests."""

from __future__ import annotations

import asyncio

from gateway.telemetry.requests.filter import RequestFilter
from gateway.telemetry.requests.record import RequestOutcome, RequestRecord
from gateway.telemetry.requests.ring import MAX_UNREAD, RequestLog
from gateway.telemetry.settings import RequestLogSettings


def record(number: int, outcome: RequestOutcome = RequestOutcome.ANSWERED, reason: str = "") -> RequestRecord:
    """A request."""
    return RequestRecord(str(number), 1_900_000_000.0 + number, "GET", "/", outcome, reason=reason)


def ids(log: RequestLog) -> list[str]:
    """What it keeps, newest first."""
    return [record.id for record in log.recent()]


def test_answers_do_not_evict_refusals() -> None:
    """Refused and failed requests have room of their own."""
    log = RequestLog(RequestLogSettings(refused=2, answered=3))
    log.add(record(0, RequestOutcome.REFUSED))
    log.add(record(1, RequestOutcome.FAILED))
    for number in range(2, 50):
        log.add(record(number))
    assert ids(log) == ["49", "48", "47", "1", "0"]
    assert log.find("1") is not None
    assert log.find("2") is None


def test_new_sizes_keep_what_has_room() -> None:
    """A reload changes the bounds, and evicts no more than it has to."""
    log = RequestLog(RequestLogSettings(refused=5, answered=5))
    for number in range(5):
        log.add(record(number, RequestOutcome.REFUSED, "A"))
        log.add(record(10 + number))
    log.resize(RequestLogSettings(refused=2, answered=1))
    assert ids(log) == ["14", "4", "3"]
    log.add(record(20, RequestOutcome.REFUSED, "A"))
    assert ids(log) == ["20", "14", "4"]


def test_retention_is_stated() -> None:
    """The log says how much it keeps, what it has evicted, and how far back it goes."""
    log = RequestLog(RequestLogSettings(refused=2, answered=1, sample=0.5))
    for number in range(3):
        log.add(record(number, RequestOutcome.REFUSED))
        log.add(record(number))
    retention = log.retention()
    assert retention["refused"] == {"capacity": 2, "kept": 2, "evicted": 1, "oldest": "2030-03-17T17:46:41.000Z"}
    assert retention["answered"] == {
        "capacity": 1, "kept": 1, "evicted": 2, "oldest": "2030-03-17T17:46:42.000Z", "sample": 0.5,
    }  # fmt: skip


def test_followers_get_what_they_ask_for() -> None:
    """A live reader gets new records that match, loses the oldest when it is slow, and costs nothing when gone."""
    asyncio.run(_follow())


async def _follow() -> None:
    log = RequestLog()
    followed = log.follow(RequestFilter(status=""))
    first = asyncio.ensure_future(anext(followed))
    await asyncio.sleep(0)
    log.add(record(1))
    assert (await first).id == "1"
    for number in range(MAX_UNREAD + 10):
        log.add(record(number))
    assert (await anext(followed)).id == "10"
    await followed.aclose()
    assert not log._followers
