"""Server spans, without a socket: what they say of requests that end in other ways than an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from pathlib import Path

import pytest

from gateway.assembly.app import build
from gateway.config import parse
from gateway.data_plane.request_spans import RequestSpans
from gateway.pipeline.tracing.book import TraceBook
from gateway.telemetry.http_metrics import HttpMetrics
from gateway.telemetry.spans import Sampling, Span, SpanRecorder
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Ending, Request, Response

CONFIG = """
tracing: {enabled: true, secret: open-sesame}
apis:
  - id: a
    path: a
    service-url: http://127.0.0.1:9
    policy: answer.xml
    operations:
      - {id: read, method: GET, url-template: "/{x}"}
      - {id: brew, method: BREW, url-template: "/"}
  - {id: any, path: any, service-url: "http://127.0.0.1:9", policy: answer.xml}
  - {id: mcp, path: mcp, type: mcp, service-url: "http://127.0.0.1:9", policy: answer.xml}
"""
ANSWER = """<policies><inbound><return-response><set-status code="200" />
  <set-header name="Traced" exists-action="override"><value>@(context.Tracing ? "yes" : "no")</value></set-header>
</return-response></inbound></policies>"""


class Watched:
    """A gateway whose requests have spans."""

    def __init__(self, folder: Path, steps: str = "none", policy: str = ANSWER) -> None:
        (folder / "answer.xml").write_text(policy)
        self.spans: list[Span] = []
        self.metrics = HttpMetrics()
        self.gateway = build(parse(CONFIG, "config.yaml", folder, {}))
        dispatcher = self.gateway.dispatcher
        recorder = SpanRecorder(self.spans.append, Sampling(), self.metrics)
        watcher = RequestSpans(recorder, "continue", True, steps, dispatcher.watcher)  # type: ignore[arg-type]
        assert isinstance(dispatcher.watcher, TraceBook)
        self.book = dispatcher.watcher
        self.watcher = watcher
        object.__setattr__(dispatcher, "watcher", watcher)

    def handle(self, method: str, path: str, ending: Ending, *fields: tuple[str, str], body: bytes = b"") -> Span:
        """The span of one request that ends with *ending*."""
        request = Request(method, path, "sig=1", Headers(fields), Body(body) if body else None)
        answer = self.gateway.dispatcher.handle(request)
        if not isinstance(answer, Response):
            asyncio.run(_ended(answer))
        assert request.on_end is not None
        request.on_end(ending)
        return self.spans[-1]


async def _ended(answer: Awaitable[Response]) -> None:
    await answer


@pytest.mark.parametrize(
    ("method", "path", "ending", "name", "error", "failed"),
    [
        ("GET", "/a/1", Ending(200), "GET /a/{x}", "", False),
        ("GET", "/a/1", Ending(None, client_left=True), "GET /a/{x}", "ClientLeft", True),
        ("GET", "/a/1", Ending(503), "GET /a/{x}", "503", True),
        ("BREW", "/a/", Ending(200), "_OTHER /a/", "", False),
        ("GET", "/any/thing", Ending(200), "GET /any/*", "", False),
        ("POST", "/a/1", Ending(404), "POST /a/*", "OperationNotFound", False),
        ("GET", "/nowhere", Ending(404), "GET", "OperationNotFound", False),
    ],
)
def test_endings(tmp_path: Path, method: str, path: str, ending: Ending, name: str, error: str, failed: bool) -> None:
    """Names have few values, whatever clients ask for; an error is the gateway's from 500 upwards."""
    watched = Watched(tmp_path)
    span = watched.handle(method, path, ending)
    assert (span.name, span.error, span.failed) == (name, error, failed)
    assert span.attributes["url.path"] == path
    assert span.attributes["client.address"] == "127.0.0.1"
    assert span.attributes.get("http.request.method_original") == ("BREW" if method == "BREW" else None)
    assert sum(series.buckets[0] for series in watched.metrics.server.series.values()) == 1
    assert set(watched.metrics.active.values()) == {0}


def test_tools_that_clients_name(tmp_path: Path) -> None:
    """A tool of an MCP server that is passed through is the operation, and nothing is kept of it."""
    watched = Watched(tmp_path)
    for tool in ("first", "second", "third"):
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool}}
        span = watched.handle("POST", "/mcp", Ending(200), body=json.dumps(call).encode())
        assert (span.name, span.attributes["gateway.operation"]) == ("POST /mcp/*", tool)
    assert len(watched.watcher._routes) == 1


def test_a_trace_can_be_asked_for_beside_them(tmp_path: Path) -> None:
    """Who asks for a trace gets one, and context.Tracing is about that alone."""
    for steps, asked in (("none", False), ("events", False), ("spans", True), ("events", True)):
        watched = Watched(tmp_path, steps)
        proof = [("Ocp-Apim-Trace", "true"), ("Apim-Debug-Authorization", "open-sesame")] if asked else []
        watched.handle("GET", "/a/1", Ending(200), *proof)
        assert bool(watched.book.ids()) is asked


REFUSE = """<policies><inbound>
  <choose><when condition="@(true)">
    <trace source="mine"><message>said</message></trace>
    <return-response><set-status code="403" /></return-response>
  </when></choose>
</inbound></policies>"""
STEPS = ["choose", "trace", "mine", "return-response"]


@pytest.mark.parametrize("steps", ["none", "events", "spans"])
def test_refused_requests_keep_their_traces_beside_them(tmp_path: Path, steps: str) -> None:
    """Policy steps in distributed traces and the trace of a refused request: both, and neither changes the other."""
    watched = Watched(tmp_path, steps, REFUSE)
    span = watched.handle("GET", "/a/1", Ending(403))
    (record,) = watched.gateway.requests.recent()
    assert record.trace == record.id == span.attributes["gateway.request_id"]
    assert (record.trace_id, record.span_id) == (span.context.trace_id, span.context.span_id)
    trace = watched.book.find(record.id)
    assert trace is not None
    entries = [entry for section in trace.as_json()["traceEntries"].values() for entry in section]
    assert [entry["source"] for entry in entries if entry["source"] not in ("handler", "mapper")] == STEPS
    own = {"none": [], "events": ["trace", "return-response", "choose"], "spans": []}[steps]
    assert [event.name for event in span.events if "gateway.path" in event.attributes] == own
    assert any(event.attributes.get("gateway.trace.message") == "said" for event in span.events)
    made = {"none": [], "events": [], "spans": ["trace", "return-response", "choose"]}[steps]
    assert [other.name for other in watched.spans if other is not span] == made
