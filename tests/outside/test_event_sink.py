"""event_sink.py: events reach files and endpoints, or are counted as lost."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.emulators.serving import serve_here
from gateway.errors import UpstreamError
from gateway.outside.event_sink import ConfiguredSink
from gateway.outside.seam import Event
from gateway.outside.settings import LoggerSettings


class Collector:
    """An endpoint that keeps what it is sent."""

    def __init__(self) -> None:
        self.base_url = ""
        self.status = 201
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.app = Starlette(routes=[Route("/messages", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.requests.append((dict(request.headers), await request.body()))
        return Response(status_code=self.status)


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector that is being served."""
    collector = Collector()
    async with serve_here(collector):
        yield collector


def logger(**given: Any) -> LoggerSettings:
    """As the configuration says it."""
    return LoggerSettings.model_validate(given)


class Identity:
    """The gateway's own identity, at once or later."""

    def __init__(self, later: bool) -> None:
        self._later = later

    def token(self, resource: str, client_id: str | None) -> Any:
        """A token that says what it is for."""

        async def wait() -> str:
            return f"for-{resource}"

        return wait() if self._later else f"for-{resource}"


def test_file(tmp_path: Path) -> None:
    """Each event is one line of JSON in a file that only its owner reads; bytes that are no text are Base64."""
    sink = ConfiguredSink({"audit": logger(file=str(tmp_path / "audit.jsonl"))})
    assert sink.write(Event("eventhub", "audit", b"line\nbreak", (("partition-key", "a"),))) is None
    assert sink.write(Event("eventhub", "audit", b"\xff")) is None
    asyncio.run(sink.aclose())
    first, second = map(json.loads, (tmp_path / "audit.jsonl").read_text().splitlines())
    assert (first["content"], first["properties"]) == ("line\nbreak", {"partition-key": "a"})
    assert second["content-base64"] == "/w=="
    assert stat.S_IMODE((tmp_path / "audit.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize("later", [False, True], ids=["token at hand", "token later"])
def test_endpoint(later: bool) -> None:
    """An endpoint gets the content with the logger's fields, the author's properties and a token."""

    async def scenario() -> None:
        async with collecting() as collector:
            url = f"{collector.base_url}/messages"
            configured = {"hub": logger(url=url, headers={"X-Key": "k"}, resource="https://eventhubs")}
            sink = ConfiguredSink(configured, Identity(later))
            waiting = sink.write(Event("servicebus", "hub", b"payload", (("partition-key", "p"), ("Kind", "a"))))
            assert waiting is not None
            await waiting
            (headers, body), *_ = collector.requests
            assert (body, headers["x-key"], headers["authorization"]) == (
                b"payload",
                "k",
                "Bearer for-https://eventhubs",
            )
            assert json.loads(headers["brokerproperties"]) == {"PartitionKey": "p"}
            assert headers["kind"] == '"a"'
            collector.status = 500
            with pytest.raises(UpstreamError, match="answered 500"):
                await (sink.write(Event("eventhub", "hub", b"")) or asyncio.sleep(0))
            assert sink.lost["hub"] == 1
            await sink.aclose()

    asyncio.run(scenario())


LOST = {
    "unknown": ({}, "no logger is called"),
    "endpoint away": ({"a": logger(url="http://127.0.0.1:9/x")}, "could not be reached"),
    "no such directory": ({"a": logger(file="/nowhere/x")}, "cannot be written"),
}


@pytest.mark.parametrize(("loggers", "expected"), LOST.values(), ids=LOST)
def test_lost_events(loggers: dict[str, LoggerSettings], expected: str) -> None:
    """An event that cannot be written is an error for the policy, and counted."""

    async def scenario() -> None:
        sink = ConfiguredSink(loggers)
        with pytest.raises(UpstreamError, match=expected):
            await (sink.write(Event("eventhub", "a", b"x")) or asyncio.sleep(0))
        assert sum(sink.lost.values()) == 1
        await sink.aclose()

    asyncio.run(scenario())
