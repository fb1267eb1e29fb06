"""The Postman collection as a reader runs it: ``gateway demo`` in one window, newman in the other."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import httpx2
import pytest

from tests import tools

EXAMPLES = Path(__file__).parents[2] / "examples" / "postman"
START_TIMEOUT_S = 120.0  # it takes 2 s, and 10 s at a load of 12
PARTS = ("gateway", "management", "authority", "D365InstanceUrl", "receiver", "echo")


def _free_ports(count: int) -> int:
    """
    The first of *count* free ports in a row: below those that the system gives to connections, and not next to those
    that another test's process, whose number is the next one, would choose.
    """
    for first in random.sample(range(20_000, 32_000, count), 500):
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise AssertionError("no free ports")


def _wait_until_up(url: str, demo: subprocess.Popen[bytes]) -> None:
    deadline = monotonic() + START_TIMEOUT_S
    while demo.poll() is None and monotonic() < deadline:
        try:
            httpx2.get(url, timeout=1)
        except httpx2.TransportError:
            sleep(0.1)
        else:
            return
    raise AssertionError(f"the demo did not start: {demo.poll()}")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[dict[str, str]]:
    """``gateway demo`` on free ports, with its files in a directory of its own; the URL of each part."""
    first = _free_ports(len(PARTS))
    home = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    command = [str(Path(sys.executable).with_name("gateway")), "demo", "--port", str(first)]
    with (tmp_path / "demo.log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=home)
    try:
        _wait_until_up(f"http://127.0.0.1:{first}/", running)
        yield {name: f"http://127.0.0.1:{first + offset}" for offset, name in enumerate(PARTS)}
    finally:
        running.terminate()
        running.wait(60)
        print((tmp_path / "demo.log").read_text())


@pytest.mark.slow
@pytest.mark.needs("newman")
def test_collection(demo: dict[str, str]) -> None:
    """Every request passes: token, refusal, start, poll until done, signed callback, and D365 directly."""
    command = [tools.need("newman"), "run", str(EXAMPLES / "batch-notification.postman_collection.json")]
    command += ["-e", str(EXAMPLES / "demo.postman_environment.json"), "--timeout-request", "10000"]
    for name, url in demo.items():
        command += ["--env-var", f"{name}={url}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
