"""A gRPC service that does what its messages say, and a gateway in front of it, in one event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import grpc.aio

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.wire.server.serve import bind

Codec: TypeAlias = tuple[Callable[[bytes], bytes] | None, Callable[[bytes], bytes] | None]

SERVICE = "acme.orders.v1.Orders"
KINDS = ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream")

CONFIG = """
listen: 127.0.0.1:0
management: 127.0.0.1:0
http2: {{clear-text: true}}
backends:
  orders: {{url: "{backend}"}}
apis:
  - id: orders
    type: grpc
    backend: orders
{more}
"""


@dataclass
class Service:
    """
    The backend.

    Attributes:
        seen: Metadata of each call, by the order of arrival.
        remaining_s: What each call had left of its deadline; None: it has none.
        cancelled: Methods of calls that their caller has cancelled.
    """

    port: int = 0
    seen: list[Mapping[str, str | bytes]] = field(default_factory=list)
    remaining_s: list[float | None] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    async def one(self, message: bytes, context: Any) -> bytes:
        """The answer to one message: what it says to do."""
        word, _, rest = message.partition(b":")
        match word:
            case b"abort":
                code, _, text = rest.partition(b":")
                context.set_trailing_metadata((("x-why", "asked"), ("x-why-bin", b"\x00\xff")))
                await context.abort(_CODES[int(code)], text.decode())
            case b"sleep":
                await asyncio.sleep(float(rest))
            case b"large":
                return b"x" * int(rest)
        return b"echo " + message

    def note(self, context: Any) -> None:
        """A call has begun."""
        self.seen.append(dict(context.invocation_metadata()))
        self.remaining_s.append(context.time_remaining())
        context.set_trailing_metadata((("x-trailing", "t"), ("x-trailing-bin", b"\x01\xfe")))

    async def unary_unary(self, request: bytes, context: Any) -> bytes:
        """One message, one answer."""
        self.note(context)
        await context.send_initial_metadata((("x-initial", "i"), ("x-initial-bin", b"\x02\xfd")))
        return await self.one(request, context)

    async def plain(self, request: bytes, context: Any) -> bytes:
        """The same without metadata of its own, so that a failure has no head."""
        self.seen.append(dict(context.invocation_metadata()))
        return await self.one(request, context)

    async def unary_stream(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        """One message with a number of answers."""
        self.note(context)
        count, _, rest = request.partition(b" ")
        for number in range(int(count)):
            yield b"%d " % number + await self.one(rest, context)

    async def stream_unary(self, requests: AsyncIterator[bytes], context: Any) -> bytes:
        """Many messages, one answer."""
        self.note(context)
        received = [await self.one(request, context) async for request in requests]
        return b"%d messages, %d bytes" % (len(received), sum(map(len, received)))

    async def stream_stream(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        """Each message is answered when it comes."""
        self.note(context)
        async for request in requests:
            yield await self.one(request, context)

    def handlers(self, codec: Codec) -> grpc.GenericRpcHandler:
        """All methods."""
        methods = {
            "UnaryUnary": grpc.unary_unary_rpc_method_handler(self._watched(self.unary_unary), *codec),
            "Plain": grpc.unary_unary_rpc_method_handler(self._watched(self.plain), *codec),
            "UnaryStream": grpc.unary_stream_rpc_method_handler(self._watched_stream(self.unary_stream), *codec),
            "StreamUnary": grpc.stream_unary_rpc_method_handler(self._watched(self.stream_unary), *codec),
            "StreamStream": grpc.stream_stream_rpc_method_handler(self._watched_stream(self.stream_stream), *codec),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    def _watched(self, method: Callable[[Any, Any], Awaitable[bytes]]) -> Callable[[Any, Any], Awaitable[bytes]]:
        async def watched(request: Any, context: Any) -> bytes:
            try:
                return await method(request, context)
            except asyncio.CancelledError:
                self.cancelled.append(method.__name__)
                raise

        return watched

    def _watched_stream(self, method: Callable[[Any, Any], AsyncIterator[bytes]]) -> Callable[[Any, Any], Any]:
        async def watched(request: Any, context: Any) -> AsyncIterator[bytes]:
            try:
                async for message in method(request, context):
                    yield message
            except (asyncio.CancelledError, GeneratorExit):
                self.cancelled.append(method.__name__)
                raise

        return watched


_CODES = {code.value[0]: code for code in grpc.StatusCode}


@asynccontextmanager
async def service(
    credentials: grpc.ServerCredentials | None = None,
    more: Callable[[Any], None] = lambda server: None,
    codec: Codec = (None, None),
) -> AsyncIterator[Service]:
    """A running backend; *more* adds other services, *codec* reads and writes its messages."""
    running = Service()
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((running.handlers(codec),))
    more(server)
    address = "127.0.0.1:0"
    add = server.add_insecure_port(address) if credentials is None else server.add_secure_port(address, credentials)
    running.port = add
    await server.start()
    try:
        yield running
    finally:
        await server.stop(0)


@dataclass
class Front:
    """A gateway in front of the service."""

    port: int
    gateway: Gateway
    service: Service


@asynccontextmanager
async def fronted(
    directory: Path, more: str = "", config: str = CONFIG, behind: Service | None = None
) -> AsyncIterator[Front]:
    """A gateway whose API *more* completes, in front of the service, or of *behind*."""
    if behind is None:
        async with service() as started, fronted(directory, more, config, started) as front:
            yield front
        return
    text = config.format(backend=f"http://127.0.0.1:{behind.port}", port=behind.port, more=more)
    gateway = build(parse(text, "config.yaml", directory, os.environ))
    sockets = Sockets(bind("127.0.0.1", 0), bind("127.0.0.1", 0))
    async with serving_gateway(LiveGateway(gateway), sockets) as server:
        yield Front(server.port, gateway, behind)
