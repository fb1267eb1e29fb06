"""Generations of workers, without processes: what one leaves to the next, and what it must not take from it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from gateway.assembly.app import build
from gateway.management.gathered import create_app
from gateway.management.merged_metrics import merge
from gateway.management.server import serve_management
from gateway.management.withdrawal import WithdrawalBook, withdrawal_route
from gateway.serving.generations import Generations, _Management
from gateway.serving.private_folder import unix_socket
from gateway.serving.pulses import Pulses
from gateway.serving.reload_report import ReloadBook, ReloadReport, metrics_of
from gateway.serving.running import Sockets
from gateway.serving.signals import StopSignals
from gateway.serving.source import ConfigurationFile
from gateway.serving.staff import Generation
from gateway.serving.workers import NotRenewed


def generations(folder: Path) -> Generations:
    """Of a gateway without APIs; its sockets are in *folder*."""
    source = ConfigurationFile(folder / "config.yaml")
    source.path.write_text("reload: {endpoint: true}\n")
    config = source.load()
    return Generations(build(config), Sockets.bound(config, None), 2, source, folder, watched=False)


@pytest.fixture
def unbound(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket is bound."""
    monkeypatch.setattr(Sockets, "bound", lambda *_: None)


def path_of(generation: Generation, name: str) -> Path:
    """Where the worker *name* is asked."""
    path: Path = generation.jobs[name].args[0].__self__.path  # type: ignore[attr-defined]
    return path


@pytest.mark.usefixtures("unbound")
def test_each_generation_has_sockets_of_its_own(tmp_path: Path) -> None:
    """The workers that serve can be asked while others start and after those have failed; old sockets go."""
    several = generations(tmp_path)
    first = path_of(several.first(), "worker-1")
    second = path_of(several.begin(), "worker-1")
    assert first != second
    assert first.parent.is_dir()
    several.failed("not ready")
    assert (first.parent.is_dir(), second.parent.is_dir()) == (True, False)
    for _ in range(5):
        newest = path_of(several.begin(), "worker-2")
        several.done()
        assert newest.parent.is_dir()
    assert len(list(tmp_path.glob("generation-*"))) == 2


def test_the_report_is_of_a_reload_that_began_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """POST /reload does not answer with a reload that had read the configuration before it was asked for."""
    book = ReloadBook(tmp_path)
    book.begin(1)  # it is under way

    def hang_up(*_: object) -> None:
        book.write(1, ReloadReport(time.time()))
        asyncio.get_running_loop().call_later(0.01, book.write, 2, ReloadReport(time.time(), ("a mistake",)))

    monkeypatch.setattr(os, "kill", hang_up)
    monkeypatch.setattr(os, "getppid", os.getpid)
    monkeypatch.setattr("gateway.serving.generations.LOOK_S", 0.002)
    management = _Management(None, [], None, book, None, False, Pulses([]))  # type: ignore[arg-type]
    assert asyncio.run(management._reload())["problems"] == ["a mistake"]


@pytest.mark.usefixtures("unbound")
def test_waits_end_with_a_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The management process looks neither for a report nor for its workers: both ring when they are there."""
    monkeypatch.setattr("gateway.serving.generations.LOOK_S", 60.0)
    monkeypatch.setattr(os, "getppid", os.getpid)
    several = generations(tmp_path)
    first = several.first()
    management: _Management = first.jobs["management"].args[0].__self__  # type: ignore[attr-defined]

    def hang_up(*_: object) -> None:
        several.begin()
        asyncio.get_running_loop().call_soon(several.done)

    monkeypatch.setattr(os, "kill", hang_up)

    async def scenario() -> bool:
        with first.pulses.bell.listening():
            waiting = asyncio.create_task(management._workers_ready(StopSignals()))
            for name in ("worker-1", "worker-2"):
                await asyncio.sleep(0)
                first.pulses[name].report_ready()
            await waiting
            management.closing.set()  # it is retired
            return bool((await management._reload())["reloaded"])

    assert asyncio.run(asyncio.wait_for(scenario(), 20))


def test_reloads_are_counted(tmp_path: Path) -> None:
    """The management process of several workers shows the metrics of reloads that one process shows."""
    book = ReloadBook(tmp_path)
    assert "gateway_configuration_is_last 1\n" in metrics_of(book.counts(), book.read()[1])
    for number, problems in enumerate([(), (), ("a mistake",)], 1):
        book.write(number, ReloadReport(time.time(), problems))
    merged = merge([("management", metrics_of(book.counts(), book.read()[1]))]).decode()
    for line in (
        "gateway_reloads_succeeded_total 2.0",
        "gateway_reloads_failed_total 1.0",
        'gateway_configuration_is_last{worker="management"} 0.0',
    ):
        assert f"\n{line}\n" in merged


def test_a_key_is_withdrawn_in_both_generations(tmp_path: Path) -> None:
    """While another generation starts, a key is withdrawn there, too: it may be about to take over."""
    withdrawn: list[str] = []
    sockets = [tmp_path / f"generation-{number}" / "worker-1.sock" for number in (1, 2, 3)]

    def worker(name: str) -> Starlette:
        async def withdraw(kid: str, issuer: str | None) -> list[str]:
            withdrawn.append(name)
            return []

        return Starlette(routes=[withdrawal_route(withdraw)])

    async def run() -> int:
        async with AsyncExitStack() as running:
            for socket in sockets:
                socket.parent.mkdir()
            for socket in sockets[:2]:
                await running.enter_async_context(
                    serve_management(worker(socket.parent.name), unix_socket(str(socket)))
                )
            unix_socket(str(sockets[2])).close()  # of one that has ended
            plane = create_app(sockets[:1], WithdrawalBook(tmp_path / "book"))
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(plane), base_url="http://localhost") as client:
                return (await client.post("/withdrawn-keys", json={"kid": "a"})).status_code

    assert asyncio.run(run()) == 200
    assert sorted(withdrawn) == ["generation-1", "generation-2"]
    assert json.loads((tmp_path / "book").read_text()) == ["a", None]


@pytest.mark.usefixtures("unbound")
@pytest.mark.parametrize("broken", ["begun.json", "reload.json", "generation-1"])
def test_a_full_disk_ends_nothing(tmp_path: Path, broken: str) -> None:
    """A reload that cannot write its files is refused, or goes unrecorded; the supervisor goes on, the next works."""
    several = generations(tmp_path)
    several.first()
    obstacle = (tmp_path / broken).with_suffix(".part") if broken.endswith(".json") else tmp_path / broken
    obstacle.mkdir()  # where a file should be, as no test can fill the disk
    with suppress(NotRenewed):
        several.begin()
        several.done()
    obstacle.rmdir()
    several.begin()
    several.done()
    assert ReloadBook(tmp_path).read()[1] is not None


def test_another_program_gets_no_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The management process of a dead supervisor is a child of init, or of a shell: that is not sent SIGHUP."""
    signals: list[object] = []
    monkeypatch.setattr(os, "kill", lambda *signal: signals.append(signal))
    monkeypatch.setattr(os, "getppid", lambda: 1)
    monkeypatch.setattr("gateway.serving.generations.RELOAD_S", 0.05)
    management = _Management(None, [], None, ReloadBook(tmp_path), None, False, Pulses([]))  # type: ignore[arg-type]
    assert asyncio.run(management._reload())["problems"] == ["the supervisor has not answered"]
    assert signals == []


def test_a_key_is_withdrawn_although_the_disk_is_full(tmp_path: Path) -> None:
    """The workers that run withdraw it, and the answer says that it could not be noted for later ones."""
    withdrawn: list[str] = []
    (tmp_path / "book").mkdir()

    async def withdraw(kid: str, issuer: str | None) -> list[str]:
        withdrawn.append(kid)
        return []

    async def run() -> httpx2.Response:
        worker = Starlette(routes=[withdrawal_route(withdraw)])
        path = tmp_path / "generation-1" / "worker-1.sock"
        path.parent.mkdir()
        async with serve_management(worker, unix_socket(str(path))):
            plane = create_app([path], WithdrawalBook(tmp_path / "book"))
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(plane), base_url="http://localhost") as client:
                return await client.post("/withdrawn-keys", json={"kid": "a"})

    answer = asyncio.run(run())
    assert (answer.status_code, withdrawn) == (503, ["a"])
    assert "could not be noted" in answer.json()["error"]
