"""``gateway keys withdraw`` against a running gateway with two workers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from gateway.commands.keys import withdraw
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.serving import serve
from gateway.errors import GatewayError
from gateway.tokens.compact import Jws, parse
from tests.processes import started
from tests.serving.test_workers import children, until_ready

CONFIG = """
listen: 127.0.0.1:{data}
management: 127.0.0.1:{management}
console: {{token: 0123456789abcdef}}
issuers:
  {url}: {{allow-http-loopback: true}}
apis: [{{id: a, path: a, policy: answer.xml}}]
"""
POLICY = """<policies><inbound><validate-jwt header-name="Authorization"><openid-config url="{url}" /></validate-jwt>
<return-response><set-status code="200" /></return-response></inbound></policies>"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def statuses(port: int, token: str) -> set[int]:
    """Answers over several connections, so that both workers give some."""
    headers = {"Authorization": f"Bearer {token}"}
    return {httpx2.get(f"http://127.0.0.1:{port}/a", headers=headers).status_code for _ in range(12)}


def restart(supervisor: int, management: int) -> None:
    """Kill both workers, and wait until others serve instead."""
    before = children(supervisor)
    for worker in before[:2]:
        os.kill(worker, signal.SIGKILL)
    while len(set(children(supervisor)) - set(before)) < 2:
        time.sleep(0.05)
    until_ready(management)


def test_every_worker_refuses_a_withdrawn_key_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    A token that both workers have remembered is refused by both as soon as the command has ended, and by workers that
    take their places.
    """
    data, management = free_port(), free_port()
    emulator = EntraEmulator()
    with serve(emulator):
        url = emulator.metadata_url()
        (tmp_path / "answer.xml").write_text(POLICY.format(url=url))
        (tmp_path / "config.yaml").write_text(CONFIG.format(data=data, management=management, url=url))
        gateway = [sys.executable, "-m", "gateway"]
        config = tmp_path / "config.yaml"
        with started([*gateway, "serve", "-c", str(config), "--workers", "2"], stdout=subprocess.DEVNULL) as process:
            until_ready(management)
            token = emulator.mint()
            assert statuses(data, token) == {200}
            jws = parse(token)
            assert isinstance(jws, Jws)
            kid = str(jws.header["kid"])
            with pytest.raises(GatewayError, match=f"no policy uses the issuer https://a; known: {re.escape(url)}"):
                withdraw(kid, issuer="https://a", config=config)
            withdraw(kid, config=config)
            assert f"withdrawn at {url}" in capsys.readouterr().out
            assert statuses(data, token) == {401}
            restart(process.pid, management)
            assert statuses(data, token) == {401}
