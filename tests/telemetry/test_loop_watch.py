"""Turns of the event loop that take too long are seen from inside."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest
import uvloop
from structlog.testing import capture_logs

from gateway.telemetry.loop_watch import LoopHolder, LoopWatch
from gateway.telemetry.version import build_name
from gateway.wire.messages import Request, Response
from tests.wire.rig import Answerer, ask, serving


def _busy(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def _slow(request: Request) -> Response:
    _busy(0.4 if request.path == "/slow" else 0.0)
    return Response()


@pytest.mark.skipif(build_name() == "compiled", reason="compiled functions have no frames, so the holder is `other`")
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_turn_that_takes_too_long_is_counted_and_logged(run: object) -> None:
    """The log line says how long the loop was held, by which connection, and in which function."""
    watch = LoopWatch()

    async def scenario() -> None:
        async with serving(Answerer(_slow)) as server:
            with watch.running():
                await ask(server.port, b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
                await asyncio.sleep(0.05)

    with capture_logs() as lines:
        assert callable(run)
        run(scenario())
    assert watch.held == {"connection": 1}
    assert watch.longest_s > 0.1
    assert [(line["event"], line["holder"], line["client"]) for line in lines] == [
        ("loop_held", "connection", "127.0.0.1")
    ]
    assert lines[0]["ms"] > 100
    assert lines[0]["where"].startswith("wire/server/exchange.py:")


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_work_in_many_turns_is_no_long_turn(run: object) -> None:
    """The same work in short turns, and waiting, are not reported."""
    watch = LoopWatch()

    async def scenario() -> None:
        with watch.running():
            for _ in range(100):
                _busy(0.002)
                await asyncio.sleep(0)
            await asyncio.sleep(0.1)

    assert callable(run)
    run(scenario())
    assert not watch.held


class ServerConnection:
    """One that is being made: it has no address yet."""

    def holder(self) -> LoopHolder:
        """As seen by a signal that comes now."""
        return [LoopHolder(sys._getframe()) for _ in range(1)][0]


def test_an_unfinished_connection_does_not_disturb_the_signal() -> None:
    """A signal that comes while a connection has no address yet raises nothing in the code that it interrupts."""
    holder = ServerConnection().holder()
    assert (holder.kind, holder.client) == ("connection", "")
