"""The deadlines of a connection: which wait each moment begins, and when a client has stalled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from gateway.wire.server.deadlines import NEVER, Deadlines
from gateway.wire.server.incoming_body import IncomingBody
from gateway.wire.settings import ClientLimits, ClientTimeouts, ServerSettings
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


def upload() -> IncomingBody:
    """A body of which nothing has come."""
    return IncomingBody(1 << 40, False)


def pieces(deadlines: Deadlines, sweeper: Sweeper, body: IncomingBody, size: int, every_s: float, count: int) -> bool:
    """Whether a client that sends pieces of *size* bytes every so often is in time with all of them."""
    for _ in range(count):
        deadlines.expect_body(body)
        sweeper.now += every_s
        if sweeper.now >= deadlines.reading:
            return False
        body.received += size
    return True


LATE = 1000.0 + Sweeper.interval_s


@pytest.mark.parametrize(
    ("begin", "wait_s"),
    [
        (lambda deadlines: None, 10),
        (Deadlines.expect_head, 10),
        (lambda deadlines: deadlines.expect_body(upload()), 20),
        (Deadlines.expect_request, 30),
        (Deadlines.expect_close, 3),
    ],
    ids=["accepted", "head", "body", "idle", "closing"],
)
def test_what_the_client_owes(deadlines: Deadlines, begin: Callable[[Deadlines], None], wait_s: float) -> None:
    """Each state of the connection has its own time-out, one interval late and never early."""
    deadlines.expect_body(upload())
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


def test_a_byte_now_and_then_is_not_an_upload(deadlines: Deadlines, sweeper: Sweeper) -> None:
    """A client that sends a byte every half second is refused after the time for a pause, and not kept for ever."""
    assert not pieces(deadlines, sweeper, upload(), 1, 0.5, 1_000)
    assert sweeper.now < LATE + 21


@pytest.mark.parametrize(("size", "every_s"), [(120, 0.5), (2_400, 10.0), (4_800, 19.0)])
def test_a_slow_line_may_upload_for_days(deadlines: Deadlines, sweeper: Sweeper, size: int, every_s: float) -> None:
    """A client that keeps to the rate is in time, evenly or with pauses."""
    assert pieces(deadlines, sweeper, upload(), size, every_s, 10_000)


def test_a_fast_beginning_does_not_pay_for_a_slow_rest(deadlines: Deadlines, sweeper: Sweeper) -> None:
    """What was sent quickly earns no more than the time for a pause."""
    body = upload()
    deadlines.expect_body(body)
    body.received += 1 << 30
    assert not pieces(deadlines, sweeper, body, 1, 0.5, 1_000)


def test_our_own_pauses_do_not_count(deadlines: Deadlines, sweeper: Sweeper) -> None:
    """While the body's reader is not ready, the client's time stands still."""
    body = upload()
    for _ in range(100):
        deadlines.expect_body(body)
        sweeper.now += 0.1
        deadlines.stop_reading()
        assert deadlines.reading == NEVER
        sweeper.now += 60
    deadlines.expect_body(body)
    assert deadlines.reading == pytest.approx(sweeper.now + Sweeper.interval_s + 10)


def test_each_body_has_its_own_time(deadlines: Deadlines, sweeper: Sweeper) -> None:
    """The next request on a connection does not pay for a slow one before it."""
    assert pieces(deadlines, sweeper, upload(), 1, 0.5, 30)
    deadlines.expect_body(upload())
    assert deadlines.reading == sweeper.now + Sweeper.interval_s + 20


def test_any_rate(sweeper: Sweeper) -> None:
    """With a rate of 0 only the pause between two pieces counts."""
    settings = ServerSettings(limits=ClientLimits(body_rate=0), timeouts=TIMES)
    assert pieces(Deadlines(sweeper, settings), sweeper, upload(), 1, 19.0, 1_000)
