"""The service manager hears what systemd specifies, and nothing that is wrong with its socket harms the gateway."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.serving.service_manager import ServiceManager


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A socket as systemd's, and its name in the environment."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(tmp_path / "notify"))
        bound.settimeout(5)
        yield str(tmp_path / "notify"), bound


def heard(listening: socket.socket) -> list[str]:
    """The lines of the datagrams that have come."""
    lines: list[str] = []
    listening.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            lines += listening.recv(4096).decode().split("\n")
    return lines


def test_it_hears_of_the_life_of_a_gateway(listening: tuple[str, socket.socket]) -> None:
    """Ready, reloading with the time of CLOCK_MONOTONIC in microseconds, ready again, stopping: each with a status."""
    address, bound = listening
    environment = {"NOTIFY_SOCKET": address}
    manager = ServiceManager.taken_from(environment)
    assert environment == {}
    before = time.monotonic_ns() // 1_000
    manager.ready("Serving")
    manager.reloading()
    manager.ready("not taken over:\nconfig.yaml:1:1")
    manager.stopping()
    lines = heard(bound)
    at = int(next(line for line in lines if line.startswith("MONOTONIC_USEC=")).partition("=")[2])
    assert before <= at <= time.monotonic_ns() // 1_000
    assert [line for line in lines if not line.startswith(("MONOTONIC_USEC", "STATUS"))] == [
        "READY=1",
        "RELOADING=1",
        "READY=1",
        "STOPPING=1",
    ]
    assert "STATUS=not taken over: config.yaml:1:1" in lines
    assert len([line for line in lines if line.startswith("STATUS=")]) == 4


def test_an_abstract_socket_is_one() -> None:
    """A name that begins with @ is abstract: it begins with a NUL, and is no file."""
    name = f"gateway-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(f"\0{name}")
        ServiceManager.taken_from({"NOTIFY_SOCKET": f"@{name}"}).ready("Serving")
        assert heard(bound) == ["READY=1", "STATUS=Serving"]


@pytest.mark.parametrize("address", ["", "nowhere", "/nowhere/at/all", "@nobody", "vsock:2:1234", "/" + "x" * 500])
def test_a_socket_that_is_not_there_harms_nothing(address: str) -> None:
    """Whatever is wrong with NOTIFY_SOCKET, nothing is raised."""
    manager = ServiceManager.taken_from({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"})
    manager.ready("Serving")
    manager.reloading()
    manager.alive()
    manager.stopping()


def test_a_manager_that_does_not_read_is_not_waited_for(
    listening: tuple[str, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full socket costs a moment, not the gateway."""
    address, _ = listening
    manager = ServiceManager.taken_from({"NOTIFY_SOCKET": address})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filling:
        filling.connect(address)
        filling.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                filling.send(b"X=1")
    manager.ready("Serving")
    patience: list[float | None] = []
    wait = socket.socket.settimeout

    def noted(this: socket.socket, seconds: float | None) -> None:
        patience.append(seconds)
        wait(this, seconds)

    monkeypatch.setattr(socket.socket, "settimeout", noted)
    manager.watchdog_s = 1.0
    manager.alive()
    assert patience == [0.0]  # it is the loop that serves
    assert manager._fed_at == 0.0  # tried again at its next turn


@pytest.mark.parametrize(
    ("limit", "process", "watchdog_s"),
    [
        ("2000000", "", 2.0),
        ("2000000", "own", 2.0),
        ("2000000", "1", 0.0),
        ("", "own", 0.0),
        ("-1", "own", 0.0),
        ("²", "own", 0.0),
        ("99999999999999999999", "own", 3600.0),
    ],
)
def test_the_watchdog_is_this_process_s(
    limit: str, process: str, watchdog_s: float, listening: tuple[str, socket.socket]
) -> None:
    """WATCHDOG_USEC counts if WATCHDOG_PID is this process, or is not there."""
    process = str(os.getpid()) if process == "own" else process
    environment = {"NOTIFY_SOCKET": listening[0], "WATCHDOG_USEC": limit, "WATCHDOG_PID": process}
    assert ServiceManager.taken_from(environment).watchdog_s == watchdog_s
    assert environment == {}


def test_the_watchdog_is_fed_at_half_of_its_time(
    listening: tuple[str, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the loop turns: about twice within the time, never later than half of it."""
    now = [100.0]
    monkeypatch.setattr("gateway.serving.service_manager.time.monotonic", lambda: now[0])
    manager = ServiceManager(listening[0], watchdog_s=8.0)
    fed = []
    for _ in range(81):
        manager.alive()
        if "WATCHDOG=1" in heard(listening[1]):
            fed.append(now[0])
        now[0] += manager.beat_s / 4
    gaps = [later - earlier for earlier, later in zip(fed, fed[1:], strict=False)]
    assert fed[0] == 100.0
    assert all(2.0 <= gap <= 4.0 for gap in gaps)
    assert len(gaps) >= 5
