"""`gateway demo` as README.md says: it starts, and the calls that it prints can be copied into a shell."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.commands.demo.running import CALM

# One demo for all: its tests stay in one process, in this order.
pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.needs("curl")]

STEP = re.compile(r"^(\d)\. ", re.MULTILINE)
SUBJECT = "caller-objectid"


@dataclass
class Demo:
    """A running demo: its process, what it printed, and when it was started."""

    process: subprocess.Popen[str]
    banner: str
    started: float

    def commands(self, step: int) -> list[str]:
        """The shell commands of one numbered step, as printed."""
        _, *parts = STEP.split(self.banner)
        text = dict(zip(parts[::2], parts[1::2], strict=True))[str(step)]
        return [line.strip() for line in text.splitlines() if line.startswith("     ")]

    def next_line(self, event: str) -> str:
        """The next line of the demo's terminal with *event*."""
        assert self.process.stdout is not None
        return next(line for line in self.process.stdout if f"] {event} " in line)

    def shell(self, *commands: str) -> str:
        """What a shell prints for *commands*, after the token of step 1 was fetched."""
        script = "\n".join([*self.commands(1), *commands])
        done = subprocess.run(["bash", "-eu", "-c", script], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo on free ports, in a home directory where an earlier version has left its jobs."""
    home = tmp_path_factory.mktemp("home")
    state = home / ".local" / "state" / "apim-policy-gateway"
    state.mkdir(parents=True)
    with closing(sqlite3.connect(state / "notifications.db")) as connection:
        connection.execute("CREATE TABLE notification_jobs (id VARCHAR(36), dispatched INTEGER)")
    environment = os.environ | {"HOME": str(home), "PYTHONUNBUFFERED": "1"}
    command = [str(Path(sys.executable).parent / "gateway"), "demo", "--port", str(_free_ports(6))]
    started = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        try:
            yield Demo(process, _banner(process), started)
        finally:
            process.kill()


def _free_ports(count: int) -> int:
    """The first of *count* neighbouring free ports."""
    for first in range(21000 + os.getpid() % 500 * 20, 60000, count):
        if all(_is_free(first + offset) for offset in range(count)):
            return first
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _banner(process: subprocess.Popen[str]) -> str:
    """Everything up to the last printed call."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.strip().endswith("/deliveries") and line.startswith("     curl"):
            return "".join(lines)
    raise AssertionError("".join(lines))


def _seen(answer: str, name: str = SUBJECT) -> list[str]:
    """What the backend received under *name*, in any spelling."""
    headers: Any = json.loads(answer)["headers"]
    pairs = headers.items() if isinstance(headers, dict) else headers
    return [value for key, value in pairs if key.lower().replace("_", "-") == name]


def test_verified_call(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    """The first call works: the backend sees the caller's id, once."""
    answer = demo.shell(*demo.commands(2))
    with capsys.disabled():
        print(f"\nfirst verified call {time.monotonic() - demo.started:.1f} s after the start of `gateway demo`")
    assert len(_seen(answer)) == 1


def test_forged_header(demo: Demo) -> None:
    """A forged header loses in both spellings, and on the route without a token nothing arrives."""
    forged, anonymous = demo.commands(3)
    verified = _seen(demo.shell(*demo.commands(2)))
    assert _seen(demo.shell(forged)) == verified
    assert _seen(demo.shell(anonymous)) == []


def test_calm_beginning(demo: Demo) -> None:
    """Three lines say what starts, where, and that its settings are a demo's; no warning comes before the calls."""
    said, calls, _ = demo.banner.partition("The gateway is up.")
    assert said == f"{CALM}\n"
    assert CALM.count("\n") == 3
    assert calls


def test_bad_token(demo: Demo) -> None:
    """A bad token is answered with 401 and the policy's message; the reason appears in the demo's terminal."""
    answer = demo.shell(*demo.commands(4))
    assert answer.startswith("HTTP/1.1 401")
    assert "Token is invalid" in answer
    line = demo.next_line("refused")
    assert "reason=JwtInvalid" in line
    assert "source=validate-jwt" in line


def test_batch_job(demo: Demo) -> None:
    """A batch job is accepted immediately, and its callback arrives with a valid signature."""
    start, deliveries = demo.commands(5)
    answer = demo.shell(start)
    assert answer.startswith("HTTP/1.1 202")
    assert re.search(r"^location: /batch/jobs/", answer, re.IGNORECASE | re.MULTILINE)
    deadline = time.monotonic() + 45
    while not (arrived := json.loads(demo.shell(deliveries))) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert [delivery["signature"] for delivery in arrived] == ["valid"]


def test_console(demo: Demo) -> None:
    """The console that the banner names shows what was just done: a refusal, and a batch job."""
    origin = re.search(r"console +(http://\S+)/", demo.banner)
    assert origin is not None
    demo.shell(*demo.commands(4))
    location = re.search(r"^location: /batch/jobs/(\S+)", demo.shell(demo.commands(5)[0]), re.IGNORECASE | re.MULTILINE)
    assert location is not None
    shown = httpx2.get(f"{origin[1]}/").text
    assert "<code>validate-jwt</code>" in shown
    assert "JwtInvalid" in shown
    assert location[1] in httpx2.get(f"{origin[1]}/console/notifications").text


def test_ctrl_c(demo: Demo) -> None:
    """Ctrl-C ends everything within seconds, without any error message."""
    demo.process.send_signal(signal.SIGINT)
    output, _ = demo.process.communicate(timeout=15)
    assert demo.process.returncode == 0
    assert "Traceback" not in output
