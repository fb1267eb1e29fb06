"""Calls to F&O over real sockets: what is sent, what counts as an answer, and what is known not to have been sent."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable

import pytest

from gateway.errors import GatewayError, Unreached, UpstreamError
from gateway.notifications.d365.connection import D365Answer, D365Call, D365Connection
from gateway.notifications.settings import D365Settings
from gateway.notifications.workflow.permission import NotPermitted
from gateway.wire.body import BodyTooLarge
from gateway.wire.content_coding import CodingError
from gateway.wire.fields import FieldError
from gateway.wire.messages import Response
from gateway.wire.server.serve import RunningServer
from gateway.wire.upstream.exchange import UpstreamExchange
from tests.nginx import free_port
from tests.notifications.conftest import eventually, run
from tests.notifications.d365.settings import SETTINGS
from tests.wire.rig import OK, Answerer, Backend, Script, answer, answer_and_close, backend, serving
from tests.wire.server.test_serve import Files

READ = D365Call("GET", "/data/BatchJobs", "t", query="$filter=BatchJobRecId%20eq%201")
START = D365Call("POST", "/data/BatchJobs/Set", "t", content=b'{"batchJobId": 1}')
GZIP = gzip.compress(b"{}")

Work = Callable[[D365Connection], Awaitable[object]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificates of one authority."""
    return Files(tmp_path_factory.mktemp("tls"))


def settings(url: str) -> D365Settings:
    """An environment at *url*, with little patience."""
    return SETTINGS.model_copy(update={"instance_url": url, "connect_timeout_s": 2.0, "read_timeout_s": 0.2})


async def using(url: str, work: Work) -> object:
    """*work* with a connection to *url*, which is closed afterwards."""
    connection = D365Connection(settings(url))
    try:
        return await work(connection)
    finally:
        await connection.close()


def told(script: Script, work: Work) -> tuple[object, Backend]:
    """What *work* returned or raised, and the F&O that followed *script* meanwhile."""

    async def scenario() -> tuple[object, Backend]:
        async with backend(script) as behind:
            try:
                return await using(f"http://127.0.0.1:{behind.port}", work), behind
            except (GatewayError, ValueError, NotPermitted) as error:
                return error, behind

    return run(scenario())


async def passing() -> None:
    """Nothing to do."""


def permitted() -> None:
    """A check that passes."""


def refused() -> None:
    """A check that does not."""
    raise NotPermitted


def test_what_is_sent() -> None:
    """A call says that it speaks OData 4 and wants JSON as it is, and carries the token and nothing else."""
    result, behind = told(answer(OK), lambda connection: connection.send(START, permitted))
    assert isinstance(result, D365Answer)
    assert (result.status, result.content) == (200, b"ok")
    head, _, body = behind.received.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /data/batchjobs/set http/1.1"
    assert set(lines[1:]) == {
        f"host: 127.0.0.1:{behind.port}",
        "accept: application/json",
        "accept-encoding: identity",
        "authorization: bearer t",
        "content-length: 17",
        "content-type: application/json",
        "odata-maxversion: 4.0",
        "odata-version: 4.0",
        "user-agent: gateway-notifications",
    }
    assert body == START.content


def test_query() -> None:
    """The query goes out as it was encoded."""
    _, behind = told(answer(OK), lambda connection: connection.send(READ))
    assert behind.received.startswith(b"GET /data/BatchJobs?$filter=BatchJobRecId%20eq%201 HTTP/1.1\r\n")


def test_last_check() -> None:
    """A check that fails once the connection is open keeps the body, and with it the call, from being sent."""

    async def reads(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, behind: Backend) -> None:
        behind.received += await reader.read()

    result, behind = told(reads, lambda connection: connection.send(START, refused))
    assert isinstance(result, NotPermitted)
    assert b"batchJobId" not in behind.received


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (answer_and_close(b""), UpstreamError),
        (answer_and_close(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"), UpstreamError),
        (answer(b"nonsense\r\n\r\n"), UpstreamError),
        (answer(b""), UpstreamError),  # and never anything else
        (answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), UpstreamError),
        (answer(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"), BodyTooLarge),
        (answer(b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 1\r\n\r\nx"), CodingError),
    ],
)
def test_no_whole_answer(script: Script, error: type[Exception]) -> None:
    """A call without a whole answer may have taken effect, so it does not count as unsent; nor is it sent twice."""
    result, behind = told(script, lambda connection: connection.send(START, permitted))
    assert isinstance(result, error)
    assert not isinstance(result, Unreached)
    assert behind.received.count(b"POST") == 1


def test_refused_answers_keep_no_connection() -> None:
    """An answer that is not read to its end gives its connection back: otherwise a few of them would end all calls."""

    async def many(connection: D365Connection) -> list[type]:
        return [type(await _outcome(connection.send(READ))) for _ in range(SETTINGS.concurrency + 1)]

    result, behind = told(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nxx"), many)
    assert result == [BodyTooLarge] * (SETTINGS.concurrency + 1)
    assert behind.connections == SETTINGS.concurrency + 1


def test_call_given_up_as_its_answer_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that is cancelled in the moment in which its answer's head arrives gives its connection back, too."""

    async def scenario() -> None:
        async with backend(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\nxx")) as behind:
            connection = D365Connection(settings(f"http://127.0.0.1:{behind.port}"))
            call = asyncio.ensure_future(connection.send(READ))
            resolve = UpstreamExchange.resolve

            def resolve_and_cancel(exchange: UpstreamExchange, value: Response) -> None:
                resolve(exchange, value)
                call.cancel()

            monkeypatch.setattr(UpstreamExchange, "resolve", resolve_and_cancel)
            with pytest.raises(asyncio.CancelledError):
                await call
            await eventually(lambda: behind.open == 0)
            await connection.close()

    run(scenario())


async def _outcome(work: Awaitable[object]) -> object:
    """What it returns or raises."""
    try:
        return await work
    except GatewayError as error:
        return error


@pytest.mark.parametrize("status", ["429 Slow", "401 Who", "503 Busy"])
@pytest.mark.parametrize("coding", ["zstd", "gzip"])
def test_error_that_cannot_be_decoded(status: str, coding: str) -> None:
    """An error whose text cannot be decoded is that error all the same, with its fields; nothing else was said."""
    head = f"HTTP/1.1 {status}\r\nRetry-After: 7\r\nContent-Encoding: {coding}\r\nContent-Length: 1\r\n\r\nx"
    result, _ = told(answer(head.encode()), lambda connection: connection.send(START, permitted))
    assert isinstance(result, D365Answer)
    assert (result.status, result.content) == (int(status[:3]), b"")
    assert result.headers.first("retry-after") == "7"


def test_empty_answer_with_a_coding() -> None:
    """An answer without content has nothing to decode, whatever coding it names."""
    empty = answer(b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 0\r\n\r\n")
    result, _ = told(empty, lambda connection: connection.send(START, permitted))
    assert isinstance(result, D365Answer)
    assert result.content == b""


def test_encoded_answer() -> None:
    """An answer is decoded even though no coding was asked for."""
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(GZIP)
    result, _ = told(answer(head + GZIP), lambda connection: connection.send(READ))
    assert isinstance(result, D365Answer)
    assert result.content == b"{}"


def test_redirect() -> None:
    """A redirect is an answer like any other: it is not followed."""
    found = answer(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    result, behind = told(found, lambda connection: connection.send(READ))
    assert isinstance(result, D365Answer)
    assert (result.status, behind.received.count(b"GET")) == (302, 1)


def test_token_that_breaks_the_head() -> None:
    """A token with a line break is refused, and nothing is sent."""
    broken = D365Call("GET", "/data", "t\r\nx: y")
    result, behind = told(answer(OK), lambda connection: connection.send(broken))
    assert isinstance(result, FieldError)
    assert not behind.received


def test_connections_are_kept() -> None:
    """Calls one after the other share a connection; one that F&O has closed costs a reading nothing."""

    async def twice_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
        for _ in range(2):
            await behind.body(reader, await behind.head(reader))
            writer.write(OK)

    async def three(connection: D365Connection) -> list[int]:
        return [(await connection.send(call)).status for call in (READ, START, READ)]

    result, behind = told(twice_each, three)
    assert result == [200] * 3
    assert behind.connections == 2


def test_cancelled_call() -> None:
    """A call that is given up closes its connection, so that its answer is never taken for another's."""

    async def scenario() -> None:
        async with backend(answer(b"")) as behind:
            connection = D365Connection(settings(f"http://127.0.0.1:{behind.port}"))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await connection.send(START, permitted)
            await eventually(lambda: behind.connections == 1 and behind.open == 0)
            await connection.close()

    run(scenario())


def test_nothing_listens() -> None:
    """A connection that cannot be made is known to have carried nothing."""
    with pytest.raises(Unreached):
        run(using(f"http://127.0.0.1:{free_port()}", lambda connection: connection.send(START, permitted)))


def test_certificates(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """F&O's certificate is checked against the system's authorities, or those that SSL_CERT_FILE names."""

    async def call(server: RunningServer) -> object:
        return await using(f"https://localhost:{server.port}", lambda connection: connection.send(START, permitted))

    async def scenario() -> None:
        async with serving(Answerer(lambda _: Response(200)), tls=files.listener) as server:
            with pytest.raises(Unreached, match="certificate not accepted"):
                await call(server)
            monkeypatch.setenv("SSL_CERT_FILE", files.ca)
            result = await call(server)
            assert isinstance(result, D365Answer)
            assert result.status == 200

    run(scenario())


def test_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls go through the proxy that the environment names."""

    async def scenario() -> bytes:
        async with backend(answer(OK)) as proxy:
            monkeypatch.setenv("http_proxy", f"http://user:pass@127.0.0.1:{proxy.port}")
            monkeypatch.delenv("no_proxy", raising=False)
            await using("http://fo.test:8080", lambda connection: connection.send(START, permitted))
            return proxy.received

    received = run(scenario())
    assert received.startswith(b"POST http://fo.test:8080/data/BatchJobs/Set HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz\r\n" in received
