"""Several workers: one socket, restarted when they die, stopped together."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from gateway.serving.exit_codes import ExitCode
from gateway.serving.service_manager import ServiceManager
from gateway.serving.signals import Lifeline
from gateway.serving.staff import Generation, Staff
from gateway.serving.workers import Supervisor
from tests.processes import started
from tests.serving.test_signals import until

CONFIG = """
listen: 127.0.0.1:{data}
management: 127.0.0.1:{management}
timeouts: {{drain-delay: 4s}}
request-log: {{sample: 1}}
apis: [{{id: a, path: a, policy: answer.xml}}]
"""
POLICY = """<policies><inbound><return-response><set-status code="200" /></return-response></inbound></policies>"""


@pytest.fixture
def running(tmp_path: Path) -> object:
    import socket

    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    (tmp_path / "answer.xml").write_text(POLICY)
    (tmp_path / "config.yaml").write_text(CONFIG.format(data=ports[0], management=ports[1]))
    command = [sys.executable, "-m", "gateway", "serve", "-c", str(tmp_path / "config.yaml"), "--workers", "2"]
    with started(command, stdout=subprocess.PIPE) as process:
        yield process, *ports


def until_ready(management: int, workers: int = 2) -> dict[str, object]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            answer = httpx2.get(f"http://127.0.0.1:{management}/readyz")
        except httpx2.HTTPError:
            time.sleep(0.1)
            continue
        if answer.status_code == 200:
            report: dict[str, object] = answer.json()
            return report
        time.sleep(0.1)
    raise TimeoutError("the workers did not become ready")


def children(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(number) for number in text.split()]


def test_the_console_adds_workers_up(running: tuple[subprocess.Popen[str], int, int]) -> None:
    """The management process has the console of all workers, and another site's name opens none of it."""
    _, data, management = running
    until_ready(management)
    for _ in range(7):
        assert httpx2.get(f"http://127.0.0.1:{data}/a").status_code == 200

    def overview() -> str:
        return httpx2.get(f"http://127.0.0.1:{management}/", timeout=30).text

    sevens = 'data-label="All" role="cell">7</td>'
    assert until(lambda: sevens in overview(), 30)  # a worker of a loaded machine may not answer in time
    assert until(lambda: overview().count('<span class="badge good">ready</span>') == 2, 30)
    assert ">7</td>" in httpx2.get(f"http://127.0.0.1:{management}/console/apis", timeout=30).text
    for path in ("/", "/console/apis"):
        answer = httpx2.get(f"http://127.0.0.1:{management}{path}", headers={"host": "evil.example"})
        assert answer.status_code == 421


def test_exemplars_lead_to_requests(running: tuple[subprocess.Popen[str], int, int]) -> None:
    """A scrape as OpenMetrics names requests of the workers, and each of them is found by its id."""
    _, data, management = running
    until_ready(management)
    sent = {httpx2.get(f"http://127.0.0.1:{data}/a").headers["x-request-id"] for _ in range(8)}
    accept = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
    answer = httpx2.get(f"http://127.0.0.1:{management}/metrics", headers=accept)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    named = set(re.findall(r'# \{request_id="([^"]+)"\}', answer.text))
    assert named
    assert named <= sent
    for request_id in named:
        found = httpx2.get(f"http://127.0.0.1:{management}/requests/{request_id}").json()
        assert (found["id"], found["path"]) == (request_id, "/a")
        assert found["worker"] in {"worker-1", "worker-2"}


def test_a_killed_worker_is_replaced(running: tuple[subprocess.Popen[str], int, int]) -> None:
    """kill -9 of one worker costs no other connection, and a new one takes its place; SIGTERM stops all, in order."""
    process, data, management = running
    assert set(until_ready(management)["workers"]) == {"worker-1", "worker-2"}  # type: ignore[call-overload]
    before = children(process.pid)
    os.kill(before[0], signal.SIGKILL)
    for _ in range(20):
        assert httpx2.get(f"http://127.0.0.1:{data}/a").status_code == 200
    deadline = time.monotonic() + 30
    while len(children(process.pid)) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    until_ready(management)
    assert set(children(process.pid)) > set(before[1:])
    process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 4
    while httpx2.get(f"http://127.0.0.1:{management}/readyz").status_code != 503 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert httpx2.get(f"http://127.0.0.1:{management}/readyz").status_code == 503
    assert httpx2.get(f"http://127.0.0.1:{data}/a").status_code == 200
    assert process.wait(20) == 0
    assert all(not Path(f"/proc/{pid}").exists() for pid in before)


@pytest.fixture
def signals() -> Iterator[None]:
    """Signals and timer as they were, afterwards."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGCHLD)
    handlers, timer = [signal.getsignal(number) for number in numbers], signal.getitimer(signal.ITIMER_REAL)
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def test_nothing_of_the_supervisor_stays(signals: None) -> None:
    """Once every process has ended its timer is off, which could end the process, and signals are as before."""
    handler = signal.getsignal(signal.SIGTERM)
    supervisor = Supervisor(Generation.of({}), 60.0, lambda: None, manager=ServiceManager("", 30.0))
    supervisor._wake_up.stops = 1
    assert supervisor.run() == ExitCode.STOPPED
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGTERM) is handler


class Stopped:
    """A renewal during which the supervisor is asked to stop."""

    supervisor: Supervisor

    def begin(self) -> Generation:
        self.supervisor._wake_up.stops = 1
        return Generation.of({"worker-1": lambda _lifeline, _pulse: None})

    def done(self) -> None:
        raise AssertionError

    def failed(self, reason: str) -> None:
        raise AssertionError(reason)

    def stop_s(self) -> float:
        return 1.0


def test_nothing_starts_once_it_stops(signals: None) -> None:
    """SIGTERM while a new gateway is built: its processes are not started."""
    renewal = Stopped()
    supervisor = renewal.supervisor = Supervisor(Generation.of({}), 60.0, lambda: None, renewal)
    supervisor._wake_up._hang_up = supervisor._was_ready = True
    supervisor._obey()
    assert supervisor._next is None
    assert supervisor.run() == ExitCode.STOPPED


def test_a_retired_process_that_hangs_is_killed(signals: None) -> None:
    """A retired process that does not look at its own timer does not stay for ever."""
    command = "import signal, time; signal.signal(signal.SIGUSR2, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    hanging = subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE)
    assert hanging.stdout is not None
    hanging.stdout.readline()
    supervisor = Supervisor(Generation.of({}), 0.0, lambda: None)
    supervisor._retire([hanging.pid])
    supervisor._kill_overdue()
    assert hanging.wait(30) == -signal.SIGKILL
    hanging.stdout.close()


def test_one_that_does_not_turn_is_killed(signals: None) -> None:
    """A worker whose loop has not turned for 30 s is killed; one whose loop turns, or that has ended, is not."""
    hanging = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    generation = Generation.of(dict.fromkeys(["worker-1", "worker-2"], lambda _lifeline, _pulse: None))
    supervisor = Supervisor(generation, 60.0, lambda: None)
    supervisor._staff.processes[hanging.pid] = "worker-1"
    generation.pulses["worker-2"].rest()
    supervisor._kill_overdue()
    assert hanging.poll() is None
    assert generation.pulses.stuck() == []
    generation.pulses["worker-1"]._numbers[0] -= 31 * 10**9
    assert generation.pulses.stuck() == ["worker-1"]
    supervisor._kill_overdue()
    assert hanging.wait(30) == -signal.SIGKILL


def test_a_frozen_machine_is_no_hung_worker(signals: None) -> None:
    """After a pause of the supervisor itself nobody is taken for hung: a container that was frozen is not restarted."""
    generation = Generation.of({"worker-1": lambda _lifeline, _pulse: None})
    supervisor = Supervisor(generation, 60.0, lambda: None)
    supervisor._staff.processes[2**22 + 1] = "worker-1"  # of nobody
    generation.pulses["worker-1"]._numbers[0] -= 60 * 10**9
    supervisor._turned_at -= 60.0
    supervisor._forgive_if_frozen()
    assert list(supervisor._staff.hung(30.0)) == []


def test_a_system_without_processes_is_asked_again(signals: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system gives no process, the supervisor does not end: it tries again in a moment."""

    def fork() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fork)
    supervisor = Supervisor(Generation.of({"worker-1": lambda _lifeline, _pulse: None}), 60.0, lambda: None)
    supervisor._staff.start_all()
    assert (supervisor._staff.processes, list(supervisor._staff.due)) == ({}, ["worker-1"])
    assert not supervisor._staff.is_ready


@pytest.mark.parametrize(
    ("served", "status", "others", "hope", "pauses"),
    [
        (True, -9, False, True, [0.0] * 6),
        (False, 70, False, True, [1.0, 2.0, 4.0, 8.0]),
        (False, 70, True, True, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]),
        (False, 78, False, False, [1.0]),
        (False, 78, True, True, [1.0, 2.0]),
    ],
)
def test_what_cannot_start_pauses(served: bool, status: int, others: bool, hope: bool, pauses: list[float]) -> None:
    """What has served is started again immediately; what never does pauses twice as long each time; 78 ends it all."""
    generation = Generation.of(dict.fromkeys(["worker-1", "worker-2", "management"], lambda _lifeline, _pulse: None))
    staff = Staff(generation, Lifeline(), lambda: None)
    if others:
        staff.processes[2] = "worker-2"
        generation.pulses["worker-2"].report_ready()
    for pause in pauses:
        staff.processes[1], staff._started["worker-1"] = "worker-1", 0.0
        generation.pulses["worker-1"].begin()
        if served:
            generation.pulses["worker-1"].report_ready()
        now = time.monotonic()
        assert staff.note_end(1, status) == hope
        assert pause <= staff.due["worker-1"] - now < pause + 0.9
    if not served and hope and not others:
        staff.processes[1] = "worker-1"
        assert not staff.note_end(1, status)


def test_a_reload_waits_while_many_generations_end(signals: None) -> None:
    """Long requests keep retired processes: there are three generations of them at most, however often it reloads."""
    supervisor = Supervisor(
        Generation.of({"worker-1": lambda *_: None, "management": lambda *_: None}), 1.0, lambda: None
    )
    supervisor._was_ready = True
    for process in range(1, 5):
        supervisor._retired[process] = 0.0
    assert supervisor._may_renew()
    supervisor._retired[5] = 0.0
    assert not supervisor._may_renew()
