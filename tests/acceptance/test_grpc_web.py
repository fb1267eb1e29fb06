"""gRPC-Web over HTTP/1.1, translated to a real gRPC service."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded

from tests.acceptance.grpc_rig import SERVICE, Front, fronted
from tests.wire.rig import Reply, ask

WEB = "    grpc: {web: true}"


def framed(message: bytes, flags: int = 0) -> bytes:
    """*message* with its prefix."""
    return bytes([flags]) + len(message).to_bytes(4) + message


@dataclass
class WebAnswer:
    """An answer of gRPC-Web, taken apart."""

    messages: list[bytes]
    trailers: dict[str, str]


def read(body: bytes) -> WebAnswer:
    """What is in *body*."""
    answer = WebAnswer([], {})
    while body:
        flags, size, body = body[0], int.from_bytes(body[1:5]), body[5:]
        content, body = body[:size], body[size:]
        if flags & 0x80:
            lines = content.decode().split("\r\n")
            answer.trailers = dict(line.split(": ", 1) for line in lines if line)
        else:
            answer.messages.append(content)
    return answer


def decoded(text: bytes) -> bytes:
    """Base64 in one or more padded texts."""
    return b"".join(b64decode(text[at : at + 4]) for at in range(0, len(text), 4))


async def post(front: Front, method: str, body: bytes, *fields: str) -> Reply:
    """One call."""
    head = [f"POST /{SERVICE}/{method} HTTP/1.1", "Host: h", f"Content-Length: {len(body)}", *fields, "", ""]
    return await ask(front.port, "\r\n".join(head).encode() + body, "POST")


@pytest.mark.parametrize("text", [False, True], ids=["binary", "text"])
def test_calls(tmp_path: Path, text: bool) -> None:
    """Unary and server-streaming calls, failures and trailers reach a browser in the form that it has asked in."""
    kind = "application/grpc-web-text" if text else "application/grpc-web"

    async def call(front: Front, method: str, message: bytes) -> WebAnswer:
        body = framed(message)
        reply = await post(front, method, b64encode(body) if text else body, f"Content-Type: {kind}+proto")
        assert reply.status == 200
        assert reply.field("content-type") == f"{kind}+proto"
        return read(decoded(reply.body) if text else reply.body)

    async def scenario() -> None:
        async with fronted(tmp_path, WEB) as front:
            answer = await call(front, "UnaryUnary", b"hello")
            assert answer.messages == [b"echo hello"]
            trailers = {"grpc-status": "0", "grpc-message": "", "x-trailing": "t", "x-trailing-bin": "Af4"}
            assert answer.trailers == trailers
            answer = await call(front, "UnaryStream", b"3 hello")
            assert answer.messages == [b"0 echo hello", b"1 echo hello", b"2 echo hello"]
            assert answer.trailers["grpc-status"] == "0"
            for method in ("UnaryUnary", "Plain"):
                answer = await call(front, method, b"abort:5:no such thing \xc3\xa4%")
                assert answer.messages == []
                assert answer.trailers["grpc-status"] == "5"
                assert answer.trailers["grpc-message"] == "no such thing %C3%A4%25"
            assert "content-type" not in front.service.seen[0]

    asyncio.run(scenario())


CORS = (
    "<cors><allowed-origins><origin>https://app.example</origin></allowed-origins><allowed-methods><method>POST"
    "</method></allowed-methods><allowed-headers><header>content-type</header><header>x-grpc-web</header>"
    "</allowed-headers></cors>"
)
REFUSING = '<ip-filter action="allow"><address>10.9.9.9</address></ip-filter>'
BINARY = "Content-Type: application/grpc-web+proto"
ORIGIN = "Origin: https://app.example"


def _policy(folder: Path, inbound: str) -> str:
    sections = f"<inbound>{inbound}<base/></inbound><outbound><base/></outbound>"
    (folder / "policy.xml").write_text(f"<policies>{sections}</policies>")
    return f"{WEB}\n    policy: policy.xml"


def test_a_browser_may_call_and_read_refusals(tmp_path: Path) -> None:
    """The preflight is answered, and a refusal is a status in the body, which needs no exposed header."""

    async def scenario() -> None:
        async with fronted(tmp_path, _policy(tmp_path, CORS + REFUSING)) as front:
            asked = "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type,x-grpc-web"
            head = [f"OPTIONS /{SERVICE}/UnaryUnary HTTP/1.1", "Host: h", ORIGIN, *asked, "", ""]
            preflight = await ask(front.port, "\r\n".join(head).encode(), "OPTIONS")
            assert preflight.status == 200
            assert preflight.field("access-control-allow-origin") == "https://app.example"
            refused = await post(front, "UnaryUnary", framed(b"x"), BINARY, ORIGIN)
            assert (refused.status, refused.field("access-control-allow-origin")) == (200, "https://app.example")
            assert read(refused.body).trailers["grpc-status"] == "7"
            assert refused.field("grpc-status") is None

    asyncio.run(scenario())


def test_what_is_malformed_or_too_large(tmp_path: Path) -> None:
    """Text that is not base64 and messages beyond the limit are statuses; nothing of them reaches the service."""
    more = "    grpc: {web: true, max-request-message-bytes: 10}"

    async def scenario() -> None:
        async with fronted(tmp_path, more) as front:
            text = "Content-Type: application/grpc-web-text"
            for body, field, status in (
                (b"AAAA*AAA", text, "3"),
                (b"AAAAA", text, "3"),
                (framed(b"x" * 11), BINARY, "8"),
            ):
                reply = await post(front, "UnaryUnary", body, field)
                answer = read(decoded(reply.body) if field == text else reply.body)
                assert (answer.messages, answer.trailers["grpc-status"]) == ([], status)

    asyncio.run(scenario())
    assert asyncio.run(_untranslated(tmp_path)) == 502


async def _untranslated(folder: Path) -> int:
    """Without the setting, a call of gRPC-Web goes on as it is, over HTTP/1.1, which the service does not speak."""
    async with fronted(folder) as front:
        return (await post(front, "UnaryUnary", framed(b"x"), BINARY)).status


def test_over_http2(tmp_path: Path) -> None:
    """The same over HTTP/2, which browsers speak where they can."""

    async def scenario() -> None:
        async with fronted(tmp_path, WEB) as front:
            answer = await over_http2(front.port, framed(b"hello"))
            assert answer.messages == [b"echo hello"]
            assert answer.trailers["grpc-status"] == "0"

    asyncio.run(asyncio.wait_for(scenario(), 10))


async def over_http2(port: int, body: bytes) -> WebAnswer:
    """One unary call."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    link = H2Connection(H2Configuration(header_encoding="utf-8"))
    link.initiate_connection()
    head = [(":method", "POST"), (":scheme", "http"), (":authority", "h"), (":path", f"/{SERVICE}/UnaryUnary")]
    link.send_headers(1, [*head, ("content-type", "application/grpc-web+proto"), ("x-grpc-web", "1")])
    link.send_data(1, body, end_stream=True)
    writer.write(link.data_to_send())
    content = b""
    try:
        while True:
            for event in link.receive_data(await reader.read(65536)):
                content += event.data if isinstance(event, DataReceived) else b""
                if isinstance(event, StreamEnded):
                    return read(content)
    finally:
        writer.close()
