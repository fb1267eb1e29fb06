"""Signals and supervision, with real processes: what must not end a gateway, and what must."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.processes import started

CONFIG = """
listen: 127.0.0.1:{data}
management: 127.0.0.1:{management}
decisions: 127.0.0.1:{decisions}
trusted-proxies: [127.0.0.1]
logging: {{requests: all}}
timeouts: {{drain: 4s}}
apis:
  - {{id: a, path: a, policy: answer.xml}}
  - {{id: slow, path: slow, service-url: "http://127.0.0.1:{silent}"}}
"""
POLICY = """<policies><inbound><return-response><set-status code="200" /></return-response></inbound></policies>"""


class Running:
    """A gateway of its own process, or of several."""

    def __init__(self, folder: Path, silent: int) -> None:
        self.folder = folder
        self.data, self.management, self.decisions = free_ports(3)
        (folder / "answer.xml").write_text(POLICY)
        ports = {"data": self.data, "management": self.management, "decisions": self.decisions, "silent": silent}
        (folder / "config.yaml").write_text(CONFIG.format(**ports))

    @contextmanager
    def serving(self, workers: int, stdout: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[str]]:
        """The gateway, ready."""
        command = [sys.executable, "-m", "gateway", "serve", "-c", str(self.folder / "config.yaml")]
        with started([*command, "--workers", str(workers)], stdout=stdout) as process:
            assert until(lambda: self.status(self.management, "/readyz") == 200, 60)
            yield process

    def status(self, port: int, path: str = "/a") -> int | None:
        """What *path* answers; None where there is no answer."""
        try:
            return httpx2.get(f"http://127.0.0.1:{port}{path}", timeout=5).status_code
        except httpx2.HTTPError:
            return None


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Running]:
    """A configuration in whose API ``slow`` requests never end."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield Running(tmp_path, silent.getsockname()[1])


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [bound.getsockname()[1] for bound in sockets]
    for bound in sockets:
        bound.close()
    return ports


def until(condition: Callable[[], bool], patience_s: float) -> bool:
    """Whether *condition* becomes true in time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def family(process: int) -> list[int]:
    """The processes that *process* has started."""
    return [int(number) for number in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def refuses(port: int) -> bool:
    """Whether nobody listens: a connection is refused, and does not hang."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return True
    return False


STARTING = """
import os, time
from gateway.serving.signals import Lifeline
lifeline = Lifeline()
child = os.fork()
if child == 0:
    lifeline.follow()
    os.write(1, b"follows\\n")
    time.sleep(600)
os.write(1, b"%d\\n" % child)  # in one piece, as the child's line
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_a_process_that_starts_ends_with_its_supervisor() -> None:
    """kill -9 of the supervisor also ends a process that is busy starting, and would hold the addresses."""
    with started([sys.executable, "-c", STARTING], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        said = {supervisor.stdout.readline().strip() for _ in range(2)}
        (child,) = said - {"follows"}
        assert _runs(int(child))
        supervisor.kill()
        assert until(lambda: not _runs(int(child)), 10)


def test_workers_end_with_their_supervisor(gateway: Running) -> None:
    """After kill -9 of the supervisor requests may end, no connection is accepted, and the addresses are free."""
    with gateway.serving(2) as process:
        orphans = family(process.pid)
        with socket.create_connection(("127.0.0.1", gateway.data)) as running:
            running.sendall(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            time.sleep(0.3)
            process.kill()
            process.wait(10)
            for port in (gateway.data, gateway.management, gateway.decisions):
                assert until(lambda port=port: refuses(port), 5)  # type: ignore[misc]
            assert any(Path(f"/proc/{pid}").exists() for pid in orphans)  # one drains
            with gateway.serving(2) as again:
                assert gateway.status(gateway.data) == 200
                again.send_signal(signal.SIGTERM)
                again.wait(20)
        assert until(lambda: not any(_runs(pid) for pid in orphans), 20)


def _runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_listens_while_the_last_requests_end(gateway: Running, workers: int) -> None:
    """During the drain new connections are refused; none waits for somebody to accept it and is reset in the end."""
    with gateway.serving(workers) as process, socket.create_connection(("127.0.0.1", gateway.data)) as running:
        running.sendall(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert until(lambda: refuses(gateway.data), 3)
        assert until(lambda: refuses(gateway.decisions), 3)
        assert process.poll() is None  # the slow request still runs
        for _ in range(20):
            assert refuses(gateway.data)
        assert process.wait(20) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_log_that_nobody_reads_stops_nothing(gateway: Running, workers: int) -> None:
    """With standard output blocked, requests, readiness and SIGTERM work as ever."""
    with gateway.serving(workers, subprocess.PIPE) as process:
        request = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
        for _ in range(4):  # far more lines than a pipe holds, on connections of every worker
            with socket.create_connection(("127.0.0.1", gateway.data), 20) as client:
                for _ in range(300):
                    client.sendall(request)
                    assert client.recv(4096).startswith(b"HTTP/1.1 200")
        assert gateway.status(gateway.management, "/readyz") == 200
        metrics = httpx2.get(f"http://127.0.0.1:{gateway.management}/metrics").text
        assert "gateway_log_lines_dropped_total" in metrics
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
