"""Telemetry of a gateway with workers: exporters start after the fork, and each worker is an instance of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.processes import started
from tests.serving.test_signals import free_ports, until
from tests.telemetry.otel.receiver import RECEIVERS, Received

CONFIG = """
listen: 127.0.0.1:{data}
management: 127.0.0.1:{management}
telemetry: {{endpoint: "{address}", protocol: {protocol}, interval: 1h}}
apis:
  - {{id: a, path: a, policy: answer.xml}}
"""
POLICY = '<policies><inbound><return-response><set-status code="200" /></return-response></inbound></policies>'


@pytest.mark.slow
@pytest.mark.parametrize("protocol", RECEIVERS)
def test_each_worker_exports(tmp_path: Path, protocol: str) -> None:
    """Every request is exported once by the time the gateway has ended, by instances with names of their own."""
    data, management = free_ports(2)
    (tmp_path / "answer.xml").write_text(POLICY)
    with RECEIVERS[protocol]() as (address, received):
        text = CONFIG.format(data=data, management=management, address=address, protocol=protocol)
        (tmp_path / "config.yaml").write_text(text)
        command = [sys.executable, "-m", "gateway", "serve", "-c", str(tmp_path / "config.yaml"), "--workers", "2"]
        with started(command, stdout=subprocess.DEVNULL) as process:
            assert until(lambda: _answers(management, "readyz"), 60)
            with httpx2.Client(headers={"Connection": "close"}) as client:  # either worker may take the next one
                assert {client.get(f"http://127.0.0.1:{data}/a").status_code for _ in range(40)} == {200}
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
    assert len(received.spans) == 40
    assert received.refused == []
    assert len(_instances(received)) == 2


def _answers(port: int, path: str) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/{path}").status_code == 200
    except httpx2.HTTPError:
        return False


def _instances(received: Received) -> set[tuple[str, int]]:
    """Instance and process of everything that has come."""
    return {(found["service.instance.id"], found["process.pid"]) for found in received.resources}
