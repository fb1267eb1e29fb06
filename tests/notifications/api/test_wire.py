"""The service on its own refuses what is not HTTP in the shape of its other refusals."""

from __future__ import annotations

import asyncio
import json

import pytest
import uvicorn

from gateway.notifications.api.problems import MEDIA_TYPE
from gateway.notifications.api.wire import ProblemProtocol
from gateway.wire.server.serve import EmbeddedServer, bind
from tests.notifications.conftest import Running

WRONG = [
    b"POST /jobs HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
    b"POST /jobs HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"\x16\x03\x01\x00 not http at all\r\n\r\n",
]


async def _ask(service: Running, request: bytes) -> bytes:
    config = uvicorn.Config(service.app, http=ProblemProtocol, ws="none", lifespan="off", log_config=None)
    server, listening = EmbeddedServer(config), bind("127.0.0.1", 0)
    task = await server.begin(listening)
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    server.stop.set()
    await task
    return answer


@pytest.mark.parametrize("request_bytes", WRONG, ids=["length", "chunk", "tls"])
def test_wire_refusals_are_problems(service: Running, request_bytes: bytes) -> None:
    """A request that is not HTTP is answered 400 as application/problem+json, and the connection closes."""
    head, _, body = asyncio.run(_ask(service, request_bytes)).partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"http/1.1 400 bad request"
    assert f"content-type: {MEDIA_TYPE}".encode() in lines
    assert json.loads(body)["status"] == 400
