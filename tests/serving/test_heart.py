"""The heart: a loop that turns is seen to, and one that is stuck is named."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import pytest
import structlog
from structlog.testing import capture_logs

from gateway.serving import heart
from gateway.serving.heart import _Watch, beating
from gateway.serving.pulses import Pulses, lone_pulse


def test_a_loop_that_turns_beats() -> None:
    """While the loop turns its pulse is fresh and the watchdog is fed; while it is held, neither."""
    fed: list[float] = []
    pulse = lone_pulse()

    async def turn() -> tuple[float, int]:
        with beating(pulse, lambda: fed.append(pulse.age_s), beat_s=0.01):
            await asyncio.sleep(0.1)
            before = len(fed)
            time.sleep(0.2)
            return pulse.age_s, len(fed) - before

    age_s, fed_meanwhile = asyncio.run(turn())
    assert (age_s >= 0.2, fed_meanwhile, len(fed) > 1) == (True, 0, True)


def test_a_stuck_loop_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line when it is stuck, with where it is, and one when it turns again."""
    watch = _Watch(lone_pulse(), lambda: None, None)
    with capture_logs() as logged:
        monkeypatch.setattr(heart, "log", structlog.get_logger())
        watch.look_at_loop()
        watch.pulse._numbers[0] -= 6 * 10**9
        watch.look_at_loop()
        watch.look_at_loop()
        watch.pulse.beat()
        watch.look_at_loop()
        watch.look_at_loop()
    assert [line["event"] for line in logged] == ["loop_stuck", "loop_turns_again"]
    assert logged[0]["seconds"] == 6


def test_stuck_and_alone_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that hangs while its supervisor dies does not keep the addresses: it ends without its loop."""
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    for supervisor, age_s in ((None, 3), (os.getppid(), 3), (2**22 + 1, 0), (2**22 + 1, 3)):
        watch = _Watch(lone_pulse(), lambda: None, supervisor)
        watch.pulse._numbers[0] -= age_s * 10**9
        watch.look_at_loop()
    assert ended == [70]


def test_the_thread_ends_with_the_loop() -> None:
    """Nothing of it stays when the gateway has stopped."""

    async def nothing() -> None:
        with beating(lone_pulse()):
            assert "heart" in [thread.name for thread in threading.enumerate()]

    asyncio.run(nothing())
    deadline = time.monotonic() + 30
    while "heart" in [thread.name for thread in threading.enumerate()] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "heart" not in [thread.name for thread in threading.enumerate()]


def test_pulses_cross_processes() -> None:
    """What a forked process leaves there, its supervisor sees."""
    pulses = Pulses(["worker-1", "worker-2"])
    child = os.fork()
    if child == 0:
        pulses["worker-2"].report_ready()
        os._exit(0)
    os.waitpid(child, 0)
    assert [pulse.is_ready for pulse in pulses] == [False, True]
