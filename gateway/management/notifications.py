"""The notification service as readiness shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.management.health import Status

if TYPE_CHECKING:  # behind it is SQLAlchemy, which a gateway without the service does without
    from gateway.notifications.engine import Engine


async def engine_statuses(engine: Engine) -> Mapping[str, Status]:
    """The engine, F&O and the callbacks. F&O being unavailable does not count: jobs are still accepted."""
    ready = await engine.is_ready()
    hosts = engine.open_circuits
    return {
        "engine": Status(ready, "" if ready else "it does not run, or its store cannot be written"),
        **{_shown(name): _throttled(pause_s) for name, pause_s in engine.d365_pauses.items()},
        "callbacks": Status(True, f"open circuits: {', '.join(hosts[:10])}" if hosts else "", concern=bool(hosts)),
    }


def _shown(environment: str) -> str:
    return environment if environment == "d365" else f"d365 {environment}"


def _throttled(pause_s: float) -> Status:
    return Status(True, f"throttled: not called for {pause_s:.0f} s" if pause_s else "", concern=bool(pause_s))
