"""What is not Envoy's, or not of an Envoy that is configured as documented, ends with an error: nothing passes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from grpc import aio

from gateway.data_plane.envoy import messages
from tests.acceptance.rig import CONFIG, Product, product
from tests.data_plane.envoy.rig import connected

PROCESS = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"
ENVOY = "\nenvoy: {{listen: 127.0.0.1:0, ext-proc: {{body-memory: 100, longest: 1s}}}}\n"
HEAD = ((":method", b"POST"), (":path", b"/orders/items"), (":authority", b"api.example"), (":scheme", b"http"))
GET = ((":method", b"GET"), (":path", b"/orders/open"), *HEAD[2:])
ADDRESS = {"source.address": "192.0.2.9:4000"}


def message(kind: str, fields: Any = (), attributes: Any = None, end: bool = True, body: bytes = b"") -> Any:
    """One message as Envoy sends it."""
    made = messages.ProcessingRequest(protocol_config={"response_body_mode": 2})
    part = getattr(made, kind)
    part.SetInParent()
    if kind.endswith("body"):
        part.body, part.end_of_stream = body, end
    elif kind.endswith("headers"):
        part.end_of_stream = end
    for name, value in fields:
        (part.trailers if kind.endswith("trailers") else part.headers).headers.add(key=name, raw_value=value)
    for name, text in (ADDRESS if attributes is None else attributes).items():
        made.attributes["envoy.filters.http.ext_proc"].fields[name].string_value = text
    return made


def answer(status: bytes = b"200", details: str = "via_upstream", end: bool = True) -> Any:
    """A backend's answer."""
    return message("response_headers", [(":status", status)], {"response.code_details": details}, end)


async def replies(port: int, *sent: Any) -> list[str]:
    """The kind of each reply to *sent*, a status for an immediate one, and how the stream ended if not well."""
    async with connected(port) as channel:
        stream = channel.stream_stream(
            PROCESS,
            request_serializer=messages.ProcessingRequest.SerializeToString,
            response_deserializer=messages.ProcessingResponse.FromString,
        )(timeout=5)
        kinds = []
        try:
            for each in sent:
                await stream.write(each)
                reply = await stream.read()
                if reply is aio.EOF:
                    break
                kind = reply.WhichOneof("response")
                kinds.append(str(reply.immediate_response.status.code) if kind == "immediate_response" else kind)
            await stream.done_writing()
            code = await stream.code()
        except (aio.AioRpcError, asyncio.InvalidStateError):
            code = await stream.code()
        return kinds if code.name == "OK" else [*kinds, code.name]


def play(
    folder: Path,
    scenario: Callable[[Product], Awaitable[None]],
    config: str = ENVOY,
    policy: str = "caller-objectid.xml",
) -> None:
    """Run *scenario* with a gateway that processes whole requests."""

    async def run() -> None:
        async with product(folder, policy, CONFIG + config, warm=False) as whole:
            await scenario(whole)

    asyncio.run(run())


def observed() -> Any:
    """A message of an Envoy that only looks on."""
    made = message("request_headers", GET)
    made.observability_mode = True
    return made


def configured(request: int, response: int, early: bool = False) -> Any:
    """The first message of an Envoy with these body modes."""
    made = message("request_headers", GET)
    made.protocol_config.request_body_mode = request
    made.protocol_config.response_body_mode = response
    made.protocol_config.send_body_without_waiting_for_header_response = early
    return made


def unconfigured() -> Any:
    """The first message of an Envoy that does not say how it sends bodies."""
    made = message("request_headers", GET)
    made.ClearField("protocol_config")
    return made


OPEN = message("request_headers", GET)
BODY, ANSWER_BODY = message("request_body", body=b"x"), message("response_body", body=b"x")
TRAILERS = message("request_trailers", [("x-a", b"1")])
WRONG = "FAILED_PRECONDITION"
CASES = {
    "whole": ([OPEN, answer()], ["request_headers", "response_headers"]),
    "trailers": ([OPEN, TRAILERS, answer()], ["request_headers", "request_trailers", "response_headers"]),
    "not judged": ([answer()], [WRONG]),
    "Envoy refused it": ([answer(b"400", "low_version")], ["response_headers"]),
    "body first": ([BODY], [WRONG]),
    "trailers first": ([TRAILERS], [WRONG]),
    "two heads": ([OPEN, OPEN], ["request_headers", WRONG]),
    "two answers": ([OPEN, answer(), answer()], ["request_headers", "response_headers", WRONG]),
    "two trailers": ([OPEN, TRAILERS, TRAILERS], ["request_headers", "request_trailers", WRONG]),
    "the answer's body first": ([OPEN, ANSWER_BODY], ["request_headers", WRONG]),
    "nothing": ([messages.ProcessingRequest()], [WRONG]),
    "no address": ([message("request_headers", GET, {})], [WRONG]),
    "no address in it": ([message("request_headers", GET, {"source.address": "/tmp/socket"})], [WRONG]),
    "looks on": ([observed()], [WRONG]),
    "modes": ([configured(0, 2), answer()], ["request_headers", "response_headers"]),
    "no modes": ([unconfigured()], [WRONG]),
    "bodies buffered": ([configured(2, 2)], [WRONG]),
    "answers not held": ([configured(0, 0)], [WRONG]),
    "an answer that is not let go": (
        [OPEN, answer(end=False), ANSWER_BODY],
        ["request_headers", "response_headers", WRONG],
    ),
    "streamed": ([configured(1, 1)], [WRONG]),
    "body at once": ([configured(0, 2, early=True)], [WRONG]),
    "no path": ([message("request_headers", GET[:1] + GET[2:])], ["400"]),
    "two paths": ([message("request_headers", [*GET, (":path", b"/orders/items")])], ["INVALID_ARGUMENT"]),
    "another Host": ([message("request_headers", [*GET, ("host", b"evil")])], ["400"]),
    "line in a value": ([message("request_headers", [*GET, ("x-a", b"1\r\ncaller-objectid: evil")])], ["400"]),
    "line in the path": (
        [message("request_headers", [GET[0], (":path", b"/orders/open HTTP/1.1\r\nx: "), *GET[2:]])],
        ["400"],
    ),
    "bare CR": ([message("request_headers", [*GET, ("x-a", b"1\r2")])], ["400"]),
    "NUL": ([message("request_headers", [*GET, ("x-a", b"1\x002")])], ["400"]),
    "not UTF-8": (
        [message("request_headers", [*GET, ("x-a", b"\xff\xfe")]), answer()],
        ["request_headers", "response_headers"],
    ),
    "two lengths": ([message("request_headers", [*GET, ("content-length", b"1"), ("content-length", b"2")])], ["400"]),
    "a name": ([message("request_headers", [*GET, ("x a", b"1")])], ["400"]),
    "a token": ([message("request_headers", HEAD)], ["401"]),
    "nowhere": ([message("request_headers", [GET[0], (":path", b"/"), *GET[2:]])], ["404"]),
    "CONNECT": ([message("request_headers", [(":method", b"CONNECT"), *GET[1:]])], ["405"]),
    "absolute": ([message("request_headers", [GET[0], (":path", b"http://evil/orders/open"), *GET[2:]])], ["400"]),
}


def test_order(tmp_path: Path) -> None:
    """Only messages in Envoy's order, of an Envoy that obeys, with a head that HTTP allows, let anything pass."""

    async def scenario(whole: Product) -> None:
        actual = {name: await replies(whole.envoy, *sent) for name, (sent, _) in CASES.items()}
        assert actual == {name: expected for name, (_, expected) in CASES.items()}
        assert whole.live is not None
        assert whole.live.envoy is not None
        assert whole.live.envoy.counts.open == 0

    play(tmp_path, scenario)


def test_time(tmp_path: Path) -> None:
    """A request that lasts longer than is allowed ends with an error, and its record says that the client is gone."""

    async def scenario(whole: Product) -> None:
        async with connected(whole.envoy) as channel:
            stream = channel.stream_stream(PROCESS)(timeout=9)
            await stream.write(OPEN.SerializeToString())
            assert await stream.read() is not aio.EOF
            assert (await stream.code()).name == "DEADLINE_EXCEEDED"
        [record] = whole.gateway.requests
        assert (record.reason, record.status) == ("ClientConnectionFailure", None)

    play(tmp_path, scenario)


def test_off(tmp_path: Path) -> None:
    """Without ext-proc in the configuration no request is processed."""

    async def scenario(whole: Product) -> None:
        assert await replies(whole.envoy, OPEN) == ["UNIMPLEMENTED"]

    play(tmp_path, scenario, "\nenvoy: {{listen: 127.0.0.1:0}}\n")


READS = """<policies><inbound><set-header name="x-body" exists-action="override"><value>
@(context.Request.Body.As&lt;string&gt;())</value></set-header></inbound></policies>"""


def test_memory(tmp_path: Path) -> None:
    """Bodies of all requests together are bounded, and what one has held is free for the next."""
    (tmp_path / "reads.xml").write_text(READS)
    post = message("request_headers", HEAD, end=False)
    cut = message("request_body", body=b"x", end=False)
    body = [message("request_body", body=bytes(b"x" * size)) for size in (60, 200)]

    async def scenario(whole: Product) -> None:
        for _ in range(3):
            assert await replies(whole.envoy, post, body[0], answer()) == [
                "request_headers",
                "request_body",
                "response_headers",
            ]
        assert await replies(whole.envoy, post, body[1]) == ["request_headers", "503"]
        assert await replies(whole.envoy, post, cut) == ["request_headers", "413"]
        assert await replies(whole.envoy, post, body[0]) == ["request_headers", "request_body"]

    play(tmp_path, scenario, policy=str(tmp_path / "reads.xml"))


def test_trailers(tmp_path: Path) -> None:
    """Trailers with a name that policies set, in any spelling, or that says where a request comes from are removed."""
    names = ("caller_objectid", "caller-objectid", "authorization", "x-forwarded-for", "content-length", "x-checksum")
    trailers = message("request_trailers", [(name, b"evil") for name in names])
    answered = message("response_trailers", [("grpc-status", b"0"), ("set-cookie", b"a=1"), ("x-request-id", b"1")])

    async def scenario(whole: Product) -> None:
        async with connected(whole.envoy) as channel:
            stream = channel.stream_stream(PROCESS)(timeout=5)
            removed = []
            for each in (OPEN, trailers, answer(end=False), answered):
                await stream.write(each.SerializeToString())
                reply = messages.ProcessingResponse.FromString(await stream.read())
                part = getattr(reply, reply.WhichOneof("response"))
                if reply.WhichOneof("response").endswith("trailers"):
                    removed.append(sorted(part.header_mutation.remove_headers))
            await stream.done_writing()
        assert removed == [sorted(names[:-1]), ["set-cookie", "x-request-id"]]

    play(tmp_path, scenario)
