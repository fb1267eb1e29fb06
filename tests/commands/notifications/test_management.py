"""A service on its own has health, readiness and metrics of its own."""

from __future__ import annotations

import asyncio
import socket

import httpx2 as httpx
import pytest

from gateway.commands.notifications.management import managed, parse_address
from gateway.errors import GatewayError
from gateway.reading.values import Address
from tests.notifications.conftest import Running


def _free() -> Address:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", probe.getsockname()[1])


async def _ask(service: Running, path: str, host: str) -> httpx.Response:
    address = _free()
    async with managed(service.engine, address, ["metrics.internal"]), httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://{address}{path}", headers={"host": host})


@pytest.mark.parametrize(
    ("path", "host", "status", "said"),
    [
        ("/healthz", "127.0.0.1", 200, "alive"),
        ("/readyz", "127.0.0.1", 200, '"engine":{"ready":true'),
        ("/metrics", "metrics.internal", 200, "gateway_notifications_accepted_total"),
        ("/metrics", "evil.example", 421, ""),
        ("/jobs", "127.0.0.1", 404, ""),
    ],
)
def test_management_plane(service: Running, path: str, host: str, status: int, said: str) -> None:
    """Health, readiness and metrics are served under addresses and configured names, and nothing else is."""
    answer = asyncio.run(_ask(service, path, host))
    assert (answer.status_code, said in answer.text) == (status, True)


def test_taken_address(service: Running) -> None:
    """An address in use stops the start with one line."""
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(GatewayError, match="already in use"):
        asyncio.run(managed(service.engine, Address(*listening.getsockname())).__aenter__())


@pytest.mark.parametrize("text", ["8091", "127.0.0.1:99999", "a b:1"])
def test_bad_address(text: str) -> None:
    """An invalid address is reported with its option."""
    with pytest.raises(GatewayError, match="--management"):
        parse_address(text)


def test_address() -> None:
    """An address is a host and a port."""
    assert parse_address("[::1]:8091") == Address("::1", 8091)
