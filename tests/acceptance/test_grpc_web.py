"""gRPC-Web over HTTP/1.1, translated to a real gRPC service."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

import pytest

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
