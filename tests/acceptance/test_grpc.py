"""gRPC through the gateway, from a real client to a real service: every kind of call with every way it can end."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import trustme
from grpc_health.v1 import health as grpc_health
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ResponseReceived

from gateway.wire.grpc.status import GrpcStatus
from tests.acceptance.grpc_rig import KINDS, SERVICE, Front, Service, fronted, service
from tests.acceptance.refusals import policies, token
from tests.wire.http2_peer import Link, Peer, Received, playing
from tests.wire.rig import settled

CONFIG = """
listen: 127.0.0.1:0
management: 127.0.0.1:0
http2: {{clear-text: true}}
backends:
  tripping:
    url: {backend}/acme.orders.v1.Orders
    circuit-breaker: {{count: 1}}
apis:
  - {{id: orders, type: grpc, service-url: "{backend}"}}
  - id: described
    type: grpc
    path: acme.described.Orders
    service-url: {backend}/acme.orders.v1.Orders
    operations: [{{id: known, method: POST, url-template: /Known}}]
  - {{id: down, type: grpc, path: acme.down.Orders, service-url: "http://127.0.0.1:1"}}
  - {{id: tripping, type: grpc, path: acme.tripping.Orders, backend: tripping}}
  - id: small
    type: grpc
    path: acme.small.Orders
    service-url: {backend}/acme.orders.v1.Orders
    grpc: {{max-request-message-bytes: 100, max-response-message-bytes: 200}}
{more}
"""
_ROUTE = """  - id: {name}
    type: grpc
    path: acme.{name}.Orders
    service-url: {{backend}}/acme.orders.v1.Orders
    policy: {name}.xml
"""
ANSWERING = (
    '<return-response><set-status code="{}" reason="Whatever"/><set-header name="Retry-After"><value>7</value>'
    "</set-header><set-body>{}</set-body></return-response>"
)
GRPCURL = str(Path(sys.executable).with_name("grpcurl"))  # of the development group
INBOUND = {
    "token": policies(1)["token"],
    "address": '<ip-filter action="allow"><address>10.9.9.9</address></ip-filter>',
    "rate": '<rate-limit-by-key calls="1" renewal-period="60" counter-key="@(context.Operation.Name)"/>',
    "teapot": ANSWERING.format(418, "short and stout"),
    "conflict": ANSWERING.format(409, "50 % — twice"),
    "own": '<return-response><set-header name="grpc-status"><value>10</value></set-header>'
    '<set-header name="grpc-message"><value>mine</value></set-header></return-response>',
    "bug": '<set-variable name="x" value="@(((string)null).Length)"/>',
    "setting": '<set-header name="caller-objectid"><value>me</value></set-header>',
    "hurried": '<set-header name="grpc-timeout"><value>300m</value></set-header>',
    "impatient": "",
}
BACKEND = {"impatient": '<forward-request timeout-ms="300"/>'}


@dataclass
class Ended:
    """How a call has ended, as the client sees it."""

    code: str
    message: str
    answers: list[bytes]
    initial: dict[str, Any] = field(default_factory=dict)
    trailing: dict[str, Any] = field(default_factory=dict)
    took_s: float = 0.0


async def _each(messages: Iterable[bytes], first_after_s: float, last_for_s: float) -> AsyncIterator[bytes]:
    await asyncio.sleep(first_after_s)
    for message in messages:
        yield message
    await asyncio.sleep(last_for_s)


def begin(
    channel: grpc.aio.Channel,
    kind: str,
    *messages: bytes,
    route: str = SERVICE,
    first_after_s: float = 0,
    last_for_s: float = 0,
    **options: Any,
) -> Any:
    """A call of *kind*, begun; a stream waits for *first_after_s* before its messages and *last_for_s* after them."""
    makers = {
        "UnaryUnary": channel.unary_unary,
        "UnaryStream": channel.unary_stream,
        "StreamUnary": channel.stream_unary,
        "StreamStream": channel.stream_stream,
    }
    sent: Any = messages[0] if kind.startswith("Unary") else _each(messages, first_after_s, last_for_s)
    return makers[kind](f"/{route}/{options.pop('method', kind)}")(sent, **options)


async def finish(running: Any) -> Ended:
    """The end of a call."""
    answers: list[bytes] = []
    began = time.monotonic()
    try:
        if isinstance(running, grpc.aio.UnaryStreamCall | grpc.aio.StreamStreamCall):
            async for message in running:
                answers.append(message)
        else:
            answers.append(await running)
    except grpc.aio.AioRpcError:
        pass
    took_s = time.monotonic() - began
    code, message = await running.code(), await running.details()
    initial, trailing = await running.initial_metadata(), await running.trailing_metadata()
    return Ended(code.name, message or "", answers, dict(initial or ()), dict(trailing or ()), took_s)


async def call(channel: grpc.aio.Channel, kind: str, *messages: bytes, **options: Any) -> Ended:
    """One call from its beginning to its end."""
    return await finish(begin(channel, kind, *messages, **options))


@dataclass
class Running:
    """A gateway before a service, for all tests of this file."""

    front: Front
    channel: grpc.aio.Channel
    runner: asyncio.Runner

    def call(self, kind: str, *messages: bytes, **options: Any) -> Ended:
        """One call."""
        ended: Ended = self.run(call(self.channel, kind, *messages, **options))
        return ended

    def run(self, scenario: Any) -> Any:
        """*scenario*, which must not take long."""
        return self.runner.run(asyncio.wait_for(scenario, 15))


def _write_policies(folder: Path) -> None:
    for name, inbound in INBOUND.items():
        backend = BACKEND.get(name, "<base/>")
        sections = f"<inbound><base/>{inbound}</inbound><backend>{backend}</backend><outbound><base/></outbound>"
        (folder / f"{name}.xml").write_text(f"<policies>{sections}</policies>")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The gateway with one API for each policy."""
    folder = tmp_path_factory.mktemp("grpc")
    _write_policies(folder)

    async def start(stack: AsyncExitStack) -> tuple[Front, grpc.aio.Channel]:
        behind = await stack.enter_async_context(service())
        more = "".join(_ROUTE.format(name=name) for name in INBOUND).format(backend=f"http://127.0.0.1:{behind.port}")
        front = await stack.enter_async_context(fronted(folder, more, CONFIG, behind))
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{front.port}", options=options))
        return front, channel

    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        front, channel = runner.run(start(stack))
        yield Running(front, channel, runner)
        runner.run(stack.aclose())


async def raw_call(front: Front, *fields: tuple[str, str]) -> dict[str, str]:
    """Fields of the answer to a call without a message, with *fields* that no library would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    link = H2Connection(H2Configuration(header_encoding="utf-8"))
    link.initiate_connection()
    head = [(":method", "POST"), (":scheme", "http"), (":authority", "h"), (":path", f"/{SERVICE}/UnaryUnary")]
    link.send_headers(1, [*head, ("content-type", "application/grpc"), ("te", "trailers"), *fields], end_stream=True)
    writer.write(link.data_to_send())
    try:
        while True:
            for event in link.receive_data(await reader.read(65536)):
                if isinstance(event, ResponseReceived):
                    answer: dict[Any, Any] = dict(event.headers)
                    return {**answer, "grpc-status": GrpcStatus(int(answer["grpc-status"])).name}
    finally:
        writer.close()


# -- what passes
@pytest.mark.parametrize("kind", KINDS)
def test_messages_and_metadata_pass(running: Running, kind: str) -> None:
    """Each kind of call: messages in order, and metadata in both directions, binary ones too, before and after them."""
    sent = {"UnaryStream": [b"3 hello"], "StreamUnary": [b"a", b"b"], "StreamStream": [b"a", b"b"]}.get(
        kind, [b"hello"]
    )
    expected = {
        "UnaryUnary": [b"echo hello"],
        "UnaryStream": [b"0 echo hello", b"1 echo hello", b"2 echo hello"],
        "StreamUnary": [b"2 messages, 12 bytes"],
        "StreamStream": [b"echo a", b"echo b"],
    }[kind]
    ended = running.call(kind, *sent, metadata=(("x-a", "1"), ("x-a", "2"), ("x-b-bin", b"\x00\xff,")))
    assert (ended.code, ended.answers) == ("OK", expected)
    assert ended.trailing == {"x-trailing": "t", "x-trailing-bin": b"\x01\xfe"}
    assert "x-request-id" in ended.initial
    seen = running.front.service.seen[-1]
    assert seen["x-b-bin"] == b"\x00\xff,"
    assert str(seen["user-agent"]).startswith("grpc-python")
    if kind == "UnaryUnary":
        assert ended.initial["x-initial-bin"] == b"\x02\xfd"


def test_a_policy_has_the_last_word_on_metadata(running: Running) -> None:
    """A name that a policy sets reaches the service once, with the policy's value, whatever the client has sent."""
    forged = (("caller-objectid", "forged"), ("caller_objectid", "forged"))
    assert running.call("UnaryUnary", b"x", route="acme.setting.Orders", metadata=forged).code == "OK"
    seen = running.front.service.seen[-1]
    assert {name: value for name, value in seen.items() if "caller" in name} == {"caller-objectid": "me"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_that_fails(running: Running, kind: str) -> None:
    """Status, message and trailing metadata of a failed call are the service's, with a head before them or without."""
    sent = b"1 abort:5:no such thing \xc3\xa4%" if kind == "UnaryStream" else b"abort:5:no such thing \xc3\xa4%"
    for method in (kind, *(["Plain"] if kind == "UnaryUnary" else [])):
        ended = running.call(kind, sent, method=method)
        assert (ended.code, ended.message) == ("NOT_FOUND", "no such thing ä%")
        assert ended.answers == []
        assert ended.trailing["x-why-bin"] == b"\x00\xff"
        assert "content-length" not in ended.trailing


def test_large_messages_in_both_directions(running: Running) -> None:
    """Streams of megabytes flow within the windows of both sides, and arrive whole."""
    messages = [bytes([number]) * 1_000_000 for number in range(8)]
    ended = running.call("StreamStream", *messages)
    assert (ended.code, [answer[5:] == sent for answer, sent in zip(ended.answers, messages, strict=True)]) == (
        "OK",
        [True] * 8,
    )


def test_each_message_passes_when_it_comes(running: Running) -> None:
    """Both directions at once: an answer is there before the next message is sent."""

    async def scenario() -> None:
        stream = running.channel.stream_stream(f"/{SERVICE}/StreamStream")()
        for number in range(5):
            await stream.write(b"%d" % number)
            assert await stream.read() == b"echo %d" % number
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF
        assert await stream.code() is grpc.StatusCode.OK

    running.run(scenario())


# -- what the gateway answers itself
OUTCOMES = {
    "acme.token.Orders": ("UNAUTHENTICATED", "JWT not present."),
    "acme.address.Orders": ("PERMISSION_DENIED", None),
    "acme.described.Orders": ("UNIMPLEMENTED", "Resource not found"),
    "nowhere.at.All": ("UNIMPLEMENTED", None),
    "acme.down.Orders": ("UNAVAILABLE", "The backend could not be reached."),
    "acme.teapot.Orders": ("UNKNOWN", "short and stout"),
    "acme.conflict.Orders": ("ABORTED", "50 % — twice"),
    "acme.own.Orders": ("ABORTED", "mine"),
    "acme.bug.Orders": ("INTERNAL", "Internal server error"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("route", OUTCOMES)
def test_refusals_are_statuses_of_calls(running: Running, route: str, kind: str) -> None:
    """Whatever the gateway answers reaches each kind of call as a status with a message, and a request id."""
    # grpc.aio loses the status of a call that ends while it sends: so nothing is sent that soon.
    ended = running.call(kind, b"1 hello", route=route, first_after_s=5)
    code, message = OUTCOMES[route]
    assert ended.code == code, ended
    assert message is None or ended.message == message
    assert ended.answers == []
    assert len(ended.trailing["x-request-id"]) == 36
    assert ("retry-after" in ended.trailing) is (route in ("acme.teapot.Orders", "acme.conflict.Orders"))


@pytest.mark.parametrize(("form", "expected"), [("?", "INVALID_ARGUMENT"), ("9999999999S", "INVALID_ARGUMENT")])
def test_a_malformed_timeout_is_refused(running: Running, form: str, expected: str) -> None:
    """What is no grpc-timeout is not taken for none."""
    assert running.run(raw_call(running.front, ("grpc-timeout", form)))["grpc-status"] == expected


def test_rates_and_circuits(running: Running) -> None:
    """A rate limit and an open circuit are statuses that clients can handle, with Retry-After as metadata."""
    route = "acme.rate.Orders"
    assert [running.call("UnaryUnary", b"x", route=route).code for _ in range(2)] == ["OK", "RESOURCE_EXHAUSTED"]
    assert "retry-after" in running.call("UnaryUnary", b"x", route=route).trailing
    route = "acme.tripping.Orders"
    # What the caller did wrong opens no circuit; that the service is away, once it says so in its trailers, does.
    for code, expected in ((3, "INVALID_ARGUMENT"), (12, "UNIMPLEMENTED"), (14, "UNAVAILABLE")):
        ended = running.call("UnaryUnary", b"abort:%d:no" % code, route=route)
        assert (ended.code, ended.message) == (expected, "no")
    calls = len(running.front.service.seen)
    assert running.call("UnaryUnary", b"x", route=route).code == "UNAVAILABLE"
    assert len(running.front.service.seen) == calls


# -- deadlines
def test_a_deadline_is_passed_on_reduced(running: Running) -> None:
    """The service learns how much time is left; without a deadline it learns none."""
    assert running.call("UnaryUnary", b"x", timeout=30).code == "OK"
    assert running.call("UnaryUnary", b"x").code == "OK"
    *_, with_one, without = running.front.service.remaining_s
    assert with_one is not None
    assert 25 < with_one < 30.5  # the client rounds up
    assert without is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_may_set_the_deadline(running: Running, kind: str) -> None:
    """The gateway ends a call whose time is up, and the service's work on it, whatever the kind."""
    sent = {"UnaryStream": b"9 sleep:20"}.get(kind, b"sleep:20")
    before = len(running.front.service.cancelled)
    ended = running.call(kind, sent, route="acme.hurried.Orders")
    assert ended.code == "DEADLINE_EXCEEDED"
    assert 0.25 < ended.took_s < 3
    assert running.run(settled(lambda: len(running.front.service.cancelled) > before, 5))


def test_the_time_out_of_a_policy_is_a_deadline(running: Running) -> None:
    """forward-request's timeout, until the answer begins, ends a call like one."""
    assert running.call("UnaryUnary", b"sleep:20", route="acme.impatient.Orders", method="Plain").code == (
        "DEADLINE_EXCEEDED"
    )


# -- either side leaves
@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_cancels(running: Running, kind: str) -> None:
    """The service's work on the call is cancelled, and the next call on the connection passes."""
    sent = {"UnaryStream": b"9 sleep:20"}.get(kind, b"sleep:20")
    work = running.front.service

    async def scenario() -> None:
        before, begun = len(work.cancelled), len(work.seen)
        started = begin(running.channel, kind, sent)
        reading = asyncio.create_task(finish(started))
        assert await settled(lambda: len(work.seen) > begun, 5)
        started.cancel()
        assert await settled(lambda: len(work.cancelled) > before, 5)
        reading.cancel()
        assert (await call(running.channel, "UnaryUnary", b"x")).code == "OK"

    running.run(scenario())


# -- sizes
@pytest.mark.parametrize("kind", KINDS)
def test_messages_that_are_too_large(running: Running, kind: str) -> None:
    """One byte above the limit, in either direction, ends the call and the service's work; up to it messages pass."""
    route = "acme.small.Orders"
    count = b"2 " if kind == "UnaryStream" else b""
    fits = count + b"x" * (100 - len(count))
    for sent in ([fits], [fits, fits + b"x"][-1:], [count + b"large:201"]):
        ended = running.call(kind, *sent, route=route)
        answers_little = kind == "StreamUnary" and sent == [b"large:201"]
        assert ended.code == ("OK" if sent == [fits] or answers_little else "RESOURCE_EXHAUSTED"), (ended, sent)
        if ended.code != "OK":
            assert "bytes, and at most" in ended.message


def test_a_stream_that_becomes_too_large(running: Running) -> None:
    """After messages that have passed, one that is too large ends the call with what has come before."""
    ended = running.call("StreamStream", b"a", b"b", b"x" * 101, route="acme.small.Orders", last_for_s=5)
    assert ended.code == "RESOURCE_EXHAUSTED"
    assert ended.answers in ([], [b"echo a"], [b"echo a", b"echo b"])


# -- what is kept about it
def test_records_and_numbers_know_the_status(running: Running) -> None:
    """The request log has the status and why; /metrics counts calls by it."""
    running.call("UnaryUnary", b"x", route="acme.token.Orders")
    running.call("UnaryUnary", b"abort:13:oh")
    running.call("UnaryUnary", b"abort:5:gone")
    requests = running.front.gateway.requests
    records = {(record.api, record.grpc_status): record for record in requests}
    refused, failed = records["token", 16], records["orders", 13]
    assert (refused.status, refused.outcome.value, refused.source, refused.reason) == (
        200, "refused", "validate-jwt", "TokenNotPresent",
    )  # fmt: skip
    assert (failed.outcome.value, failed.source) == ("failed", "backend")
    assert ("orders", 5) not in records or records["orders", 5].outcome.value == "answered"
    calls = running.front.gateway.metrics.operation("orders", "").calls
    assert min(calls[0], calls[13], calls[5]) > 0


def test_a_stream_ends_with_its_token(running: Running) -> None:
    """A stream that outlives the token that began it ends as unauthenticated, and so does the service's work."""
    bearer = (("authorization", f"Bearer {token(exp=int(time.time()) + 2, nbf=int(time.time()) - 600)}"),)
    ended = running.call("UnaryStream", b"60 sleep:0.2", route="acme.token.Orders", metadata=bearer)
    assert ended.code == "UNAUTHENTICATED"
    assert ended.answers
    assert ended.took_s < 5


# -- both sides over TLS, and other clients and services
@pytest.mark.parametrize("kind", KINDS)
def test_tls_on_both_sides(tmp_path: Path, kind: str) -> None:
    """With TLS towards the client and towards the service, ALPN agrees on HTTP/2 and every kind of call passes."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    (tmp_path / "cert.pem").write_bytes(chain)
    (tmp_path / "key.pem").write_bytes(certificate.private_key_pem.bytes())
    config = """
listen: 127.0.0.1:0
management: 127.0.0.1:0
tls: {{certificate: cert.pem, key: key.pem}}
backends: {{orders: {{url: "https://localhost:{port}", tls: {{ca-file: ca.pem}}}}}}
apis: [{{id: orders, type: grpc, backend: orders}}]
"""

    async def scenario() -> None:
        ours = grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)])
        trusting = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
        async with (
            service(ours) as behind,
            fronted(tmp_path, config=config, behind=behind) as front,
            grpc.aio.secure_channel(f"localhost:{front.port}", trusting) as channel,
        ):
            ended = await call(channel, kind, b"1 hello")
            assert ended.code == "OK"
            assert ended.trailing["x-trailing-bin"] == b"\x01\xfe"
            assert front.service.seen[-1]["x-forwarded-proto"] == "https"

    asyncio.run(asyncio.wait_for(scenario(), 15))


def _with_health_and_reflection(server: grpc.aio.Server) -> None:
    health = grpc_health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    names = (health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)


def test_health_and_reflection_pass(tmp_path: Path) -> None:
    """Health checks and watches pass, and so does grpcurl, which learns the services by reflection."""

    async def curl(*arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            GRPCURL, "-plaintext", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        return (await process.communicate())[0].decode()

    async def scenario() -> None:
        async with service(more=_with_health_and_reflection) as behind, fronted(tmp_path, behind=behind) as front:
            place = f"127.0.0.1:{front.port}"
            assert (await curl(place, "list")).split() == [
                "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection",
            ]  # fmt: skip
            assert '"SERVING"' in await curl("-d", '{"service": ""}', place, "grpc.health.v1.Health/Check")
            assert "NotFound" in await curl("-d", '{"service": "x"}', place, "grpc.health.v1.Health/Check")
            async with grpc.aio.insecure_channel(place) as channel:
                watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
                assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
                watching.cancel()

    asyncio.run(asyncio.wait_for(scenario(), 25))


def test_a_service_that_breaks_off(tmp_path: Path) -> None:
    """A backend that resets a stream, or ends it without a status, ends the call with one, behind what has come."""
    message = b"\0" + (5).to_bytes(4) + b"hello"
    head = [(b"content-type", b"application/grpc")]

    def reset(link: Link, request: Received) -> None:
        link.head(request.stream, fields=head)
        link.data(request.stream, message)
        asyncio.get_running_loop().call_later(0.05, link.reset, request.stream, 2)

    def silent(link: Link, request: Received) -> None:
        link.head(request.stream, fields=head)
        link.data(request.stream, message, end=True)

    def at_once(link: Link, request: Received) -> None:
        link.reset(request.stream, 2)

    def page(link: Link, request: Received) -> None:
        link.answer(request.stream, b"<h1>Bad gateway</h1>", 502, [(b"content-type", b"text/html")])

    expected = {
        reset: ("UNAVAILABLE", [b"hello"]),
        silent: ("UNKNOWN", [b"hello"]),
        at_once: ("UNAVAILABLE", []),
        page: ("UNAVAILABLE", []),
    }

    async def scenario(script: Callable[[Link, Received], None], code: str, answers: list[bytes]) -> None:
        async with (
            playing(Peer(on_end=script)) as peer,
            fronted(tmp_path, behind=Service(peer.port)) as front,
            grpc.aio.insecure_channel(f"127.0.0.1:{front.port}") as channel,
        ):
            ended = await call(channel, "UnaryStream", b"x")
            assert (ended.code, ended.answers) == (code, answers)

    for script, (code, answers) in expected.items():
        asyncio.run(asyncio.wait_for(scenario(script, code, answers), 10))
