"""What was found out about one request of a connection is used for the next only where it holds for that one too."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.acceptance.rig import Product, product

VERSIONED = """
management: 127.0.0.1:0
apis:
  - id: one
    path: api
    service-url: "http://127.0.0.1:{backend}/one"
    version: {{scheme: header, name: api-version, value: v1}}
  - id: two
    path: api
    service-url: "http://127.0.0.1:{backend}/two"
    version: {{scheme: header, name: api-version, value: v2}}
"""
GUARDED = """
management: 127.0.0.1:0
apis:
  - id: api
    path: api
    service-url: "http://127.0.0.1:{backend}"
    policy: guarded.xml
    operations: [{{id: read, method: GET, url-template: /read}}, {{id: bare, method: GET, url-template: /bare}}]
"""
POLICY = """
<policies>
  <inbound>
    <cors>
      <allowed-origins><origin>https://a.example</origin></allowed-origins>
      <allowed-methods><method>GET</method></allowed-methods>
    </cors>
    <choose>
      <when condition="@(context.Operation.Id == &quot;read&quot;)">
        <set-header name="caller-objectid" exists-action="override"><value>gateway</value></set-header>
      </when>
    </choose>
  </inbound>
  <backend><forward-request /></backend><outbound /><on-error />
</policies>
"""
SEQUENCES = {
    "versions": (VERSIONED, [f"GET /api/x\napi-version: {version}" for version in ("v1", "v2", "v3", "v1")]),
    "forged": (GUARDED, [f"GET /api/read\ncaller-objectid: {name}\nx: {name}" for name in ("me", "me", "you")]),
    "forged on a route without": (GUARDED, [f"GET /api/bare\nCaller_ObjectId: {name}" for name in ("me", "you")]),
    "paths": (GUARDED, [f"GET /api/{path}\nx: 1" for path in ("read", "bare", "none", "read")]),
    "preflights": (
        GUARDED,
        [f"OPTIONS /api/read\nOrigin: https://a.example\nAccess-Control-Request-Method: {m}" for m in ("GET", "PUT")],
    ),
    "origins": (GUARDED, [f"GET /api/read\nOrigin: https://{name}.example" for name in ("a", "b", "a")]),
}


def _steady(message: bytes) -> bytes:
    """*message* without the request's id, which is another each time."""
    return re.sub(rb"x-request-id: [0-9a-f-]{36}", b"x-request-id: ID", message)


async def ask(running: Product, requests: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """What the client and the backend get of each of *requests*, sent on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    seen = []
    for request in requests:
        line, *fields = request.split("\n")
        running.backend.received = b""
        writer.write("\r\n".join([f"{line} HTTP/1.1", "Host: api.example", *fields, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        body = await reader.readexactly(int(length or 0))
        seen.append((_steady(head.partition(b"\r\nDate:")[0] + body), _steady(running.backend.received)))
    writer.close()
    return seen


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_connection_remembers_nothing_wrong(tmp_path: Path, name: str) -> None:
    """Each request on a busy connection is answered and forwarded as on a connection of its own."""
    config, requests = SEQUENCES[name]

    async def scenario() -> None:
        (tmp_path / "guarded.xml").write_text(POLICY)
        async with product(tmp_path, config=config, warm=False) as running:
            together = await ask(running, requests)
            alone = [(await ask(running, [request]))[0] for request in requests]
        assert together == alone
        assert not any(b"id: me" in received or b"Id: me" in received for _, received in together)

    asyncio.run(scenario())
