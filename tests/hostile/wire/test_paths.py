"""Paths that servers read differently: refused by name, unless the API that they belong to allows them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.assembly.app import build
from gateway.config import parse
from gateway.wire.server.listener import Listener
from gateway.wire.server.serve import start
from tests.wire.rig import OK, answer, ask, backend

CONFIG = """
apis:
  - {{id: open, path: open, service-url: "http://127.0.0.1:{port}/base", path-escapes: ["%2F", "%25", "//"]}}
  - id: slash
    path: slash
    service-url: http://127.0.0.1:{port}
    path-escapes: ["%2F"]
    operations: [{{id: read, method: GET, url-template: "/items/{{id}}"}}]
  - {{id: closed, path: closed, service-url: "http://127.0.0.1:{port}"}}
"""

# What is sent, and what the backend gets; or what the refusal has to name.
CASES = [
    ("/open/a%2Fb", "/base/a%2Fb"),
    ("/open/a%2fb", "/base/a%2Fb"),
    ("/open/100%25", "/base/100%25"),
    ("/open/a//b", "/base/a//b"),
    ("/slash/items/a%2Fb", "/items/a%2Fb"),
    ("/slash/items/100%25", "%25"),
    ("/slash/items//a", "//"),
    ("/closed/a%2Fb", "%2F"),
    ("/closed/a%25b", "%25"),
    ("/closed//a", "//"),
    ("/nowhere/a%2Fb", "%2F"),
    ("/open/a%5Cb", "%5C"),
    ("/open/..%2Fsecret", "Dot segment"),
    ("/open/%2e%2e%2Fsecret", "Dot segment"),
    ("/open/%252e%252e/secret", "Dot segment"),
    ("/open/%252e%252e%252Fsecret", "Dot segment"),
    ("/open/%25252e%25252e/secret", "Dot segment"),
    ("/open/a//../b", "Dot segment"),
]


@pytest.mark.parametrize(("path", "expected"), CASES)
def test_a_path_passes_as_it_is_or_is_refused_by_name(tmp_path: Path, path: str, expected: str) -> None:
    """What an API allows reaches its backend unchanged; a refusal names what it refuses, and no dots get through."""

    async def scenario() -> None:
        async with backend(answer(OK)) as behind:
            config = parse(CONFIG.format(port=behind.port), "config.yaml", tmp_path, {})
            gateway = build(config)
            server = await start(Listener(gateway.dispatcher, config.server_settings()))
            reply = await ask(server.port, f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            await server.aclose()
            await gateway.aclose()
        if expected.startswith("/") and expected != "//":
            assert reply.status == 200
            assert behind.received.startswith(f"GET {expected} HTTP/1.1\r\n".encode())
        else:
            assert (reply.status, behind.received) == (400, b"")
            assert expected in reply.body.decode()

    asyncio.run(scenario())
