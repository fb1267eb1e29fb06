"""An HTTP service whose operations become tools, an existing MCP server of the official SDK, and a gateway in front."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import Context, MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import API
from gateway.emulators.serving import serve
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.wire.server.serve import bind
from tests.wire.rig import settled

SLOW_S = 0.15
DEFINITION = """
openapi: 3.0.3
info: {title: Orders, version: "1"}
paths:
  /items/{id}:
    get:
      operationId: get-item
      summary: One item
      description: Looks an item up by its id.
      parameters:
        - {name: id, in: path, required: true, description: The item's id., schema: {type: string}}
        - {name: verbose, in: query, schema: {type: boolean}}
        - {name: X-Flavour, in: header, schema: {type: string}}
        - {name: caller-objectid, in: header, schema: {type: string}}
        - {name: Authorization, in: header, schema: {type: string}}
        - {name: x-tenant, in: header, schema: {type: string}}
      responses: {"200": {description: ok}}
  /items:
    post:
      operationId: add-item
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Item"}}}
      responses: {"201": {description: ok}}
  /slow:
    get: {operationId: slow, responses: {"200": {description: ok}}}
  /picture:
    get: {operationId: picture, responses: {"200": {description: ok}}}
  /broken:
    get: {operationId: broken, responses: {"500": {description: no}}}
components:
  schemas:
    Item:
      type: object
      required: [name]
      properties:
        id: {type: integer, readOnly: true}
        name: {type: string, description: What it is called.}
        parent: {$ref: "#/components/schemas/Item"}
        tags: {type: array, items: {type: string}}
"""

CONFIG = """
listen: 127.0.0.1:0
management: 127.0.0.1:0
request-log: {{sample: 1.0}}
apis:
  - id: orders
    path: orders
    service-url: {backend}
    openapi: orders.yaml
    policy: orders.xml
  - id: tools
    type: mcp
    path: tools
    policy: tools.xml
    mcp:
      keep-alive: 40ms
      allowed-origins: ["https://app.example"]
      instructions: Ask for items.
      tools:
        - {{api: orders, operation: get-item, name: get_item}}
        - {{api: orders, operation: add-item}}
        - {{api: orders, operation: slow}}
        - {{api: orders, operation: picture}}
        - {{api: orders, operation: broken}}
{more}
"""
EXISTING = """
  - id: existing
    type: mcp
    path: existing
    service-url: {existing}/mcp
    policy: existing.xml
"""
OPEN = "<policies><inbound><base/>{}</inbound><backend><base/></backend><outbound><base/></outbound></policies>"


@dataclass
class Service:
    """
    The backend of the operations.

    Attributes:
        seen: What it was asked.
        left: Requests whose caller left before the answer.
    """

    seen: list[dict[str, Any]] = field(default_factory=list)
    left: int = 0
    slow_s: float = SLOW_S

    def app(self) -> Starlette:
        """The application."""
        return Starlette(routes=[Route("/{rest:path}", self.answer, methods=["GET", "POST"])])

    async def answer(self, request: Request) -> Response:
        """What was asked, as JSON; or what the path says."""
        asked = {
            "method": request.method,
            "path": request.scope["raw_path"].decode(),
            "query": request.url.query,
            "headers": request.headers.items(),
            "body": (await request.body()).decode(),
        }
        self.seen.append(asked)
        match request.url.path:
            case "/slow":
                return await self._slowly()
            case "/picture":
                return Response(b"\x89PNG\0", media_type="image/png")
            case "/refusing/x":
                return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="theirs"'})
            case "/broken":
                return JSONResponse({"error": "out of order"}, 500)
        return JSONResponse({"path": asked["path"], "query": asked["query"], "body": asked["body"]})

    async def _slowly(self) -> Response:
        try:
            await asyncio.sleep(self.slow_s)
        except asyncio.CancelledError:
            self.left += 1
            raise
        return Response("slow and steady", media_type="text/plain")

    def values(self, name: str) -> list[str]:
        """Values of a header of the last request, in every spelling."""
        return [value for key, value in self.seen[-1]["headers"] if key.replace("_", "-") == name]


def existing_server() -> MCPServer:
    """An MCP server as people write them."""
    server = MCPServer("existing")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Adds two numbers."""
        return a + b

    @server.tool()
    async def count(steps: int, ctx: Context) -> str:
        """Counts, and reports each step."""
        for step in range(steps):
            await ctx.report_progress(step + 1, steps)
            await asyncio.sleep(0.06)
        return "counted"

    return server


@dataclass
class McpFront:
    """A gateway with MCP APIs, its backends, and an issuer."""

    port: int
    gateway: Gateway
    live: LiveGateway
    service: Service
    entra: EntraEmulator
    text: str
    folder: Path

    def url(self, path: str = "/tools/mcp") -> str:
        """A URL at the gateway."""
        return f"http://127.0.0.1:{self.port}{path}"

    @asynccontextmanager
    async def client(self, path: str = "/tools/mcp", token: str | None = None, **options: Any) -> AsyncIterator[Client]:
        """The SDK's client, connected."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=20) as http,
            Client(streamable_http_client(self.url(path), http_client=http), **options) as client,
        ):
            yield client

    async def post(self, message: Any, path: str = "/tools/mcp", headers: Mapping[str, str] | None = None) -> Any:
        """One message as raw HTTP."""
        fields = {
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            **(headers or {}),
        }
        fields = {name: value for name, value in fields.items() if value}
        async with httpx2.AsyncClient(timeout=20) as http:
            content = message if isinstance(message, bytes) else None
            json = None if isinstance(message, bytes) else message
            return await http.post(self.url(path), content=content, json=json, headers=fields)

    def records(self) -> list[dict[str, Any]]:
        """The request log, newest first."""
        return [record.as_json() for record in self.gateway.requests.recent()]


@dataclass
class Behind:
    """What is behind every gateway of a module: the service, an MCP server, an issuer; and their URLs."""

    service: Service
    entra: EntraEmulator
    service_url: str
    existing_url: str


@contextmanager
def behind_gateways() -> Iterator[Behind]:
    """All of it, in threads of its own: starting and stopping takes longer than most tests."""
    service, entra = Service(), EntraEmulator()
    existing = existing_server().streamable_http_app()
    with serve(service.app()) as service_url, serve(existing) as existing_url, serve(entra):
        yield Behind(service, entra, service_url, existing_url)


@asynccontextmanager
async def mcp_front(
    behind: Behind,
    folder: Path,
    inbound: Mapping[str, str] | None = None,
    more: str = "",
    replaced: Iterable[tuple[str, str]] = (),
) -> AsyncIterator[McpFront]:
    """
    A gateway in front of it.

    Args:
        inbound: Policies by API: ``tools``, ``orders``, ``existing``; ``{metadata}`` is the issuer's.
        replaced: Changes to the configuration.
    """
    service, entra, inbound = behind.service, behind.entra, inbound or {}
    service.seen.clear()
    service.slow_s = SLOW_S
    (folder / "orders.yaml").write_text(DEFINITION)
    for name in ("tools", "orders", "existing"):
        text = inbound.get(name, "").replace("{metadata}", entra.metadata_url()).replace("{audience}", API)
        (folder / f"{name}.xml").write_text(OPEN.format(text))
    more = (EXISTING + more).format(existing=behind.existing_url, backend=behind.service_url)
    text = CONFIG.format(backend=behind.service_url, more=more)
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    gateway = build(parse(text, "config.yaml", folder, os.environ))
    live = LiveGateway(gateway)
    async with serving_gateway(live, Sockets(bind("127.0.0.1", 0), bind("127.0.0.1", 0))) as server:
        assert await settled(lambda: all(issuer.ready for issuer in gateway.issuers.statuses()), 10)
        yield McpFront(server.port, gateway, live, service, entra, text, folder)
