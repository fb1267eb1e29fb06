"""The command line works on the store, beside a running service, and shows no callback URL."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from cyclopts import App
from pydantic import SecretStr

from gateway.commands.notifications.command import build
from gateway.commands.notifications.configured import settings as load_settings
from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.errors import GatewayError, LoadError
from gateway.notifications.api.serving import ServiceListener, log_lines, require_hop
from gateway.notifications.settings import HopSettings
from tests.notifications.conftest import ALICE, Running
from tests.notifications.receiver import Receiver, answer

CONFIG = """
notifications:
  store: sqlite:///{path}
  d365: {{instance-url: "http://127.0.0.1:9", token-url: "http://127.0.0.1:9/t", client-id: i, client-secret: s}}
  default-caller: {{name: all, batch-jobs: "*"}}
  hop: {{shared-secret: hop}}
"""


@pytest.fixture
def command(service: Running) -> App:
    """The sub-command on the running service's store."""
    return build(lambda _path: service.settings)


def test_dead_letter(
    service: Running, d365: D365Emulator, receiver: Receiver, command: App, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dead letter is listed, shown, replayed by the running service, and then gone from the list."""
    d365.script(301, ends("Finished", 1, 1))
    receiver.script("/301", answer(400), answer(200))
    job = service.create(receiver.url("/301"), 301).json()["id"]
    service.until(job, "dead")
    assert job in _output(command, capsys, "dead-letters", "--json")
    assert job in _output(command, capsys, "list", "--caller", ALICE, "--status", "dead")
    shown = json.loads(_output(command, capsys, "show", job, "--json"))
    assert shown["attempts"][0]["status"] == 400
    text = _output(command, capsys, "show", job)
    assert "permanent" in text
    assert "bearer-secret" not in text + str(shown)
    assert "queued" in _output(command, capsys, "replay", "--dead", "--per-second", "1000")
    service.until(job, "delivered")
    assert _output(command, capsys, "dead-letters") == "No dead letters."
    assert "not finished" in _output(command, capsys, "replay", "nonsense")


def test_unknown_job(command: App) -> None:
    """A job that does not exist is named."""
    with pytest.raises(GatewayError, match="no job x"):
        command(["show", "x"], result_action="return_value")


def test_no_store(tmp_path: Path, service: Running) -> None:
    """A mistyped path does not create a new store."""
    lost = build(lambda _path: service.settings.model_copy(update={"store": SecretStr(f"sqlite:///{tmp_path}/no.db")}))
    with pytest.raises(GatewayError, match="no store"):
        lost(["list"], result_action="return_value")
    assert not (tmp_path / "no.db").exists()


@pytest.mark.parametrize("arguments", [[], ["x", "--dead"]])
def test_replay_what(command: App, arguments: list[str]) -> None:
    """Replaying nothing, or ids and everything at once, is a mistake, not a success."""
    with pytest.raises(GatewayError, match="--dead for all"):
        command(["replay", *arguments], result_action="return_value")


def test_unusable_store(tmp_path: Path, service: Running) -> None:
    """A file that is not a store, and a server that is down, are named with what to check, without the password."""
    (tmp_path / "empty.db").touch()
    for url in (f"sqlite:///{tmp_path}/empty.db", "postgresql://me:s3cret@127.0.0.1:9/d"):
        broken = build(lambda _path, url=url: service.settings.model_copy(update={"store": SecretStr(url)}))  # type: ignore[misc]
        with pytest.raises(GatewayError, match=r"cannot be used: .*\(check notifications.store\)") as caught:
            broken(["list"], result_action="return_value")
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("hop", "listener", "text"),
    [
        (HopSettings(), ServiceListener("h", 1), "shared-secret"),
        (HopSettings(mtls=True), ServiceListener("h", 1), "--client-ca"),
    ],
)
def test_open_door(service: Running, hop: HopSettings, listener: ServiceListener, text: str) -> None:
    """On its own the service does not start unless callers are proven to come from the gateway."""
    with pytest.raises(GatewayError, match=text):
        require_hop(service.settings.model_copy(update={"hop": hop}), listener)


@pytest.mark.parametrize("hop", [HopSettings(shared_secret=SecretStr("x")), HopSettings(mtls=True)])
def test_closed_door(service: Running, hop: HopSettings) -> None:
    """With a secret, or with TLS files for client certificates, it starts."""
    require_hop(
        service.settings.model_copy(update={"hop": hop}), ServiceListener("h", 1, Path("c"), Path("k"), Path("a"))
    )


def test_no_block(tmp_path: Path) -> None:
    """A configuration without the block says what is missing."""
    path = tmp_path / "config.yaml"
    path.write_text("listen: 127.0.0.1:1\n")
    with pytest.raises(LoadError, match="notifications"):
        load_settings(path)


@pytest.mark.slow
def test_serve(tmp_path: Path) -> None:
    """On its own the service answers only the gateway, has a management plane, logs JSON, and stops when asked."""
    (tmp_path / "config.yaml").write_text(CONFIG.format(path=tmp_path / "n.db"))
    port, management = _free_port(), _free_port()
    gateway = Path(sys.executable).parent / "gateway"
    arguments = [gateway, "notifications", "serve", "-c", tmp_path / "config.yaml", "--port", str(port)]
    arguments += ["--management", f"127.0.0.1:{management}"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(list(map(str, arguments)), stdout=subprocess.PIPE, env=environment) as process:
        try:
            _wait_open(port)
            stranger = httpx.get(f"http://127.0.0.1:{port}/jobs", headers={"caller-objectid": "me"})
            known = {"caller-objectid": "me", "gateway-secret": "hop"}
            gatewayed = httpx.get(f"http://127.0.0.1:{port}/jobs", headers=known)
            readiness = httpx.get(f"http://127.0.0.1:{management}/readyz")
        finally:
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=20)
    assert (stranger.status_code, gatewayed.status_code, gatewayed.json()) == (401, 200, {"jobs": []})
    assert (readiness.status_code, readiness.json()["ready"]) == (200, True)
    events = [json.loads(line)["event"] for line in output.splitlines() if line.startswith(b"{")]
    assert {"notifications_started", "management_listening"} <= set(events)


def test_log_forms(capsys: pytest.CaptureFixture[str]) -> None:
    """Log lines are JSON, or text for people; neither shows the values of variables in a traceback."""
    import structlog

    before = structlog.get_config()
    for as_json in (True, False):
        log_lines(as_json)
        try:
            secret = "a-very-" + "secret"
            raise ValueError(len(secret))
        except ValueError:
            structlog.get_logger().exception("failed")
    structlog.configure(**before)
    assert "a-very-secret" not in capsys.readouterr().out


def _output(command: App, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    command(list(arguments), result_action="return_value")
    return "\n".join(line for line in capsys.readouterr().out.splitlines() if "callback_attempt" not in line)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_open(port: int) -> Any:
    for _ in range(1800):
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
    raise TimeoutError
