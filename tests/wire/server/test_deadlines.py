"""The deadlines of a connection: which wait each moment begins, and when a client has stalled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from gateway.wire.server.deadlines import NEVER, Deadlines
from gateway.wire.settings import ClientTimeouts, ServerSettings
from gateway.wire.sweeper import Sweeper

TIMES = ClientTimeouts(
    head_s=10, body_s=20, idle_s=30, write_s=40, linger_s=3, tunnel_idle_s=50, expiry_grace_s=7
)  # fmt: skip


@pytest.fixture
def sweeper() -> Sweeper:
    """A sweeper whose time the test sets."""
    loop = asyncio.new_event_loop()
    made = Sweeper(loop)
    loop.close()
    made.now = 1000.0
    return made


@pytest.fixture
def deadlines(sweeper: Sweeper) -> Deadlines:
    """Of a connection just accepted."""
    return Deadlines(sweeper, ServerSettings(timeouts=TIMES))


LATE = 1000.0 + Sweeper.interval_s


@pytest.mark.parametrize(
    ("begin", "wait_s"),
    [
        (lambda deadlines: None, 10),
        (Deadlines.expect_head, 10),
        (Deadlines.expect_body, 20),
        (Deadlines.expect_request, 30),
        (Deadlines.expect_close, 3),
    ],
    ids=["accepted", "head", "body", "idle", "closing"],
)
def test_what_the_client_owes(deadlines: Deadlines, begin: Callable[[Deadlines], None], wait_s: float) -> None:
    """Each state of the connection has its own time-out, one interval late and never early."""
    deadlines.expect_body()
    deadlines.expect_head()
    begin(deadlines)
    assert deadlines.reading == LATE + wait_s
    assert (deadlines.writing, deadlines.tunnel, deadlines.expiry) == (NEVER, NEVER, NEVER)


@pytest.mark.parametrize(("timeout_s", "expected"), [(5, LATE + 5), (60, LATE + 30)], ids=["sooner", "not later"])
def test_hurry(deadlines: Deadlines, timeout_s: float, expected: float) -> None:
    """A server that stops shortens a wait and never prolongs it."""
    deadlines.expect_request()
    deadlines.hurry(timeout_s)
    assert deadlines.reading == expected


def test_progress(deadlines: Deadlines, sweeper: Sweeper) -> None:
    """A client that takes some of what waits has as long again; one that takes nothing is stalled after its time."""
    deadlines.expect_progress(100)
    assert deadlines.writing == LATE + 5
    sweeper.now += 6
    assert deadlines.has_progressed(99)
    assert deadlines.writing == LATE + 6 + 5
    sweeper.now += 6
    assert not deadlines.has_progressed(99)
    assert deadlines.may_stall()
    assert deadlines.writing == LATE + 6 + 40
    sweeper.now += 41
    assert not deadlines.may_stall()
    assert deadlines.has_progressed(0)
    assert deadlines.writing == NEVER


def test_stop(deadlines: Deadlines) -> None:
    """A client that takes nothing does not hold up a server that stops."""
    deadlines.stop()
    assert deadlines.writing == LATE + 5
    deadlines.expect_progress(1)
    assert not deadlines.has_progressed(1)
    assert deadlines.may_stall()
    assert deadlines.writing == LATE + 5


def test_a_tunnel(deadlines: Deadlines, sweeper: Sweeper) -> None:
    """Only bytes in either direction keep a tunnel alive."""
    deadlines.has_moved(10)
    assert deadlines.tunnel == LATE + 50
    sweeper.now += 20
    deadlines.has_moved(10)
    assert deadlines.tunnel == LATE + 50
    deadlines.has_moved(11)
    assert deadlines.tunnel == LATE + 20 + 50


def test_looks_are_rare(deadlines: Deadlines, sweeper: Sweeper) -> None:
    """A socket that is not read is asked once a second."""
    assert deadlines.is_time_to_look()
    assert not deadlines.is_time_to_look()
    sweeper.now += 1
    assert deadlines.is_time_to_look()


@pytest.mark.parametrize(
    ("expired_s", "expired", "overdue"),
    [(None, False, False), (-100.0, False, False), (6.0, False, False), (8.0, True, False), (11.0, True, True)],
    ids=["no token", "valid", "in grace", "expired", "overdue"],
)
def test_the_end_of_a_token(deadlines: Deadlines, expired_s: float | None, expired: bool, overdue: bool) -> None:
    """A stream ends when its token has expired and the grace is over, by force when it lingers."""
    deadlines.expire_at(None if expired_s is None else time.time() - expired_s)
    assert deadlines.is_expired() is expired
    assert deadlines.is_overdue() is overdue
