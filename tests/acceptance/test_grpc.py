"""gRPC through the gateway, from a real client to a real service: every kind of call with every way it can end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from tests.acceptance.grpc_rig import KINDS, SERVICE, Front, fronted, service
from tests.acceptance.refusals import policies, token
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
    '</set-header><set-body>{}</set-body></return-response>'
)
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


async def _each(messages: Iterable[bytes]) -> AsyncIterator[bytes]:
    for message in messages:
        yield message


def begin(channel: grpc.aio.Channel, kind: str, *messages: bytes, route: str = SERVICE, **options: Any) -> Any:
    """A call of *kind*, begun."""
    makers = {
        "UnaryUnary": channel.unary_unary,
        "UnaryStream": channel.unary_stream,
        "StreamUnary": channel.stream_unary,
        "StreamStream": channel.stream_stream,
    }
    sent: Any = messages[0] if kind.startswith("Unary") else _each(messages)
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
        return self.run(call(self.channel, kind, *messages, **options))

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
        channel = await stack.enter_async_context(
            grpc.aio.insecure_channel(f"127.0.0.1:{front.port}", options=options)
        )
        return front, channel

    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        front, channel = runner.run(start(stack))
        yield Running(front, channel, runner)
        runner.run(stack.aclose())


# -- what passes
@pytest.mark.parametrize("kind", KINDS)
def test_messages_and_metadata_pass(running: Running, kind: str) -> None:
    """Each kind of call: messages in order, and metadata in both directions, binary ones too, before and after them."""
    sent = {"UnaryStream": [b"3 hello"], "StreamUnary": [b"a", b"b"], "StreamStream": [b"a", b"b"]}.get(kind, [b"hello"])
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
    assert seen["user-agent"].startswith("grpc-python")
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
    ended = running.call(kind, b"1 hello", route=route)
    code, message = OUTCOMES[route]
    assert ended.code == code, ended
    assert message is None or ended.message == message
    assert ended.answers == []
    assert len(ended.trailing["x-request-id"]) == 36
    assert ("retry-after" in ended.trailing) is (route in ("acme.teapot.Orders", "acme.conflict.Orders"))
