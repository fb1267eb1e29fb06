"""A gateway under a service manager, with real processes: what it is told, what is killed, what must not be lost."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from tests.processes import started
from tests.serving.test_signals import Running, _runs, family, refuses, until

pytestmark = pytest.mark.slow

# Listens as a manager would, and becomes the gateway: LISTEN_PID is the process that execs.
ACTIVATE = """
import os, sys
for number, descriptor in enumerate(map(int, sys.argv[1].split(",")), 3):
    os.dup2(descriptor, number + 100)
for number in range(3, 3 + len(sys.argv[1].split(","))):
    os.dup2(number + 100, number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sys.argv[1].split(","))), LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.executable, [sys.executable, "-m", "gateway", *sys.argv[3:]])
"""
# A gateway of which one worker's loop stops turning when it gets SIGRTMIN.
STUCK = """
import signal, sys, time
from gateway import cli
signal.signal(signal.SIGRTMIN, lambda *_: time.sleep(int(sys.argv.pop())))
cli.main(sys.argv[1:-1])
"""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Running]:
    """A configuration in whose API ``slow`` requests never end."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield Running(tmp_path, silent.getsockname()[1])


class Manager:
    """The socket of a service manager."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(0.1)
        self.lines: list[str] = []

    def has_heard(self, line: str, times: int = 1) -> bool:
        """Whether *line* has come that often."""
        with suppress(TimeoutError):
            while True:
                self.lines += self.socket.recv(4096).decode().split("\n")
        return self.lines.count(line) >= times


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path)
    yield made
    made.socket.close()


@contextmanager
def managed(
    gateway: Running, manager: Manager, workers: int, watchdog_s: float = 4.0
) -> Iterator[subprocess.Popen[str]]:
    """The gateway as systemd starts it with WatchdogSec."""
    environment = {
        **os.environ,
        "NOTIFY_SOCKET": str(manager.path),
        "WATCHDOG_USEC": str(int(watchdog_s * 1_000_000)),
    }
    command = [sys.executable, "-c", STUCK, "serve", "-c", str(gateway.folder / "config.yaml")]
    with started([*command, "--workers", str(workers), "20"], env=environment, stdout=subprocess.PIPE) as process:
        yield process


@pytest.mark.parametrize("workers", [1, 2])
def test_the_manager_is_told(gateway: Running, manager: Manager, workers: int) -> None:
    """Ready when requests are answered, reloading and ready again, well or not, fed meanwhile, and stopping."""
    with managed(gateway, manager, workers, watchdog_s=1.0) as process:
        assert until(lambda: manager.has_heard("READY=1"), 60)
        assert gateway.status(gateway.data) == 200
        process.send_signal(signal.SIGHUP)
        assert until(lambda: manager.has_heard("READY=1", 2), 60)
        (gateway.folder / "answer.xml").write_text("<broken")
        process.send_signal(signal.SIGHUP)
        assert until(lambda: manager.has_heard("READY=1", 3), 60)
        assert manager.lines.count("RELOADING=1") == 2
        assert len([line for line in manager.lines if re.fullmatch(r"MONOTONIC_USEC=\d+", line)]) == 2
        assert any("answer.xml:1:" in line for line in manager.lines if line.startswith("STATUS="))
        assert until(lambda: manager.has_heard("WATCHDOG=1", 3), 30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert until(lambda: manager.has_heard("STOPPING=1"), 5)


def test_a_stuck_loop_is_not_fed_for(gateway: Running, manager: Manager) -> None:
    """One process whose loop does not turn: neither the watchdog is fed, nor does the health check answer."""
    with managed(gateway, manager, 1, watchdog_s=2.0) as process:
        assert until(lambda: manager.has_heard("WATCHDOG=1", 2), 60)
        assert gateway.status(gateway.management, "/healthz") == 200
        process.send_signal(signal.SIGRTMIN)
        time.sleep(0.5)
        manager.has_heard("")
        fed = manager.lines.count("WATCHDOG=1")
        assert gateway.status(gateway.management, "/healthz") is None
        assert not manager.has_heard("WATCHDOG=1", fed + 1)
        assert process.stdout is not None
        assert until(lambda: '"loop_stuck"' in process.stdout.readline(), 20)  # type: ignore[union-attr]


def test_a_stuck_worker_fails_the_health_check(gateway: Running, manager: Manager) -> None:
    """Of two workers one does not turn: the management process, which does, says so, and no watchdog is fed."""
    with managed(gateway, manager, 2, watchdog_s=2.0) as process:
        assert until(lambda: manager.has_heard("READY=1"), 60)
        assert gateway.status(gateway.management, "/healthz") == 200
        os.kill(family(process.pid)[0], signal.SIGRTMIN)
        url = f"http://127.0.0.1:{gateway.management}/healthz"
        assert until(lambda: httpx2.get(url, timeout=10).status_code == 503, 30)
        assert httpx2.get(url, timeout=10).text == "stuck: worker-1\n"
        manager.has_heard("")
        fed = manager.lines.count("WATCHDOG=1")
        time.sleep(2)
        assert not manager.has_heard("WATCHDOG=1", fed + 1)
        assert until(lambda: httpx2.get(url, timeout=10).status_code == 200, 60)  # it turns again
        assert until(lambda: manager.has_heard("WATCHDOG=1", fed + 1), 30)


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_is_lost_by_a_restart(gateway: Running, workers: int) -> None:
    """Under sockets of a manager the gateway is restarted while clients open connections: all are answered."""
    sockets = [socket.create_server(("127.0.0.1", port), backlog=512) for port in (gateway.data, gateway.management)]
    numbers = ",".join(str(each.fileno()) for each in sockets)
    command = [sys.executable, "-c", ACTIVATE, numbers, "data:management", "serve", "-c"]
    command += [str(gateway.folder / "config.yaml"), "--workers", str(workers)]
    stop, answers, failures = threading.Event(), [0], list[str]()

    def ask() -> None:
        while not stop.is_set():
            try:
                assert httpx2.get(f"http://127.0.0.1:{gateway.data}/a", timeout=60).status_code == 200
                answers[0] += 1
            except (httpx2.HTTPError, AssertionError) as error:
                failures.append(repr(error))

    clients = [threading.Thread(target=ask) for _ in range(3)]
    for client in clients:
        client.start()
    try:
        for _ in range(4):
            before = answers[0]
            with started(command, pass_fds=[each.fileno() for each in sockets], stdout=subprocess.DEVNULL) as process:
                assert until(lambda before=before: answers[0] > before + 20, 60)  # type: ignore[misc]
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0
    finally:
        stop.set()
        with started(command, pass_fds=[each.fileno() for each in sockets], stdout=subprocess.DEVNULL) as process:
            for client in clients:
                client.join(60)
        for each in sockets:
            each.close()
    assert failures == []
    assert answers[0] > 80


def test_a_socket_that_does_not_fit_ends_the_start(gateway: Running) -> None:
    """Exit code 78 and one line."""
    with socket.create_server(("127.0.0.1", 0)) as wrong:
        command = [sys.executable, "-c", ACTIVATE, str(wrong.fileno()), "management", "serve", "-c"]
        command.append(str(gateway.folder / "config.yaml"))
        ended = subprocess.run(
            command, pass_fds=[wrong.fileno()], capture_output=True, text=True, timeout=60, check=False
        )
    assert ended.returncode == 78
    assert ended.stderr.startswith("gateway: socket activation: the socket management is bound to 127.0.0.1:")


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder with a short name: those of sockets have 107 characters."""
    with tempfile.TemporaryDirectory(prefix="g", dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.parametrize("victim", ["supervisor", "worker", "management"])
@pytest.mark.parametrize("reloading", [False, True])
def test_nothing_is_left_of_what_is_killed(gateway: Running, victim: str, reloading: bool, temporary: Path) -> None:
    """kill -9 of any process, during a reload, too: nothing is orphaned, and addresses are soon free."""
    command = [sys.executable, "-m", "gateway", "serve", "-c", str(gateway.folder / "config.yaml"), "--workers", "2"]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with started(command, env=environment, stdout=subprocess.DEVNULL) as process:
        assert until(lambda: gateway.status(gateway.management, "/readyz") == 200, 60)
        if reloading:
            process.send_signal(signal.SIGHUP)
            assert until(lambda: len(family(process.pid)) > 3, 60)
        processes = family(process.pid)
        victims = {"supervisor": process.pid, "worker": processes[0], "management": processes[2]}
        os.kill(victims[victim], signal.SIGKILL)
        if victim != "supervisor":
            assert until(lambda: len(family(process.pid)) == 3, 60)
            assert until(lambda: gateway.status(gateway.management, "/readyz") == 200, 60)
            assert gateway.status(gateway.data) == 200
            processes = family(process.pid)
            process.kill()
        process.wait(10)
        addresses = (gateway.data, gateway.management, gateway.decisions)
        assert until(lambda: all(map(refuses, addresses)), 2)  # it takes 0.11 s, and at most 0.24 s at a load of 10
        assert until(lambda: not any(map(_runs, processes)), 20)
        assert list(temporary.iterdir()) == []


def test_a_store_that_cannot_be_opened_ends_the_supervisor(gateway: Running) -> None:
    """Workers are not started for ever: after a few times the supervisor ends with the code of their error."""
    with (gateway.folder / "config.yaml").open("a") as config:
        config.write(
            "  - {id: batch, path: batch, backend: jobs}\n"
            "backends: {jobs: {app: notifications}}\n"
            "notifications: {store: 'postgresql://gateway@127.0.0.1:1/nowhere', allow-readable-urls: true, "
            "d365: {instance-url: 'https://x.operations.dynamics.com', client-id: a, client-secret: b,"
            " token-url: 'https://login.microsoftonline.com/t/oauth2/v2.0/token'}}\n"
        )
    command = [sys.executable, "-m", "gateway", "serve", "-c", str(gateway.folder / "config.yaml"), "--workers", "2"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert ended.returncode == 69, ended.stdout
    assert ended.stderr == "gateway: no worker can start: its line process_failed has the reason\n"
    assert 5 <= ended.stdout.count('"process_failed"') <= 12
    assert "Connection refused" in ended.stdout
    assert not list(Path(tempfile.gettempdir()).glob("gateway-workers-*/worker-*"))


def test_a_generation_that_never_becomes_ready_changes_nothing(gateway: Running, tmp_path: Path) -> None:
    """Its processes hang at their start: the generation before answers meanwhile, and stays."""
    patient = (
        "import sys, time; from gateway import cli; from gateway.assembly.app import Gateway\n"
        "import gateway.serving.workers as w\n"
        "w.READY_S = 3.0; start = Gateway.start\n"
        "import asyncio\n"
        "async def hang(self):\n"
        "    if len(self.config.apis) > 2: await asyncio.sleep(3600)\n"
        "    await start(self)\n"
        "Gateway.start = hang; cli.main(sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", patient, "serve", "-c", str(gateway.folder / "config.yaml"), "--workers", "2"]
    with started(command, stdout=subprocess.PIPE) as process:
        assert until(lambda: gateway.status(gateway.management, "/readyz") == 200, 60)
        serving = set(family(process.pid))
        with (gateway.folder / "config.yaml").open("a") as config:
            config.write("  - {id: more, path: more, policy: answer.xml}\n")
        process.send_signal(signal.SIGHUP)
        assert until(lambda: len(family(process.pid)) == 6, 60)
        url = f"http://127.0.0.1:{gateway.management}/readyz"
        while "were not ready in time" not in (text := httpx2.get(url, timeout=10).text):
            assert gateway.status(gateway.data) == 200
        assert '"ready":true' in text.replace(" ", "")
        assert until(lambda: set(family(process.pid)) == serving, 60)
        assert gateway.status(gateway.data) == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_swapped_link_takes_over(gateway: Running) -> None:
    """A ConfigMap's volume: ``..data`` points to another folder, and the gateway, which watches, takes it over."""
    volume = gateway.folder / "volume"
    text = (gateway.folder / "config.yaml").read_text()
    for number in (1, 2, 3):
        folder = volume / f"..2026_12_01_{number}"
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(text)
        answer = '<policies><inbound><return-response><set-status code="20N" /></return-response></inbound></policies>'
        (folder / "answer.xml").write_text(answer.replace("N", str(number)))
    (volume / "..data").symlink_to("..2026_12_01_1")
    for name in ("config.yaml", "answer.xml"):
        (volume / name).symlink_to(f"..data/{name}")
    command = [sys.executable, "-m", "gateway", "serve", "-c", str(volume / "config.yaml"), "--watch"]
    with started(command, stdout=subprocess.DEVNULL):
        assert until(lambda: gateway.status(gateway.data) == 201, 60)
        for number in (2, 3):
            (volume / "..data_tmp").symlink_to(f"..2026_12_01_{number}")
            (volume / "..data_tmp").rename(volume / "..data")
            for file in (volume / f"..2026_12_01_{number - 1}").iterdir():
                file.unlink()
            (volume / f"..2026_12_01_{number - 1}").rmdir()
            assert until(lambda number=number: gateway.status(gateway.data) == 200 + number, 30)  # type: ignore[misc]
