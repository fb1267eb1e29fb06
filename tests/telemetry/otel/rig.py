"""A gateway, a collector and a backend in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.assembly.app import build
from gateway.config import Config, parse
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.telemetry import logs
from gateway.wire.server.serve import bind
from tests.telemetry.otel.receiver import RECEIVERS, Received
from tests.wire.rig import OK, Backend, Reply, answer, ask, backend

CONFIG = """
management: 127.0.0.1:0
telemetry:
  endpoint: ADDRESS
  protocol: PROTOCOL
  headers: {x-collector-key: collector-s3cret}
  interval: 1h
  resource: {deployment.environment.name: test}
MORE
apis:
  - id: orders
    path: orders
    service-url: http://127.0.0.1:BACKEND
    operations:
      - {id: read, method: GET, url-template: "/items/{id}", policy: policy.xml}
      - {id: plain, method: GET, url-template: /plain}
      - {id: refused, method: GET, url-template: /refused, policy: refused.xml}
      - {id: gone, method: GET, url-template: /gone, policy: gone.xml}
"""
DOCUMENTS = {
    "policy": """<policies><inbound>
      <trace source="mine" severity="information">
        <message>Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln</message><metadata name="tenant" value="blue" />
      </trace>
      <emit-metric name="sold" value="3"><dimension name="kind" value="book" /></emit-metric>
      <send-request mode="new" response-variable-name="price">
        <set-url>http://127.0.0.1:BACKEND/price?key=s3nd-key</set-url>
      </send-request></inbound></policies>""",
    "refused": """<policies><inbound><check-header name="X-Key" failed-check-httpcode="403"
      failed-check-error-message="No" ignore-case="true"><value>right</value></check-header></inbound></policies>""",
    "gone": """<policies><inbound><set-backend-service base-url="http://127.0.0.1:9" /></inbound><backend>
      <retry condition="@(true)" count="1" interval="0"><forward-request timeout="5" /></retry></backend></policies>""",
}


@dataclass
class Observed:
    """What runs."""

    port: int
    live: LiveGateway
    received: Received
    behind: Backend
    folder: Path
    names: Mapping[str, str]

    async def call(self, path: str, *fields: str) -> Reply:
        """One request with raw header lines, on a connection of its own."""
        lines = [f"GET {path} HTTP/1.1", "Host: api.example", *fields, "", ""]
        return await ask(self.port, "\r\n".join(lines).encode("latin-1"))

    def sent_on(self, name: str) -> list[str]:
        """The values of a header field in what the backend has got, in order."""
        lines = self.behind.received.decode("latin-1").split("\r\n")
        return [line.partition(": ")[2] for line in lines if line.lower().startswith(f"{name}: ")]

    async def reload(self, more: str) -> None:
        """Let a gateway with *more* settings take over."""
        former = self.live.current
        await self.live.replace(build(_config(self.folder, {**self.names, "MORE": more}), former))


def _config(folder: Path, names: Mapping[str, str]) -> Config:
    text = CONFIG
    for name, value in names.items():
        text = text.replace(name, value)
    return parse(text, "config.yaml", folder, {})


@asynccontextmanager
async def observed(folder: Path, protocol: str = "http/protobuf", more: str = "") -> AsyncIterator[Observed]:
    """A gateway whose collector speaks *protocol*; *more* are further settings of ``telemetry``."""
    logs.configure()
    with RECEIVERS[protocol]() as (address, received):
        async with backend(answer(OK)) as behind:
            names = {"ADDRESS": address, "PROTOCOL": protocol, "MORE": more, "BACKEND": str(behind.port)}
            for name, text in DOCUMENTS.items():
                (folder / f"{name}.xml").write_text(text.replace("BACKEND", str(behind.port)))
            live = LiveGateway(build(_config(folder, names)))
            async with serving_gateway(live, Sockets(bind("127.0.0.1", 0), bind("127.0.0.1", 0))) as server:
                yield Observed(server.port, live, received, behind, folder, names)


def received_from(
    folder: Path, work: Callable[[Observed], Awaitable[None]], protocol: str = "http/protobuf", more: str = ""
) -> Received:
    """What a collector has got once *work* is done and the gateway has stopped."""

    async def run() -> Received:
        async with observed(folder, protocol, more) as world:
            await work(world)
        return world.received

    received = asyncio.run(run())
    assert received.refused == []
    return received
