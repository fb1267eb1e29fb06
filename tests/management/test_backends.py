"""How the backends are: circuits, pools and connections, in `/readyz` and for the console."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2

from gateway.assembly.app import Gateway
from gateway.management.backends import BackendState, backend_states
from tests.acceptance.rig import Product, product

CONFIG = """
management: 127.0.0.1:0
named-values: {{my-openid-configuration-url: {metadata}, my-audience: {audience}}}
backends:
  up: {{url: "http://127.0.0.1:{backend}/base", circuit-breaker: {{count: 1}}}}
  down: {{url: "http://127.0.0.1:1", circuit-breaker: {{count: 1, trip-duration: 40s}}}}
  both: {{pool: [{{backend: down}}, {{backend: up, priority: 2, weight: 3}}]}}
  gone: {{pool: [{{backend: down}}]}}
apis:
  - {{id: up, path: up, backend: up}}
  - {{id: down, path: down, backend: down}}
  - {{id: plain, path: plain, service-url: "http://127.0.0.1:{backend}"}}
"""


async def readiness(gateway: Gateway) -> httpx2.Response:
    transport = httpx2.ASGITransport(gateway.management)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get("/readyz")


def after(tmp_path: Path, *paths: str) -> tuple[dict[str, BackendState], httpx2.Response]:
    """The backends, and ``/readyz``, after calls to *paths*."""

    async def run() -> tuple[dict[str, BackendState], httpx2.Response]:
        running: Product
        async with product(tmp_path, config=CONFIG, warm=False) as running:
            for path in paths:
                await running.call(path)
            states = {state.name: state for state in backend_states(running.gateway.outside.targets.named())}
            return states, await readiness(running.gateway)

    return asyncio.run(run())


def test_an_open_circuit_is_told_and_stays_ready(tmp_path: Path) -> None:
    """A backend that fails is named in /readyz with the time that is left; the replica stays in turn."""
    _, answer = after(tmp_path, "/down/x")
    report: dict[str, Any] = answer.json()
    assert answer.status_code == 200
    assert report["backends"]["down"]["detail"] == "circuit open for 40 s: its requests get 503"
    assert report["backends"]["up"] == {"ready": True, "detail": "circuit closed"}


def test_a_pool_is_open_when_all_its_members_are(tmp_path: Path) -> None:
    """A pool with one member left is closed; without any it says when the first comes back."""
    states, _ = after(tmp_path, "/down/x")
    assert states["both"].open_for_s is None
    assert 30 < (states["gone"].open_for_s or 0) <= 40
    assert states["both"].members == ("down (priority 1, weight 1)", "up (priority 2, weight 3)")


def test_connections_are_counted(tmp_path: Path) -> None:
    """After an answer its connection waits for the next request; a service URL has a line of its own."""
    states, _ = after(tmp_path, "/up/x", "/plain/x")
    plain = next(state for name, state in states.items() if name.startswith("http://"))
    assert [(state.in_use, state.idle, state.waiting) for state in (states["up"], plain)] == [(0, 1, 0)] * 2
    assert states["up"].url.endswith("/base")
    assert plain.open_for_s is None
