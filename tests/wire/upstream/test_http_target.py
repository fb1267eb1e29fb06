"""The backend's side: what it receives, what comes back, and what happens when it misbehaves."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.errors import UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.pending import Pending
from gateway.wire.settings import UpstreamSettings
from gateway.wire.upstream.http_target import HttpTarget, parse_base_url
from gateway.wire.upstream.way import Way
from tests.wire.rig import (
    OK,
    Backend,
    Forwarder,
    Reply,
    answer,
    answer_and_close,
    ask,
    backend,
    client,
    proxy,
    serving,
    settled,
)

GET = b"GET /a HTTP/1.1\r\nHost: client.example\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"


def forward(request: Request, reply: bytes = OK, base: str = "", options: ForwardOptions | None = None) -> bytes:
    """What a backend receives for *request*."""

    async def scenario() -> bytes:
        async with backend(answer(reply)) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}{base}")
            await target.send(request, options or ForwardOptions())
            await target.aclose()
            return behind.received.replace(str(behind.port).encode(), b"PORT")

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("base", "path", "query", "line"),
    [
        pytest.param("", "/a", "", "/a", id="root"),
        pytest.param("/base", "/a", "b=c", "/base/a?b=c", id="base path and query"),
        pytest.param("/base/", "/a", "", "/base/a", id="slash after the base"),
        pytest.param("/base", "", "", "/base", id="nothing below the base"),
        pytest.param("/base", "a", "", "/base/a", id="no slash before the path"),
        pytest.param("", "", "", "/", id="nothing at all"),
        pytest.param("", "/a b\r\nX: y", "q=ü\n", "/a%20b%0D%0AX:%20y?q=%C3%BC%0A", id="line ends and spaces"),
        pytest.param("", "/a#b", "", "/a%23b", id="fragment"),
    ],
)
def test_sends_the_path_below_the_base(base: str, path: str, query: str, line: str) -> None:
    """Base path, path and query make the request line; what would break it is escaped."""
    received = forward(Request("GET", path, query), base=base)
    assert received.startswith(f"GET {line} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n".encode())


@pytest.mark.parametrize(
    ("request_", "framing"),
    [
        pytest.param(Request("GET", "/"), b"", id="GET without body"),
        pytest.param(Request("POST", "/"), b"Content-Length: 0\r\n", id="POST without body"),
        pytest.param(Request("POST", "/", body=Body(b"abc")), b"Content-Length: 3\r\n", id="body in memory"),
        pytest.param(
            Request("GET", "/", headers=Headers([("Content-Length", "9"), ("Transfer-Encoding", "chunked")])),
            b"",
            id="stale framing headers",
        ),
    ],
)
def test_frames_the_request_by_its_body(request_: Request, framing: bytes) -> None:
    """The body decides about the framing, whatever the headers say."""
    received = forward(request_)
    head = received.partition(b"\r\n\r\n")[0] + b"\r\n"
    assert head.partition(b"PORT\r\n")[2] == framing


def test_sends_the_backends_host_unless_a_policy_set_one() -> None:
    """The client's Host stays visible to policies and does not go out; a Host that a policy set does."""

    async def scenario() -> None:
        async with proxy(answer(OK)) as p:
            await ask(p.server.port, GET)
            assert p.application.seen[0].headers.first("host") == "client.example"
            assert f"Host: 127.0.0.1:{p.backend.port}\r\n".encode() in p.backend.received
            assert b"X-Forwarded-Host: client.example\r\n" in p.backend.received
            request = Request("GET", "/", headers=Headers([("Host", "mine")]))
            await p.target.send(request, ForwardOptions())
            assert b"Host: mine\r\n" in p.backend.received

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("method", "answer_bytes", "status", "body"),
    [
        pytest.param("GET", OK, 200, b"ok", id="length"),
        pytest.param("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", 200, b"ok", id="same length twice"),
        pytest.param(
            "GET",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nTrailer: x\r\n\r\n",
            200,
            b"ok",
            id="chunked",
        ),
        pytest.param("GET", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", id="204"),
        pytest.param("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b"", id="304"),
        pytest.param("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, b"", id="HEAD"),
        pytest.param("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, b"", id="HEAD chunked"),
        pytest.param("GET", b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"ok", id="100"),
        pytest.param("GET", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 3 + OK, 200, b"ok", id="103"),
        pytest.param("GET", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", id="no reason"),
        pytest.param("GET", b"HTTP/1.1 599 Odd \xe9\r\nContent-Length: 2\r\n\r\nok", 599, b"ok", id="odd status"),
    ],
)
def test_reads_answers_and_reuses_the_connection(method: str, answer_bytes: bytes, status: int, body: bytes) -> None:
    """Every framing is understood, and the connection carries the next request."""

    async def scenario() -> None:
        async with proxy(answer(answer_bytes)) as p, client(p.server.port) as c:
            for _ in range(3):
                c.send(GET.replace(b"GET", method.encode()))
                reply = await c.reply(method)
                while reply.status < 200:  # interim answers are passed on: see below
                    reply = await c.reply(method)
                assert (reply.status, reply.body) == (status, body)
            assert p.backend.connections == 1
            assert (p.target.pool.size, p.target.pool.idle) == (1, 1)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "answer_bytes",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nok", id="until close"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", id="HTTP/1.0"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", id="close"),
    ],
)
def test_passes_on_answers_of_connections_that_end(answer_bytes: bytes) -> None:
    """An answer that ends with its connection is complete, and the connection is not kept."""

    async def scenario() -> None:
        async with proxy(answer_and_close(answer_bytes)) as p:
            for _ in range(2):
                assert (await ask(p.server.port, GET)).body == b"ok"
            assert p.backend.connections == 2
            assert await settled(lambda: p.target.pool.size == 0)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "answer_bytes",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxx",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20,
        b"",
        b"HTTP/1.1 200 O",
    ],
    ids=lambda data: repr(data[:60]),
)
def test_answers_502_for_a_broken_answer(answer_bytes: bytes) -> None:
    """An ambiguous or unreadable answer is 502; its connection is never used again."""

    async def scenario() -> None:
        async with proxy(answer_and_close(answer_bytes)) as p:
            assert (await ask(p.server.port, POST)).status == 502
            assert await settled(lambda: p.target.pool.size == 0)

    asyncio.run(scenario())


def test_a_head_with_bare_line_ends_is_refused_at_once() -> None:
    """A head that can never end as it must is 502 now, not after the time-out."""

    async def scenario() -> None:
        async with proxy(answer(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok")) as p:
            assert (await asyncio.wait_for(ask(p.server.port, POST), 5)).status == 502

    asyncio.run(scenario())


def test_never_pools_a_connection_with_bytes_behind_the_answer() -> None:
    """Bytes behind an answer could be taken for the next one: the connection is dropped."""

    async def scenario() -> None:
        async with proxy(answer(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")) as p:
            for _ in range(2):
                assert (await ask(p.server.port, GET)).body == b"ok"
            assert p.backend.connections == 2

    asyncio.run(scenario())


def test_drops_a_connection_that_speaks_unasked() -> None:
    """Bytes that a backend sends between two answers are not an answer."""

    async def chatty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        await behind.head(reader)
        writer.write(OK)
        await asyncio.sleep(0.02)
        writer.write(OK)
        await reader.read()

    async def scenario() -> None:
        async with proxy(chatty) as p:
            await ask(p.server.port, GET)
            assert await settled(lambda: p.target.pool.size == 0)

    asyncio.run(scenario())


def close_on_second(first: bytes = OK) -> object:
    """A backend that answers one request on a connection and closes it when the next arrives."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        head = await behind.head(reader)
        await behind.body(reader, head)
        writer.write(first)
        await behind.head(reader)

    return script


@pytest.mark.parametrize(
    ("request_bytes", "status", "connections"),
    [
        pytest.param(GET, 200, 2, id="GET is sent again"),
        pytest.param(POST, 502, 1, id="POST is not"),
        pytest.param(POST.replace(b"POST", b"PUT"), 502, 1, id="PUT with a body is not"),
        pytest.param(b"POST /a HTTP/1.1\r\nHost: h\r\n\r\n", 502, 1, id="POST without body is not"),
        pytest.param(b"DELETE /a HTTP/1.1\r\nHost: h\r\n\r\n", 200, 2, id="DELETE is sent again"),
    ],
)
def test_sends_again_only_what_is_safe(request_bytes: bytes, status: int, connections: int) -> None:
    """A backend that closes a reused connection costs a second attempt only where repeating is harmless."""

    async def scenario() -> None:
        async with proxy(close_on_second()) as p:  # type: ignore[arg-type]
            assert (await ask(p.server.port, GET)).status == 200
            assert (await ask(p.server.port, request_bytes)).status == status
            assert p.backend.connections == connections

    asyncio.run(scenario())


def test_notices_a_closed_connection_before_it_sends_a_post() -> None:
    """A connection that the backend has closed while it was unused is not tried with a POST."""

    async def scenario() -> None:
        async with proxy(answer_and_close(OK)) as p:
            assert (await ask(p.server.port, GET)).status == 200
            for _ in range(20):
                assert (await ask(p.server.port, POST)).status == 200

    asyncio.run(scenario())


def test_does_not_send_a_get_a_third_time() -> None:
    """There is one second attempt, and a fresh connection that fails is the backend's fault."""

    async def scenario() -> None:
        async with proxy(answer_and_close(b"")) as p:
            assert (await ask(p.server.port, GET)).status == 502
            assert p.backend.connections == 1

    asyncio.run(scenario())


def test_cuts_the_clients_connection_when_the_answer_breaks_off() -> None:
    """A truncated answer never looks complete to the client, chunked or not."""

    async def scenario() -> None:
        for head in (b"Content-Length: 100000", b"Transfer-Encoding: chunked"):
            async with proxy(answer_and_close(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n5\r\nabc")) as p:
                with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                    await ask(p.server.port, GET)
                assert await settled(lambda pool=p.target.pool: pool.size == 0)  # type: ignore[misc]

    asyncio.run(scenario())


@pytest.mark.parametrize(("end", "status"), [(b"cde", 200), (b"", 502)], ids=["whole", "broken off"])
def test_a_short_body_arrives_with_its_head_or_not_at_all(end: bytes, status: int) -> None:
    """A short answer in two pieces is one answer; broken off between them it is a clean 502."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        await behind.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(end)
        writer.close()

    async def scenario() -> None:
        async with proxy(script) as p:
            answer = await ask(p.server.port, GET)
            assert answer.status == status
            assert (answer.body == b"abcde") == (status == 200)

    asyncio.run(scenario())


@pytest.mark.parametrize(("where", "length"), [("head", 0), ("body", 5), ("body", 100_000)])
def test_gives_up_on_a_slow_backend(where: str, length: int) -> None:
    """Neither head nor short body in time is 504; a long body that stops in the middle cuts the answer."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        await behind.head(reader)
        if where == "body":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nab" % length)
        await reader.read()

    async def scenario() -> None:
        upstream = UpstreamSettings(body_timeout_s=0.1)
        async with proxy(script, upstream=upstream, options=ForwardOptions(timeout_s=0.1)) as p:
            if length < 100:
                assert (await ask(p.server.port, GET)).status == 504
            else:
                with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                    await ask(p.server.port, GET)
            assert await settled(lambda: p.backend.open == 0)

    asyncio.run(scenario())


def test_reports_a_backend_that_is_not_there() -> None:
    """No connection is BackendConnectionFailure, without the operating system's details of where."""

    async def scenario() -> None:
        async with backend(answer(OK)) as behind:
            port = behind.port
        with pytest.raises(UpstreamError) as refusal:
            await HttpTarget(f"http://127.0.0.1:{port}").send(Request("GET", "/"), ForwardOptions())
        assert (refusal.value.reason, refusal.value.status) == ("BackendConnectionFailure", 502)

    asyncio.run(scenario())


def test_limits_connections_and_the_queue_behind_them() -> None:
    """Above the limit requests wait; above the queue's limit they get 503; all that waited are served."""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        while True:
            await behind.head(reader)
            await asyncio.sleep(0.05)
            writer.write(OK)

    async def scenario() -> None:
        async with proxy(slow, upstream=UpstreamSettings(max_connections=2, max_waiting=3)) as p:
            replies: list[Reply] = await asyncio.gather(*(ask(p.server.port, GET) for _ in range(8)))
            assert sorted(reply.status for reply in replies) == [200] * 5 + [503] * 3
            assert p.backend.connections == 2
            assert p.target.pool.waiting == 0

    asyncio.run(scenario())


def test_waits_for_a_connection_only_so_long() -> None:
    """A request that gets no connection in time is a Timeout."""

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        await reader.read()

    async def scenario() -> None:
        async with backend(never) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}", UpstreamSettings(max_connections=1))
            first = target.send(Request("GET", "/"), ForwardOptions(timeout_s=60))
            second = target.send(Request("GET", "/"), ForwardOptions(timeout_s=0.1))
            with pytest.raises(UpstreamError, match="did not answer"):
                await second
            assert target.pool.waiting == 0
            first.cancel()
            await target.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("moment", ["connecting", "waiting for a connection", "waiting for the head"])
def test_cancelling_leaves_nothing_behind(moment: str) -> None:
    """A request that nobody waits for frees its place, whenever that happens."""

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        await reader.read()

    async def scenario() -> None:
        async with backend(never) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}", UpstreamSettings(max_connections=1))
            pending: list[Pending[Response]] = [target.send(Request("GET", "/"), ForwardOptions())]
            if moment != "connecting":
                await settled(lambda: behind.open == 1)
            if moment == "waiting for a connection":
                pending.append(target.send(Request("GET", "/"), ForwardOptions()))
            for each in reversed(pending):
                each.cancel()
            assert target.pool.waiting == 0
            if moment == "connecting":
                assert await settled(lambda: target.pool.idle == 1)
            else:
                assert await settled(lambda: target.pool.size == 0 and behind.open == 0)
            await target.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("moment", ["head", "body"])
def test_a_client_that_leaves_frees_its_backend_connection(moment: str) -> None:
    """With a pool of one, a client that leaves does not block the next one."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        await behind.head(reader)
        if behind.connections <= 3:
            if moment == "body":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            await reader.read()
        writer.write(OK)

    async def scenario() -> None:
        async with proxy(script, upstream=UpstreamSettings(max_connections=1)) as p:
            for count in range(1, 4):
                async with client(p.server.port) as c:
                    c.send(GET)
                    await settled(lambda count=count: p.backend.connections == count)  # type: ignore[misc]
                    await asyncio.sleep(0.01)
                    c.abort()
                assert await settled(lambda: p.backend.open == 0)
            assert (await ask(p.server.port, GET)).status == 200
            assert [ending.client_left for ending in p.application.endings] == [True, True, True, False]

    asyncio.run(scenario())


def test_a_client_that_leaves_in_its_body_leaves_no_complete_request() -> None:
    """The backend never takes half a body for a whole one."""

    async def scenario() -> None:
        for framing in (b"Content-Length: 100", b"Transfer-Encoding: chunked"):
            async with proxy(answer(OK)) as p:
                async with client(p.server.port) as c:
                    c.send(b"POST / HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n\r\n5\r\nhello\r\n")
                    await settled(lambda p=p: p.backend.open == 1)  # type: ignore[misc]
                    c.abort()
                assert await settled(lambda p=p: p.backend.open == 0)  # type: ignore[misc]
                assert b"\r\n0\r\n\r\n" not in p.backend.received

    asyncio.run(scenario())


def test_passes_an_early_answer_on() -> None:
    """An answer that comes before the request's body is complete is passed on at once; both connections end."""

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        await behind.head(reader)
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    async def scenario() -> None:
        async with proxy(early) as p, client(p.server.port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 1000)
            reply = await c.reply()
            assert (reply.status, reply.field("connection")) == (413, "close")
            assert await settled(lambda: p.target.pool.size == 0)

    asyncio.run(scenario())


def test_streams_request_and_answer_at_the_same_time() -> None:
    """An echoing backend answers while the body is still coming; both flow."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        await behind.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (line := await reader.readuntil(b"\r\n")) != b"0\r\n":
            writer.write(line + await reader.readexactly(int(line, 16) + 2))
        writer.write(b"0\r\n\r\n")

    async def scenario() -> None:
        async with proxy(echo) as p, client(p.server.port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            await c.reader.readuntil(b"\r\n\r\n")
            for word in (b"one", b"two"):
                c.send(b"3\r\n" + word + b"\r\n")
                assert await c.reader.readexactly(8) == b"3\r\n" + word + b"\r\n"
            c.send(b"0\r\n\r\n")
            assert await c.reader.readexactly(5) == b"0\r\n\r\n"

    asyncio.run(scenario())


def test_holds_a_fast_backend_back_for_a_slow_client() -> None:
    """Back-pressure reaches the backend: the gateway does not store what the client does not take."""

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        await behind.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x" * 100_000)
            await writer.drain()
            behind.received += b"."

    async def scenario() -> None:
        async with proxy(flood) as p, client(p.server.port) as c:
            c.writer.transport.pause_reading()  # type: ignore[attr-defined]
            c.send(GET)
            await asyncio.sleep(0.3)
            sent = p.backend.received.count(b".")
            await asyncio.sleep(0.2)
            assert sent == p.backend.received.count(b".") < 300
            c.writer.transport.resume_reading()  # type: ignore[attr-defined]
            assert len((await c.reply()).body) == 100_000_000

    asyncio.run(scenario())


def test_closes_unused_connections_when_they_are_old() -> None:
    """An unused connection is closed before the backend would, as its Keep-Alive field says."""

    async def scenario() -> None:
        hinted = OK.replace(b"Content", b"Connection: keep-alive\r\nKeep-Alive: timeout=1\r\nContent")
        async with proxy(answer(hinted)) as p:
            await ask(p.server.port, GET)
            assert p.target.pool.idle == 1
            assert await settled(lambda: p.target.pool.size == 0)

    asyncio.run(scenario())


def test_refuses_what_waits_when_it_stops() -> None:
    """A pool that is closed leaves nobody waiting."""

    async def scenario() -> None:
        async with backend(answer(b"")) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}", UpstreamSettings(max_connections=1))
            sent = [target.send(Request("GET", "/"), ForwardOptions()) for _ in range(2)]
            await settled(lambda: behind.open == 1)
            await target.aclose()
            for pending in sent:
                with pytest.raises(UpstreamError):
                    await pending

    asyncio.run(scenario())


@pytest.mark.parametrize("text", ["", "h", "ftp://h", "http://", "http://u:p@h/", "http://h/?q", "http://h/#f"])
def test_refuses_a_base_url_that_is_none(text: str) -> None:
    """A backend's URL is absolute, http or https, and holds no credentials."""
    with pytest.raises(ValueError, match="URL|must not"):
        parse_base_url(text)


def test_refuses_a_method_that_would_break_the_request_line() -> None:
    """A method made by a policy cannot add a line."""

    async def scenario() -> None:
        with pytest.raises(UpstreamError, match="method"):
            await HttpTarget("http://127.0.0.1:1").send(Request("A\r\nB", "/"), ForwardOptions())

    asyncio.run(scenario())


def test_one_application_may_have_several_targets() -> None:
    """Pools are separate: a broken backend does not touch another."""

    async def scenario() -> None:
        async with backend(answer(OK)) as good, backend(answer_and_close(b"")) as bad:
            targets = [HttpTarget(f"http://127.0.0.1:{each.port}") for each in (good, bad)]
            for target, status in zip(targets, (200, 502), strict=True):
                async with serving(Forwarder(target)) as server:
                    assert (await ask(server.port, GET)).status == status
                await target.aclose()

    asyncio.run(scenario())


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("interim", "version", "passed"),
    [
        pytest.param(EARLY, b"1.1", HINTS, id="103"),
        pytest.param(EARLY * 2, b"1.1", HINTS * 2, id="two"),
        pytest.param(b"HTTP/1.1 102 Processing\r\n\r\n", b"1.1", b"HTTP/1.1 102 Processing\r\n\r\n", id="102"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", b"1.1", b"", id="100 is the gateway's own"),
        pytest.param(EARLY, b"1.0", b"", id="HTTP/1.0 knows none"),
    ],
)
def test_interim_answers_reach_the_client(interim: bytes, version: bytes, passed: bytes) -> None:
    """1xx answers of the backend are passed on as they come, without hop-by-hop fields, before the final answer."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend) -> None:
        await backend.head(reader)
        writer.write(interim)
        if passed:
            await released.wait()
        writer.write(OK)

    released = asyncio.Event()

    async def scenario() -> None:
        async with proxy(script) as p, client(p.server.port) as connection:
            connection.send(b"GET /a HTTP/" + version + b"\r\nHost: h\r\n\r\n")
            assert await asyncio.wait_for(connection.reader.readexactly(len(passed)), 5) == passed
            released.set()
            reply = await connection.reply()
            assert (reply.status, reply.body) == (200, b"ok")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "fields", "kept"),
    [
        (426, b"Upgrade: TLS/1.0, HTTP/1.1\r\nConnection: Upgrade\r\n", ("upgrade", "TLS/1.0, HTTP/1.1")),
        (407, b"Proxy-Authenticate: Basic realm=x\r\n", ("proxy-authenticate", "Basic realm=x")),
        (200, b"Upgrade: h2c\r\nConnection: Upgrade\r\nProxy-Authenticate: Basic\r\n", None),
    ],
)
def test_keeps_what_an_answer_is_about(status: int, fields: bytes, kept: tuple[str, str] | None) -> None:
    """426 says what to switch to, 407 how to authenticate; on other answers the same fields end here."""

    async def scenario() -> None:
        content = b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n" % status + fields + b"\r\n"
        async with proxy(answer(content)) as p:
            reply = await ask(p.server.port, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        found = {name: reply.field(name) for name in ("upgrade", "proxy-authenticate") if reply.field(name)}
        assert found == (dict([kept]) if kept else {})
        assert (reply.field("connection") == "upgrade") is (status == 426)

    asyncio.run(scenario())


@pytest.mark.parametrize(("content", "upgrades"), [(b"GET /admin HTTP/1.1\r\nHost: h\r\n\r\n", False), (b"", True)])
def test_a_body_keeps_a_request_from_switching_protocols(content: bytes, upgrades: bool) -> None:
    """What a policy has given a WebSocket request as a body goes out with its length, and never as another request."""
    request = Request("GET", "/", body=Body(content))
    request.upgrade, request.upgraded = "websocket", BodyStream()
    head, _, rest = forward(request).partition(b"\r\n\r\n")
    assert rest == content
    assert (b"Upgrade: websocket" in head, f"Content-Length: {len(content)}".encode() in head) == (
        upgrades,
        not upgrades,
    )
    assert bool(request.upgrade) is upgrades


def test_the_next_address_is_tried_beside_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the way says so, an address that does not answer costs a moment and not the time for connecting."""
    full = socket.create_server(("127.0.0.2", 0), backlog=0)
    port = full.getsockname()[1]
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())

    async def scenario() -> int:
        loop = asyncio.get_running_loop()

        async def both(*_: object, **__: object) -> list[object]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]

        server = await asyncio.start_server(Backend(answer(OK)).serve, "127.0.0.1", port)
        monkeypatch.setattr(loop, "getaddrinfo", both)
        target = HttpTarget(f"http://two.test:{port}", UpstreamSettings(), Way(next_address_s=0.01))
        response = await target.send(Request("GET", "/"), ForwardOptions(timeout_s=5.0))
        await target.aclose()
        server.close()
        return response.status_code

    try:
        assert asyncio.run(scenario()) == 200
    finally:
        for opened in (full, *fillers):
            opened.close()


def test_request_that_was_given_up_does_not_arrive_later() -> None:
    """What the kernel still holds of a request that was given up is dropped: the backend does not act on it later."""

    async def scenario(listener: socket.socket) -> bytes:
        target = HttpTarget(f"http://127.0.0.1:{listener.getsockname()[1]}")
        request = Request("POST", "/", "", Headers([("x", "x" * 30_000)]), Body(b"the end"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await target.send(request, ForwardOptions())
        await target.aclose()
        backend_side, _ = listener.accept()
        with backend_side:
            backend_side.settimeout(2.0)
            return await asyncio.to_thread(received_until_the_end, backend_side)

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)  # a backend that takes no more for now
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert b"the end" not in asyncio.run(scenario(listener))


def received_until_the_end(sock: socket.socket) -> bytes:
    """All that comes until the other side closes or resets the connection."""
    received = b""
    try:
        while data := sock.recv(65_536):
            received += data
    except ConnectionResetError:
        pass
    return received


def test_a_remembered_request_line_is_the_last_ones_only() -> None:
    """Requests that differ in method, path or query alone, or come after one that was refused, get their own line."""
    asked = [
        ("GET", "/a", ""), ("GET", "/a", ""), ("GET", "/a", "b=1"), ("POST", "/a", "b=1"), ("GET", "/a", "b=2"),
        ("BAD METHOD", "/a", "b=2"), ("GET", "/a", "b=2"), ("GET", "/A", "b=2"), ("GET", "/ä", ""),
    ]  # fmt: skip
    target = HttpTarget("http://backend.example/base")
    assert [_line(target, *parts) for parts in asked] == [
        _line(HttpTarget("http://backend.example/base"), *parts) for parts in asked
    ]


def _line(target: HttpTarget, method: str, path: str, query: str) -> str:
    try:
        return target._request_line(Request(method, path, query))
    except UpstreamError as error:
        return error.reason
