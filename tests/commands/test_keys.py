"""``gateway keys withdraw`` against a running gateway with two workers."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import httpx2

from gateway.emulators.entra import EntraEmulator
from gateway.emulators.serving import serve
from gateway.tokens.compact import Jws, parse
from tests.processes import started
from tests.serving.test_workers import until_ready

CONFIG = """
listen: 127.0.0.1:{data}
management: 127.0.0.1:{management}
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


def test_every_worker_refuses_a_withdrawn_key_at_once(tmp_path: Path) -> None:
    """A token that both workers have remembered is refused by both as soon as the command has ended."""
    data, management = free_port(), free_port()
    emulator = EntraEmulator()
    with serve(emulator):
        url = emulator.metadata_url()
        (tmp_path / "answer.xml").write_text(POLICY.format(url=url))
        (tmp_path / "config.yaml").write_text(CONFIG.format(data=data, management=management, url=url))
        gateway = [sys.executable, "-m", "gateway"]
        config = ["-c", str(tmp_path / "config.yaml")]
        with started([*gateway, "serve", *config, "--workers", "2"], stdout=subprocess.DEVNULL):
            until_ready(management)
            token = emulator.mint()
            assert statuses(data, token) == {200}
            jws = parse(token)
            assert isinstance(jws, Jws)
            command = [*gateway, "keys", "withdraw", str(jws.header["kid"]), *config]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
            assert f"withdrawn at {url}" in ended.stdout
            assert statuses(data, token) == {401}
