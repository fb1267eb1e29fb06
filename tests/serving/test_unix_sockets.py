"""A gateway on Unix sockets: all three listeners, workers, a reload, a second gateway, a killed one, and the end."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.serving.exit_codes import ExitCode
from tests.processes import started

CONFIG = """
listen: unix:http.sock
management: unix:management.sock
decisions: unix:{folder}/authz.sock
socket-mode: "0600"
trusted-proxies: ["unix:"]
timeouts: {{drain: 2s}}
apis: [{{id: a, path: a, policy: answer.xml}}]
"""
POLICY = """
<policies><inbound><ip-filter action="allow"><address>203.0.113.9</address></ip-filter>
<return-response><set-status code="200" /><set-body>{mark}</set-body></return-response></inbound></policies>
"""
SOCKETS = ("http.sock", "management.sock", "authz.sock")
CLIENT = {"X-Forwarded-For": "203.0.113.9"}


def get(file: Path, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Status and body of one answer over a socket file."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(file))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n".encode())
        answer = b""
        while received := connection.recv(65_536):
            answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body.decode()


def until(
    folder: Path, path: str, expected: str, headers: dict[str, str] | None = None, file: str = "http.sock"
) -> None:
    """Wait until *path* is answered with *expected*."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        try:
            if get(folder / file, path, headers)[1].startswith(expected):
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError(expected)


def _kill_one(command: list[str], folder: Path) -> None:
    """Leave the files of a gateway that is killed."""
    with started(command, stdout=subprocess.DEVNULL) as killed:
        until(folder, "/a", "first", CLIENT)
        killed.kill()
        killed.wait()
    assert all((folder / name).exists() for name in SOCKETS)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_whole(tmp_path: Path, workers: int) -> None:
    """Everything that works over TCP; and the files are there while the gateway is, and no longer."""
    (tmp_path / "config.yaml").write_text(CONFIG.format(folder=tmp_path))
    (tmp_path / "answer.xml").write_text(POLICY.format(mark="first"))
    command = [sys.executable, "-m", "gateway", "serve", "-c", str(tmp_path / "config.yaml"), "--workers", str(workers)]
    if workers > 1:
        _kill_one(command, tmp_path)
    with started(command, stdout=subprocess.DEVNULL) as process:
        until(tmp_path, "/a", "first", CLIENT)
        until(tmp_path, "/readyz", "{", file="management.sock")
        assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in SOCKETS} == {0o600}
        assert get(tmp_path / "http.sock", "/a")[0] == 403, "without an address no filter may pass"
        for name, path, headers, status in (
            ("http.sock", "/a", {"X-Forwarded-For": "203.0.113.8"}, 403),
            ("authz.sock", "/authz/a", CLIENT, 403),  # a policy answers: a decision can only refuse
            ("authz.sock", "/authz/a", {}, 403),
            ("authz.sock", "/authz/none", CLIENT, 404),
            ("management.sock", "/metrics", {}, 200),
            ("management.sock", "/requests", {}, 200),
        ):
            assert (path, get(tmp_path / name, path, headers)[0]) == (path, status)
        assert "X-Forwarded-For is missing" in get(tmp_path / "authz.sock", "/authz/a")[1]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (second.returncode, "in use" in second.stdout + second.stderr) == (ExitCode.ADDRESS, True)
        (tmp_path / "answer.xml").write_text(POLICY.format(mark="second"))
        process.send_signal(signal.SIGHUP)
        until(tmp_path, "/a", "second", CLIENT)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == ExitCode.STOPPED
    assert [name for name in SOCKETS if (tmp_path / name).exists()] == []
