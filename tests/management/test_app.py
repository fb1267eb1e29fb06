"""The management plane: alive, ready, measured."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from starlette.types import Receive, Scope, Send

from gateway.management.app import create_app
from gateway.management.health import Readiness, Status
from gateway.management.server import serve_management
from gateway.wire.server.serve import bind


def ask(readiness: Readiness, path: str, host: str = "localhost", accept: str = "*/*") -> httpx2.Response:
    async def call() -> httpx2.Response:
        transport = httpx2.ASGITransport(create_app(readiness, CollectorRegistry()))
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.get(path, headers={"Accept": accept})

    return asyncio.run(call())


def issuers(ready: bool) -> Readiness:
    return Readiness({"issuers": lambda: {"https://issuer": Status(ready, "no answer")}})


def test_alive_whatever_is_down() -> None:
    """An issuer that is down does not make the process dead."""
    assert ask(issuers(False), "/healthz").status_code == 200


def test_ready() -> None:
    """If every part is available the answer is 200."""
    answer = ask(issuers(True), "/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)


def test_not_ready_says_which() -> None:
    """A part that is down is named, with its reason."""
    answer = ask(issuers(False), "/readyz")
    assert answer.status_code == 503
    assert answer.json()["issuers"] == {"https://issuer": {"ready": False, "detail": "no answer"}}


def test_asks_and_waits() -> None:
    """A part whose answer takes time is waited for."""

    async def asked() -> dict[str, Status]:
        await asyncio.sleep(0)
        return {"engine": Status(False, "its store does not answer")}

    answer = ask(Readiness({"notifications": asked}), "/readyz")
    assert answer.status_code == 503
    assert answer.json()["notifications"]["engine"]["detail"] == "its store does not answer"


def test_draining_is_not_ready() -> None:
    """A process that was told to stop takes no new work."""
    readiness = issuers(True)
    readiness.draining = True
    assert ask(readiness, "/readyz").status_code == 503


def test_metrics() -> None:
    """The registry is served in Prometheus's text form, or as OpenMetrics where the scraper prefers that."""
    assert ask(issuers(True), "/metrics").headers["content-type"].startswith("text/plain")
    wanted = ask(issuers(True), "/metrics", accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert wanted.headers["content-type"].startswith("application/openmetrics-text")
    assert wanted.text.endswith("# EOF\n")


@pytest.mark.parametrize("path", ["/readyz", "/metrics", "/traces", "/traces/1"])
def test_another_site_reads_nothing(path: str) -> None:
    """A browser that was lured to a rebound name is refused on every path that reveals something."""

    class Book:
        def ids(self) -> list[str]:
            return ["1"]

        def summaries(self) -> list[dict[str, Any]]:
            return []

        def find(self, trace_id: str) -> None:
            return None

    async def call() -> int:
        app = create_app(issuers(True), CollectorRegistry(), Book())
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://evil.example") as client:
            return (await client.get(path)).status_code

    assert asyncio.run(call()) == 421


def test_alive_under_any_name() -> None:
    """``/healthz`` reveals nothing, so that any prober may ask."""
    assert ask(issuers(True), "/healthz", "evil.example").status_code == 200


def test_a_body_that_never_comes_does_not_keep_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the management plane stops, a request that is not complete has a moment, and is then cut."""
    monkeypatch.setattr("gateway.management.server.GOODBYE_S", 0.05)

    async def run() -> None:
        async def patient(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()  # the part that has come
            reading.set()
            await receive()

        reading, listening = asyncio.Event(), bind("127.0.0.1", 0)
        async with serve_management(patient, listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{")
            await reading.wait()
        writer.close()

    asyncio.run(asyncio.wait_for(run(), 30))
