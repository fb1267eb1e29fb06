"""The notification service as readiness shows it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.management.notifications import engine_statuses


def _engine(**changes: Any) -> Any:
    async def is_ready() -> bool:
        return bool(changes.get("ready", True))

    pauses, hosts = {"d365": 0.0, **changes.get("pauses", {})}, changes.get("hosts", [])
    return SimpleNamespace(is_ready=is_ready, d365_pauses=pauses, open_circuits=hosts)


@pytest.mark.parametrize(
    ("changes", "part", "ready", "said"),
    [
        ({}, "engine", True, ""),
        ({"ready": False}, "engine", False, "cannot be written"),
        ({"pauses": {"d365": 30.0}}, "d365", True, "30 s"),
        ({"pauses": {"test": 30.0}}, "d365", True, ""),
        ({"pauses": {"test": 30.0}}, "d365 test", True, "30 s"),
        ({"hosts": ["a.test"]}, "callbacks", True, "a.test"),
    ],
)
def test_statuses(changes: dict[str, Any], part: str, ready: bool, said: str) -> None:
    """Only an engine that cannot work is unready; what it waits for is named."""
    status = asyncio.run(engine_statuses(_engine(**changes)))[part]
    assert (status.ready, said in status.detail) == (ready, True)
