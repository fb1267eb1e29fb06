"""Subscriptions over WebSocket: the client of gql, a server on graphql-core, and the gateway between them."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from graphql import ExecutionResult, build_schema, parse, subscribe
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from gateway.data_plane.graphql.conversation import ClientMessages
from gateway.data_plane.graphql.frames import TEXT, MessageReader, frame
from gateway.graphql.call import GraphQLSession
from gateway.wire.body import BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.settings import ServerSettings
from gateway.wire.websocket import close_frame
from tests.graphql.rig import SCHEMA, Rig, backend, looped
from tests.wire.rig import Answerer, serving
from tests.wire.server.http2.client import connected
from tests.wire.server.http2.test_connection import CLEAR

_SCHEMA = build_schema(SCHEMA)
POLICY = """<validate-graphql-request max-depth="2"><authorize><rule path="/User/secret" action="reject" />
<rule path="/User/name" action="remove" /></authorize></validate-graphql-request>"""


async def _events(*_: Any, **__: Any) -> AsyncIterator[Any]:
    for number in (1, 2):
        yield {"onUser": {"id": number, "name": "n"}}


async def _run(socket: ServerConnection, message: dict[str, Any], got: list[Any]) -> None:
    payload = message["payload"]
    got.append(payload)
    document = parse(payload["query"])
    outcome = subscribe(_SCHEMA, document, subscribe_field_resolver=_events)
    stream = await outcome if isawaitable(outcome) else outcome
    old = message["type"] == "start"
    if isinstance(stream, ExecutionResult):
        await socket.send(json.dumps({"id": message["id"], "type": "error", "payload": [stream.formatted]}))
        return
    async for result in stream:
        kind = "data" if old else "next"
        await socket.send(json.dumps({"id": message["id"], "type": kind, "payload": result.formatted}))
    await socket.send(json.dumps({"id": message["id"], "type": "complete"}))


async def _speak(socket: ServerConnection, got: list[Any], inits: list[Any]) -> None:
    with suppress(ConnectionClosed):
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "connection_init":
                inits.append(message.get("payload"))
                await socket.send('{"type":"connection_ack"}')
            elif message["type"] in ("subscribe", "start"):
                await _run(socket, message, got)
            elif message["type"] == "ping":
                await socket.send('{"type":"pong"}')


@asynccontextmanager
async def gateway(
    folder: Path, policy: str = POLICY, inits: list[Any] | None = None
) -> AsyncIterator[tuple[str, list[Any]]]:
    """The gateway's address, and the payloads that arrive behind it."""
    got: list[Any] = []
    protocols = [Subprotocol("graphql-transport-ws"), Subprotocol("graphql-ws")]
    speak = partial(_speak, got=got, inits=[] if inits is None else inits)
    async with serve(speak, "127.0.0.1", 0, subprotocols=protocols) as behind:
        port = next(iter(behind.sockets)).getsockname()[1]
        rig = Rig(folder, target=f"service-url: http://127.0.0.1:{port}")
        rig.policy(policy)
        async with serving(Answerer(rig.gateway), CLEAR) as server:
            yield f"ws://127.0.0.1:{server.port}/graphql", got


KEY = b"0123456789abcdef0123456789abcdef"
TOKEN = f"""<validate-jwt header-name="Authorization" require-signed-tokens="true"><issuer-signing-keys>
<key>{base64.b64encode(KEY).decode()}</key></issuer-signing-keys></validate-jwt>"""


def token() -> str:
    """A token signed with the key, for about a second."""
    parts = [{"alg": "HS256", "typ": "JWT"}, {"exp": int(time.time() + 1.4)}]
    signed = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = base64.urlsafe_b64encode(hmac.digest(KEY, signed, "sha256")).rstrip(b"=")
    return (signed + b"." + signature).decode()


async def _all(address: str, query: str, protocol: str, **variables: Any) -> list[Any]:
    transport = WebsocketsTransport(url=address, subprotocols=[Subprotocol(protocol)])
    async with Client(transport=transport) as session:
        request = gql(query)
        request.variable_values = variables
        return [result async for result in session.subscribe(request)]


@pytest.mark.parametrize("protocol", ["graphql-transport-ws", "graphql-ws"])
@looped
async def test_subscriptions(tmp_path: Path, protocol: str) -> None:
    """Events pass in both protocols; the backend gets what was judged, without the field that a rule removes."""
    async with gateway(tmp_path) as (address, got):
        query = "subscription Users { onUser { id name } }"
        assert await _all(address, query, protocol) == [{"onUser": {"id": "1"}}, {"onUser": {"id": "2"}}]
        assert [payload["query"].split() for payload in got] == ["subscription Users { onUser { id } }".split()]


@pytest.mark.parametrize(
    "query",
    [
        "subscription { onUser { id secret } }",
        "subscription { onUser { friends { friends { id } } } }",
        "subscription { nope { id } }",
        "query { users { secret } }",
        "subscription { onUser { ...A } } fragment A on User { friends { ...A } }",
    ],
)
@pytest.mark.parametrize("protocol", ["graphql-transport-ws", "graphql-ws"])
@looped
async def test_refused_requests(tmp_path: Path, query: str, protocol: str) -> None:
    """Rules, depth, schema, other kinds of operations, circles: an error for this request; the backend gets nothing."""
    async with gateway(tmp_path) as (address, got):
        with pytest.raises(TransportQueryError):
            await _all(address, query, protocol)
        assert got == []
        assert len(await _all(address, "subscription { onUser { id } }", protocol)) == 2


@asynccontextmanager
async def _opened(address: str, **fields: str) -> AsyncIterator[ClientConnection]:
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(address, subprotocols=protocols, additional_headers=fields) as socket:
        await socket.send('{"type":"connection_init"}')
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        yield socket


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no JSON", 4400),
        ('{"type":"nope"}', 4400),
        ('{"type":"subscribe","payload":{"query":"{users{id}}"}}', 4400),
        ('{"id":"1","type":"subscribe","type":"ping","payload":{}}', 4400),
        ('{"id":"1","type":"subscribe","payload":{},"query":"{a}"}', 4400),
        ("[]", 4400),
        (b"{}", 1003),
        ("x" * 200_000, 1009),
    ],
)
@looped
async def test_what_is_not_the_protocol_ends_the_connection(tmp_path: Path, message: str | bytes, code: int) -> None:
    """Messages without one meaning, unknown ones, binary ones, long ones; nothing of them arrives."""
    async with gateway(tmp_path) as (address, got):
        async with _opened(address) as socket:
            await socket.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), 5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code
        assert got == []


@looped
async def test_over_http2(tmp_path: Path) -> None:
    """A WebSocket over a stream of HTTP/2: requests are judged, errors come back, a bad message ends it."""
    async with gateway(tmp_path) as (address, got), connected(int(address.split(":")[2].partition("/")[0])) as client:
        await client.until(lambda: client.h2.remote_settings.enable_connect_protocol == 1)
        stream, path = client.h2.get_next_available_stream_id(), (":path", "/graphql")
        head = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "h"), path]
        fields = [("sec-websocket-version", "13"), ("sec-websocket-protocol", "graphql-transport-ws")]
        client.tunnel(stream, [*head, *fields])
        await client.until(lambda: client.answers[stream].status == 200)
        for number, query in enumerate(("{users{secret}}", "subscription{onUser{id name}}")):
            message = {"id": str(number), "type": "subscribe", "payload": {"query": query}}
            client.send(stream, frame(TEXT, json.dumps(message).encode(), masked=True))
        await client.until(lambda: b'"complete"' in client.answers[stream].body)
        assert client.answers[stream].body.count(b'"error"') == 1
        client.send(stream, frame(TEXT, b'{"type":"nope"}', masked=True))
        answer = await client.over(stream)
    assert answer.body.endswith(close_frame(4400, "unknown type of message", masked=False))
    assert [payload["query"].split() for payload in got] == ["subscription { onUser { id } }".split()]


@looped
async def test_many_messages_in_parts(tmp_path: Path) -> None:
    """Messages in several frames, and several in a row, are each judged, in their order."""
    async with gateway(tmp_path) as (address, got), _opened(address) as socket:
        text = '{"id":"%d","type":"subscribe","payload":{"query":"subscription{onUser{id}}"}}'
        await socket.send(iter([(text % 0)[:9], (text % 0)[9:30], (text % 0)[30:]]))
        for number in range(1, 20):
            await socket.send(text % number)
        await socket.send('{"type":"ping"}')
        answers = [json.loads(await socket.recv()) for _ in range(61)]
        assert [answer["id"] for answer in answers if answer["type"] == "complete"] == [str(n) for n in range(20)]
        assert answers[-1] == {"type": "pong"}
        assert len(got) == 20


@looped
async def test_what_only_the_gateway_may_say(tmp_path: Path) -> None:
    """Some backends take members of connection_init for header fields: none comes from a client that a policy sets."""
    policy = '<set-header name="X-User" exists-action="override"><value>me</value></set-header>'
    inits: list[Any] = []
    async with gateway(tmp_path, policy, inits) as (address, _), _opened(address) as socket:
        forged = {"x_user": "evil", "headers": [{" X-USER": "evil"}], "Authorization": "Bearer a"}
        await socket.send(json.dumps({"type": "connection_init", "payload": forged}))
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
    assert inits == [None, {"headers": [{}], "Authorization": "Bearer a"}]


@looped
async def test_a_conversation_ends_with_its_token(tmp_path: Path) -> None:
    """What a token began lasts no longer than the token: 4403, at which clients get a new one and connect again."""
    async with gateway(tmp_path, TOKEN) as (address, got):
        with pytest.raises(InvalidStatus):
            await connect(address, subprotocols=[Subprotocol("graphql-transport-ws")])
        async with _opened(address, Authorization=f"Bearer {token()}") as socket:
            await socket.send('{"type":"ping"}')
            assert json.loads(await socket.recv()) == {"type": "pong"}
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), 5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403
        assert got == []


@looped
async def test_a_client_that_only_sends_what_is_refused(tmp_path: Path) -> None:
    """After 50 refused requests the connection is closed."""
    async with gateway(tmp_path) as (address, got), _opened(address) as socket:
        for number in range(51):
            await socket.send(json.dumps({"id": str(number), "type": "subscribe", "payload": {"query": "{nope}"}}))
        assert [json.loads(await socket.recv())["type"] for _ in range(50)] == ["error"] * 50
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        assert got == []


@looped
async def test_handshakes_that_are_refused(tmp_path: Path) -> None:
    """A WebSocket without one of the protocols does not pass, nor one of a synthetic API."""
    async with gateway(tmp_path) as (address, _):
        with pytest.raises(InvalidStatus) as refused:
            await connect(address)
        assert refused.value.response.status_code == 400
    rig = Rig(tmp_path, target="")
    async with serving(Answerer(rig.gateway), ServerSettings()) as server:
        address, protocols = f"ws://127.0.0.1:{server.port}/graphql", [Subprotocol("graphql-transport-ws")]
        with pytest.raises(InvalidStatus) as refused:
            await connect(address, subprotocols=protocols)
        assert refused.value.response.status_code == 501


@pytest.mark.parametrize(
    ("query", "status", "arrives"),
    [("?query=%7Busers%7Bsecret%7D%7D", 400, 0), ("?x=1;Query=%7Ba%7D", 400, 0), ("?document=stored", 502, 1)],
)
@looped
async def test_a_handshake_is_not_a_request(tmp_path: Path, query: str, status: int, arrives: int) -> None:
    """A backend that ignores Upgrade would run a query in the URL: none goes on, and no answer comes back."""
    got: list[str] = []

    def answered(head: str, _: bytes) -> object:
        got.append(head)
        return {"data": "hidden"}

    async with backend(answered) as port:
        rig = Rig(tmp_path, target=f"service-url: http://127.0.0.1:{port}")
        rig.policy(POLICY)
        async with serving(Answerer(rig.gateway), ServerSettings()) as server:
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://127.0.0.1:{server.port}/graphql{query}", subprotocols=[Subprotocol("graphql-ws")])
    assert refused.value.response.status_code == status
    assert b"hidden" not in (refused.value.response.body or b"")
    assert len(got) == arrives


@looped
async def test_without_a_policy(tmp_path: Path) -> None:
    """The form and the bounds hold for every request over a WebSocket."""
    async with gateway(tmp_path, "") as (address, got):
        assert len(await _all(address, "subscription { onUser { id secret } }", "graphql-transport-ws")) == 2
        with pytest.raises(TransportQueryError, match="250"):
            await _all(address, "subscription{onUser{" + "id " * 300 + "}}", "graphql-transport-ws")
        assert len(got) == 1


class _Sent:
    """What goes to the backend."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def finish(self) -> None: ...

    def fail(self, error: Exception) -> None: ...


@pytest.mark.parametrize("through_request", [True, False], ids=["HTTP/1.1", "HTTP/2"])
@looped
async def test_where_the_wire_feeds_the_tunnel(tmp_path: Path, through_request: bool) -> None:
    """HTTP/1.1 feeds the stream that the request has, HTTP/2 the one that it made: both are read."""
    rig = Rig(tmp_path)
    rig.policy(POLICY, "<return-response />")
    offered = [("Sec-WebSocket-Protocol", "graphql-ws, graphql-transport-ws"), ("Sec-WebSocket-Extensions", "x")]
    headers = Headers(offered)
    request = Request("GET", "/graphql", headers=headers)
    request.upgrade, raw = "websocket", BodyStream()
    request.upgraded = raw
    answer = rig.gateway(request)
    if not isinstance(answer, Response):
        await answer
    assert [*request.headers] == [("Sec-WebSocket-Protocol", "graphql-ws")]
    sent = _Sent()
    request.upgraded.pipe(sent)
    (request.upgraded if through_request else raw).feed(
        frame(TEXT, b'{"id":"1","type":"start","payload":{"query":"{users{id name}}"}}', masked=True)
        + frame(TEXT, b'{"id":"2","type":"start","payload":{"query":"{users{secret}}"}}', masked=True)
    )
    reader = MessageReader(10_000)
    reader.feed(sent.data)
    (message,) = reader.messages()
    assert json.loads(message.content)["payload"]["query"].split() == "{ users { id } }".split()


@looped
async def test_a_flood_of_tiny_frames(tmp_path: Path) -> None:
    """A message in 50,000 empty parts leaves the loop its turns, and is one message."""
    session = _session(tmp_path)
    messages = ClientMessages(BodyStream(), session, "graphql-ws", frozenset())
    sent = _Sent()
    messages.pipe(sent)
    first = b"\x01" + frame(TEXT, b'{"type":', masked=True)[1:]
    last = b"\x80" + frame(TEXT, b'"stop"}', masked=True)[1:]
    began_s = time.thread_time()
    messages.feed(first + b"\x00\x80aaaa" * 50_000 + last)
    assert time.thread_time() - began_s < 0.05
    while not sent.data:
        await asyncio.sleep(0)
    reader = MessageReader(1000)
    reader.feed(sent.data)
    assert [message.content for message in reader.messages()] == [b'{"type":"stop"}']


def _session(folder: Path) -> GraphQLSession:
    rig = Rig(folder)
    _ = rig.gateway
    assert rig.app is not None
    (api,) = rig.app.assembly.apis
    session: GraphQLSession = api.payload.whole.info.graphql.session()
    return session
