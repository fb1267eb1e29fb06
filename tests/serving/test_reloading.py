"""One process's reloads, without a process: when they are made, and what they tell."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from starlette.types import Message

from gateway.assembly.app import Gateway, build
from gateway.assembly.outside import Outside
from gateway.config import Config, parse
from gateway.serving.live import LiveGateway
from gateway.serving.reloading import Reloader
from gateway.serving.source import ConfigurationFile, snapshot
from gateway.serving.watching import watch
from gateway.telemetry import logs


@dataclass
class Counting(ConfigurationFile):
    """A source that can be held up, and counts how often it is read."""

    reads: int = 0
    go_on: threading.Event = field(default_factory=threading.Event)

    def load(self) -> Config:
        self.reads += 1
        self.go_on.wait(10)
        return super().load()


def reloader(folder: Path, text: str = "console: false\n") -> tuple[Reloader, Counting]:
    """Of a gateway without APIs, whose file is *text*."""
    source = Counting(folder / "config.yaml")
    source.path.write_text(text)
    return Reloader(LiveGateway(build(parse("console: false", "config.yaml", folder, {}))), source), source


def test_those_who_wait_share_a_reload(tmp_path: Path) -> None:
    """However many ask while a reload runs, one more follows, which reads what there is then."""

    async def scenario() -> int:
        reloads, source = reloader(tmp_path)
        first = asyncio.create_task(reloads.reload())
        while not source.reads:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(reloads.reload()) for _ in range(50)]
        for _ in range(50):
            reloads.ask()
        others[0].cancel()  # whoever leaves leaves the others their answer
        await asyncio.sleep(0.01)
        source.go_on.set()
        reports = await asyncio.gather(first, *others[1:])
        assert all(report.succeeded for report in reports)
        await reloads.live.aclose()
        return source.reads

    assert asyncio.run(scenario()) == 2


def gateway_of(text: str, folder: Path, former: Gateway | None = None) -> Gateway:
    """A gateway whose configuration is *text*."""
    return build(parse(text, "config.yaml", folder, {}), former)


def test_what_no_request_waits_for_keeps_its_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A one-way request that runs when its gateway has gone is not cut; its secrets are masked until it has ended."""
    closed: list[Outside] = []

    async def close(self: Outside, kept: Outside | None = None) -> None:
        closed.append(self)

    monkeypatch.setattr(Outside, "aclose", close)
    secret = "named-values: {{s: {{value: {}, secret: true}}}}\n".format

    async def scenario() -> None:
        live = LiveGateway(gateway_of(secret("first-secret"), tmp_path))
        go_on = asyncio.Event()
        live.current.services.background.start(go_on.wait(), "a one-way request")
        for text in (secret("second-secret"), secret("third-secret")):
            await live.replace(gateway_of(text, tmp_path, live.current))
        await asyncio.sleep(0.01)
        assert (closed, live.secrets) == ([], {"first-secret", "second-secret", "third-secret"})
        go_on.set()
        async with asyncio.timeout(30):
            while len(live.secrets) > 1:
                await asyncio.sleep(0.002)
        assert (len(closed), live.secrets) == (2, {"third-secret"})

    asyncio.run(scenario())


def test_an_open_page_does_not_outlive_a_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A live page of the gateway before ends: it asks again, and is judged by what holds now."""
    monkeypatch.setattr("gateway.management.console.live.EVERY_S", 0.01)

    async def scenario() -> list[bytes]:
        live = LiveGateway(gateway_of("apis: []\n", tmp_path))
        received: list[bytes] = []
        begun = asyncio.Event()

        async def send(message: Message) -> None:
            received.append(message.get("body", b""))
            if b"data: " in received[-1]:
                begun.set()

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        path, query = "/console/live", b"page=/"
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": query,
            "server": ("127.0.0.1", 1),
        }
        scope |= {"headers": [(b"host", b"localhost")], "server": ("127.0.0.1", 1), "asgi": {"spec_version": "2.4"}}
        page = asyncio.create_task(live(scope, receive, send))
        await begun.wait()
        await live.replace(gateway_of("apis: []\n", tmp_path, live.current))
        await page
        return received

    assert asyncio.run(scenario())[-1] == b""


def test_the_secrets_of_every_request_are_masked(tmp_path: Path) -> None:
    """Two reloads later a stream of the first configuration may still write a line."""

    async def scenario() -> list[object]:
        reloads, source = reloader(tmp_path)
        source.go_on.set()
        held = []
        for secret in ("first-secret", "second-secret", "third-secret"):
            source.path.write_text(f"named-values: {{s: {{value: {secret}, secret: true}}}}")
            assert (await reloads.reload()).succeeded
            held.append(reloads.live.current.dispatcher)  # as a request does
        return [logs.clean(text) for text in ("first-secret", "third-secret")]

    try:
        assert asyncio.run(scenario()) == ["*****", "*****"]
    finally:
        logs.hide([])


def test_a_console_that_is_switched_off_leaves_nothing(tmp_path: Path) -> None:
    """However often a reload switches it off and on: at most one task keeps its history, and in the end none."""

    async def scenario() -> list[int]:
        reloads, source = reloader(tmp_path)
        source.go_on.set()
        histories = []
        await reloads.live.current.start()
        for _ in range(3):
            for console in ("true", "true", "false"):
                source.path.write_text(f"console: {console}")
                assert (await reloads.reload()).succeeded
                await asyncio.sleep(0)
                tasks = [task for task in asyncio.all_tasks() if "History.run" in repr(task.get_coro())]
                histories.append(len(tasks))
        return histories

    assert asyncio.run(scenario()) == [1, 1, 0] * 3


@pytest.mark.parametrize(
    ("before", "after", "waiting"),
    [
        ("reload: {watch: true}", "reload: {endpoint: true}", ["reload.watch"]),
        ("reload: {watch: true}", "reload: {watch: true, endpoint: true}", []),
        ("workers: 2", "workers: 3", ["workers"]),
        ("envoy: {}", "envoy: {callers: [10.0.0.0/8]}", []),
        ("envoy: {}", "envoy: {questions: 5}", ["envoy, but for its callers and certificate"]),
        ("workers: 1", "envoy: {}", ["envoy, but for its callers and certificate"]),
    ],
)
def test_what_needs_a_restart_is_told(before: str, after: str, waiting: list[str], tmp_path: Path) -> None:
    """What is set up once and differs now is named; the rest takes over."""

    async def scenario() -> tuple[str, ...]:
        source = ConfigurationFile(tmp_path / "config.yaml")
        source.path.write_text(after)
        reloads = Reloader(LiveGateway(gateway_of(before, tmp_path)), source)
        return (await reloads.reload()).waiting

    assert list(asyncio.run(scenario())) == waiting


def test_authorities_in_the_same_file_are_told(tmp_path: Path) -> None:
    """Clients' authorities are read once: others in the same file wait for a restart, and this is not kept quiet."""
    authorities = [trustme.CA(), trustme.CA()]
    issued = authorities[0].issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
    issued.private_key_pem.write_to_path(tmp_path / "tls.key")
    text = "tls: {certificate: tls.crt, key: tls.key, client-ca: ca.pem}"

    async def scenario() -> list[str]:
        authorities[0].cert_pem.write_to_path(tmp_path / "ca.pem")
        reloads, source = reloader(tmp_path, text)
        reloads.live.client_ca = LiveGateway(gateway_of(text, tmp_path)).client_ca
        reloads.live.current = gateway_of(text, tmp_path)
        source.go_on.set()
        assert (await reloads.reload()).waiting == ()
        authorities[1].cert_pem.write_to_path(tmp_path / "ca.pem")
        return list((await reloads.reload()).waiting)

    assert asyncio.run(scenario()) == ["the content of tls.client-ca"]


def test_a_file_from_the_future_is_known(tmp_path: Path) -> None:
    """A clock that was set back, or another machine's, does not make it look changed for ever."""
    source = ConfigurationFile(tmp_path / "config.yaml")
    source.path.write_text("console: false")
    os.utime(source.path, (time.time() + 1_000,) * 2)
    source.load()
    assert source.read == snapshot(source.files)
    os.mkfifo(tmp_path / "pipe.json")
    assert tmp_path / "pipe.json" not in snapshot(source.repairs)


def test_watching_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel watches no more folders, files are looked at now and then."""

    async def refused(*_: object, **__: object) -> AsyncIterator[None]:
        raise OSError("too many watches")
        yield

    monkeypatch.setattr("gateway.serving.watching.awatch", refused)
    monkeypatch.setattr("gateway.serving.watching.CHECK_MS", 5)
    _, source = reloader(tmp_path)
    source.go_on.set()
    os.utime(source.path, (1, 1))
    source.load()
    reloaded = asyncio.Event()

    async def reload() -> bool:
        reloaded.set()
        return True

    async def scenario() -> None:
        watching = asyncio.create_task(watch(source, reload))
        await asyncio.sleep(0.03)
        assert not reloaded.is_set()
        source.path.write_text("console: true")
        await asyncio.wait_for(reloaded.wait(), 10)
        watching.cancel()

    asyncio.run(scenario())
