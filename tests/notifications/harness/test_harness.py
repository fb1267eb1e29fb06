"""
Mixed faults on real processes, briefly; ``make faults`` runs them for long and writes docs/faults.md.

The seed is printed; the same seed breaks the same things in the same order.
"""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from tests.notifications.harness import campaign, findings
from tests.notifications.harness.campaign import Plan
from tests.notifications.harness.proxy import Proxy

# Seconds on an idle machine.
pytestmark = pytest.mark.timeout(600)

_BRIEF = ("kill -9", "F&O acts and fails", "F&O acts late", "receiver cut off", "freeze")


def test_embedded(tmp_path: Path) -> None:
    """One process on SQLite: no job is lost, doubled, stuck or untrue, whatever fails."""
    result = campaign.run(Plan(12, 4, seed=5, kinds=(*_BRIEF[:3], "clock set")), tmp_path)
    assert result.flawless, campaign.report(result)
    assert result.accepted == 17  # two for each batch job that is watched as well


@pytest.mark.needs("postgresql")
def test_replicas(postgres: str, tmp_path: Path) -> None:
    """Two replicas on PostgreSQL, each with its own broken lines."""
    result = campaign.run(Plan(12, 4, 2, seed=6, kinds=("store cut off", *_BRIEF[:3])), tmp_path, postgres)
    assert result.flawless, campaign.report(result)


@pytest.mark.slow
@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("finding", [findings.ended_run, findings.cut_off, findings.frozen])
def test_two_replicas(postgres: str, tmp_path: Path, finding: findings.Finding) -> None:
    """A late request, a replica that is cut off, and one that is frozen: nothing is doubled, nothing does not run."""
    assert finding(tmp_path, postgres, 12) == 0


@pytest.mark.slow
@pytest.mark.parametrize("finding", [findings.silent, findings.second_silent])
def test_silent(tmp_path: Path, finding: findings.Finding) -> None:
    """Start calls whose effect comes after we have given up on them."""
    assert finding(tmp_path, None, 12) == 0


def test_proxy() -> None:
    """A proxy passes bytes on, holds them back while it stalls, and resets what is open when it is cut."""
    upstream = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_echo, args=(upstream,), daemon=True).start()
    proxy = Proxy(upstream.getsockname())
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as client:
        client.sendall(b"a")
        assert client.recv(1) == b"a"
        began = time.monotonic()
        with proxy.broken("stall"):
            client.sendall(b"b")
            client.settimeout(0.3)
            with pytest.raises(TimeoutError):
                client.recv(1)
        client.settimeout(5)
        assert client.recv(1) == b"b"
        assert time.monotonic() - began >= 0.3
        with proxy.broken("cut"):
            assert _is_reset(client)
    proxy.close()
    upstream.close()


def _is_reset(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


def _echo(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        while data := connection.recv(100):
            connection.sendall(data)
