"""The engine's thread and loop, seen from the threads that start, wake and stop it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.notifications.engine import Engine
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import D365Settings
from tests.notifications.conftest import fast_settings

LOOPBACK = D365Settings(instance_url="http://127.0.0.1:9", token_url="http://127.0.0.1:9/t/oauth2/v2.0/token")


def test_an_engine_whose_loop_has_ended_can_be_stopped(tmp_path: Path) -> None:
    """It failed, and its thread is still about to end: whoever wakes or stops it then gets no error of its own."""
    engine = Engine(fast_settings(f"sqlite:///{tmp_path}/jobs.db", LOOPBACK), Metrics())
    engine._loop, engine._stopping = asyncio.new_event_loop(), asyncio.Event()
    engine._loop.close()
    engine.announce()
    engine.stop()
