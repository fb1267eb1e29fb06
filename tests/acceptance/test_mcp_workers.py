"""MCP through two workers, from clients of both generations of the official SDK."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.emulators.serving import serve
from tests.acceptance.mcp_rig import CONFIG, DEFINITION, EXISTING, OPEN, Service, existing_server
from tests.processes import started
from tests.serving.test_workers import until_ready

pytestmark = pytest.mark.slow  # an environment is made, and a gateway with workers started

UV = str(Path(sys.executable).with_name("uv"))
CLIENT = Path(__file__).with_name("mcp_client_1.py")


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway with two workers in front of both backends."""
    folder, data, management = tmp_path_factory.mktemp("mcp"), _free(), _free()
    (folder / "orders.yaml").write_text(DEFINITION)
    for name in ("tools", "orders", "existing"):
        (folder / f"{name}.xml").write_text(OPEN.format(""))
    with serve(Service().app()) as backend, serve(existing_server().streamable_http_app()) as existing:
        text = CONFIG.format(backend=backend, more=EXISTING.format(existing=existing))
        text = text.replace("listen: 127.0.0.1:0", f"listen: 127.0.0.1:{data}")
        text = text.replace("management: 127.0.0.1:0", f"management: 127.0.0.1:{management}")
        (folder / "config.yaml").write_text(text)
        command = [sys.executable, "-m", "gateway", "serve", "-c", str(folder / "config.yaml"), "--workers", "2"]
        with started(command, stdout=subprocess.DEVNULL):
            until_ready(management)
            yield f"http://127.0.0.1:{data}"


@pytest.fixture(scope="module")
def old_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An environment with the SDK's first generation; skipped where it cannot be installed."""
    folder = tmp_path_factory.mktemp("sdk1") / "venv"
    python = str(folder / "bin" / "python")
    for command in ([UV, "venv", "-q", str(folder)], [UV, "pip", "install", "-q", "--python", python, "mcp==1.30.0"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mcp 1.30 cannot be installed: {done.stderr[-200:]}")
    return python


def _asked(python: str, url: str, calls: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    command = [python, str(CLIENT), url, json.dumps(calls)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2_000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_first_generation_of_the_sdk(gateway: str, old_python: str) -> None:
    """It shakes hands, gets no session, lists, calls, and sees a slow tool's progress, whichever worker answers."""
    said = _asked(old_python, f"{gateway}/tools/mcp", [("get_item", {"id": "7"}), ("slow", {}), ("broken", {})] * 3)
    assert (said["version"], said["session"]) == ("2025-11-25", None)
    assert "get_item" in said["tools"]
    assert said["results"][0]["structuredContent"]["path"] == "/items/7"
    assert [result["isError"] for result in said["results"]] == [False, False, True] * 3
    assert said["steps"] >= 3


def test_the_first_generation_through_to_a_server(gateway: str, old_python: str) -> None:
    """Its session with a server behind the gateway holds over all connections and workers."""
    said = _asked(old_python, f"{gateway}/existing", [("add", {"a": 1, "b": 2}), ("count", {"steps": 3})])
    assert said["session"]
    assert said["results"][0]["structuredContent"] == {"result": 3}
    assert said["steps"] == 3


@pytest.mark.parametrize("mode", ["2026-07-28", "auto", "legacy"])
def test_every_worker_answers_every_message(gateway: str, mode: str) -> None:
    """Forty messages on connections of their own, each answered; nothing depends on who saw the ones before."""
    from mcp import Client

    async def scenario() -> None:
        for _ in range(4):
            async with Client(f"{gateway}/tools/mcp", mode=mode) as client:
                calls = [client.call_tool("get_item", {"id": str(number)}) for number in range(10)]
                paths = [result.structured_content["path"] for result in await asyncio.gather(*calls)]
                assert paths == [f"/items/{number}" for number in range(10)]

    asyncio.run(scenario())
