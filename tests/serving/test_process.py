"""``gateway serve`` and ``demo``: what stops them from starting is said in one line."""

from __future__ import annotations

import asyncio
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.wire.messages import Response
from gateway.wire.server.serve import start
from gateway.wire.settings import ListenerTls
from tests.processes import started, unmeasured
from tests.serving.harness import forked
from tests.serving.harness.forked import Commands
from tests.wire.rig import Answerer


@pytest.fixture(scope="module", name="commands")
def _commands() -> Iterator[Commands]:
    with forked.commands() as running:
        yield running


@pytest.fixture
def taken() -> object:
    """An address on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["serve"], 78, "config.yaml:1:1: unreadable-file"),
        (["check"], 1, "config.yaml:1:1: unreadable-file"),
        (["serve", "-c", "taken.yaml"], 71, "already in use"),
        (["serve", "-c", "managed.yaml"], 71, "already in use"),
        (["serve", "-c", "managed.yaml", "--workers", "2"], 71, "already in use"),
        (["serve", "-c", "managed.yaml", "--workers", "0"], 2, "--workers"),
        (["serve", "-c", "managed.yaml", "--port", "65536"], 2, "--port"),
        (["serve", "-c", "outdated.yaml"], 78, "earlier version"),
        (
            ["serve", "-c", "sharing.yaml"],
            78,
            "sharing.yaml:6:25: not-shareable: several workers cannot share a SQLite",
        ),
        (["check", "-c", "sharing.yaml"], 1, "sharing.yaml:6:25: not-shareable: several workers cannot share a SQLite"),
        (["serve", "-c", "no-folder.yaml", "--workers", "2"], 78, "(use PostgreSQL, or one worker)"),
        (["serve", "-c", "no-folder.yaml"], 69, "No such file or directory (make the folder "),
        (["serve", "-c", "no-server.yaml"], 69, "Connection refused"),
        (["demo", "--port", "0"], 2, "--port"),
        (["demo", "--port", "{port}"], 1, "already in use"),
        (["explain", "abc", "--policy", "nowhere.xml"], 2, "nowhere.xml is not a file"),
    ],
    ids=(
        "no-config check-no-config data-port management-port management-port-of-workers no-worker port-beyond"
        " outdated-store sharing-serve sharing-check sharing-option no-folder no-database demo-zero"
        " demo-port no-policy"
    ).split(),
)
def test_what_stops_a_command_is_one_line(
    commands: Commands, tmp_path: Path, taken: int, arguments: list[str], code: int, said: str
) -> None:
    """Exit status and message, never a traceback, and never a process that waits for nothing."""
    (tmp_path / "taken.yaml").write_text(f"listen: 127.0.0.1:{taken}\nmanagement: 127.0.0.1:0\n")
    (tmp_path / "managed.yaml").write_text(f"listen: 127.0.0.1:0\nmanagement: 127.0.0.1:{taken}\n")
    _write_stores(tmp_path)
    ended = commands.run(tmp_path, [word.format(port=taken) for word in arguments])
    assert ended.status == code, ended.output
    assert said.lower() in ended.output.lower()
    assert "Traceback" not in ended.output


def test_a_command_of_its_own_ends_alike(tmp_path: Path) -> None:
    """``python -m gateway`` hands on exit status and message as the commands above give them."""
    command = [sys.executable, "-m", "gateway", "serve"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (78, "")
    assert "config.yaml:1:1: unreadable-file" in ended.stderr
    assert "Traceback" not in ended.stderr


def _write_stores(directory: Path) -> None:
    """Configurations of the notification service whose stores cannot be used."""
    with closing(sqlite3.connect(directory / "old.db")) as connection:
        connection.execute("CREATE TABLE notification_jobs (id VARCHAR(36), dispatched INTEGER)")
    stores = {
        "outdated": f"sqlite:///{directory}/old.db",
        "no-folder": f"sqlite:///{directory}/nowhere/new.db",
        "sharing": f"sqlite:///{directory}/new.db",
        "no-server": "postgresql://gateway@127.0.0.1:1/nowhere",
    }
    for name, store in stores.items():
        workers = 2 if name == "sharing" else 1
        (directory / f"{name}.yaml").write_text(
            f"workers: {workers}\nlisten: 127.0.0.1:0\nmanagement: 127.0.0.1:0\n"
            "backends: {jobs: {app: notifications}}\n"
            f"apis: [{{id: batch, path: batch, backend: jobs}}]\n"
            f"notifications: {{store: '{store}', allow-readable-urls: true, "
            "d365: {instance-url: 'https://x.operations.dynamics.com', client-id: a, client-secret: b,"
            " token-url: 'https://login.microsoftonline.com/t/oauth2/v2.0/token'}}\n"
        )


def test_a_server_that_cannot_start_says_so(tmp_path: Path) -> None:
    """A certificate that is none ends the start; it does not wait for ever."""
    (tmp_path / "junk.pem").write_text("junk")
    tls = ListenerTls(certificate=tmp_path / "junk.pem", key=tmp_path / "junk.pem")
    with pytest.raises(GatewayError, match="cannot serve"):
        asyncio.run(asyncio.wait_for(start(Answerer(lambda _: Response()), tls=tls), 10))


@pytest.mark.parametrize("after_s", [0.15, 0.3, 0.6, 1.5])
@pytest.mark.parametrize("command", [["serve", "-c", "config.yaml"], ["check", "-c", "config.yaml"]])
def test_ctrl_c_ends_quietly(tmp_path: Path, command: list[str], after_s: float) -> None:
    """Ctrl-C ends the gateway quietly while modules load, while it is built, and while it serves."""
    (tmp_path / "config.yaml").write_text("listen: 127.0.0.1:0\nmanagement: 127.0.0.1:0\n")
    python = [sys.executable, "-m", "gateway", *command]
    options = {"env": unmeasured(), "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    # A test run in the background of a shell would hand on that Ctrl-C is ignored.
    with started(python, cwd=tmp_path, preexec_fn=_heed_interrupts, **options) as process:
        time.sleep(after_s)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode in (0, 1, 130, -signal.SIGINT)
    assert "gateway" not in output.partition("Traceback")[2]  # Python itself may be interrupted before it comes to us


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
