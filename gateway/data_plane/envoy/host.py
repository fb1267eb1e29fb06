"""
The gRPC listener that Envoy asks: grpc.aio in the worker's own event loop.

Each worker binds the address for itself with SO_REUSEPORT, because gRPC takes no socket that is bound already; the
supervisor holds the address with a socket that does not listen (``serving.envoy``). Everything that a peer can make us
hold is bounded: connections, streams of each, open questions, the size of one.

Source: gRPC core's channel arguments (grpc_types.h); docs/adr/0085.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc
import structlog
from google.protobuf.message import DecodeError
from grpc import aio

from gateway.data_plane.envoy.answering import Answering
from gateway.data_plane.envoy.credentials import EnvoyCredentials
from gateway.data_plane.envoy.settings import EnvoySettings
from gateway.errors import GatewayError
from gateway.telemetry.metrics import GatewayMetrics

log = structlog.get_logger("gateway.envoy")

_METADATA_BYTES = 16 * 1024  # of a question, besides the message
_LEAST_PING_MS = 10_000  # Envoy may ask whether an idle connection is alive that often


class Unanswerable(GatewayError):
    """A question that is refused before any policy runs."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class EnvoyService(Protocol):
    """One gRPC service of the listener."""

    name: str
    """In full: ``envoy.service.auth.v3.Authorization``."""

    def methods(self, host: EnvoyHost) -> Mapping[str, grpc.RpcMethodHandler]:
        """Its methods, each made by ``EnvoyHost.unary`` or ``EnvoyHost.streaming``."""


@dataclass(slots=True)
class Counts:
    """
    Of one listener, since the start.

    Attributes:
        asked: Questions that were admitted, health checks among them.
        refused: Those of peers that may not ask, and those that cannot be answered.
        open: Questions without an answer yet.
    """

    asked: int = 0
    refused: int = 0
    open: int = 0

    def show_in(self, metrics: GatewayMetrics) -> None:
        """Add them to the scrape."""
        metrics.counters["gateway_envoy_questions"] = ("Questions of Envoy over gRPC.", lambda: self.asked)
        metrics.counters["gateway_envoy_refused"] = (
            "Questions over gRPC refused before any policy ran.",
            lambda: self.refused,
        )
        metrics.gauges["gateway_envoy_open"] = ("Questions of Envoy without an answer yet.", lambda: self.open)


@dataclass(slots=True)
class EnvoyHost:
    """
    The listener of one process.

    Attributes:
        answering: What answers the next question; a reload replaces it.
        port: The actual one, once it runs.
    """

    answering: Answering
    settings: EnvoySettings
    counts: Counts = field(default_factory=Counts)
    port: int = 0
    _server: aio.Server | None = None
    _credentials: EnvoyCredentials | None = None

    async def start(self, host: str, port: int, services: Sequence[EnvoyService]) -> None:
        """
        Listen. Raises GatewayError: the address or the certificate cannot be used.

        Args:
            host: An address, not a name: what a name means is decided once, by whoever holds the port.
        """
        server = aio.server(options=self._options(), maximum_concurrent_rpcs=self.settings.questions)
        for service in services:
            handler = grpc.method_handlers_generic_handler(service.name, dict(service.methods(self)))
            server.add_generic_rpc_handlers((handler,))
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self.port = self._listen(server, place)
        except RuntimeError as error:
            raise GatewayError(f"cannot listen on {place} for Envoy: {error}") from None
        await server.start()
        self._server = server

    async def aclose(self, drain_s: float) -> None:
        """Take no further question, and let those that are open be answered within *drain_s*."""
        if self._server is not None:
            await self._server.stop(drain_s)

    def renew_certificate(self) -> None:
        """Present what is in the files of ``tls`` from the next handshake on. Raises OSError, ValueError."""
        if self._credentials is not None:
            self._credentials.renew()

    def unary(self, answer: Callable[[Any, Answering], Any], question_type: Any, reply_type: Any) -> Any:
        """
        A method with one question and one reply.

        Args:
            answer: Makes the reply, or an awaitable of it; may raise Unanswerable.
        """

        async def handle(octets: bytes, context: aio.ServicerContext) -> Any:
            answering = await self._admit(context)
            try:
                reply = answer(_read(octets, question_type), answering)
                return await reply if isinstance(reply, Awaitable) else reply
            except Exception as error:
                await self._give_up(error, context)
            finally:
                self.counts.open -= 1

        return grpc.unary_unary_rpc_method_handler(handle, response_serializer=reply_type.SerializeToString)

    def streaming(
        self,
        process: Callable[[aio.ServicerContext, Answering], Awaitable[None]],
        question_type: Any,
        reply_type: Any,
    ) -> Any:
        """
        A method with a stream of messages in both directions.

        Args:
            process: Reads and writes with ``context.read`` and ``context.write``; may raise Unanswerable. What is not
                a message is read as an empty one.
        """

        async def handle(_: object, context: aio.ServicerContext) -> None:
            answering = await self._admit(context)
            try:
                await process(context, answering)
            except Exception as error:
                await self._give_up(error, context)
            finally:
                self.counts.open -= 1

        def read(octets: bytes) -> Any:
            try:
                return _read(octets, question_type)
            except Unanswerable:  # gRPC would log where it was raised, for each message
                return question_type()

        return grpc.stream_stream_rpc_method_handler(
            handle, request_deserializer=read, response_serializer=reply_type.SerializeToString
        )

    async def _admit(self, context: aio.ServicerContext) -> Answering:
        """What answers this question; a peer that may not ask is refused."""
        answering = self.answering
        if not answering.admits(context.peer()):
            self.counts.refused += 1
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not among envoy/callers")
        self.counts.asked += 1
        self.counts.open += 1
        return answering

    async def _give_up(self, error: Exception, context: aio.ServicerContext) -> None:
        """End the question without a reply. gRPC would send the text of an error of ours to the peer."""
        if isinstance(error, aio.AbortError):
            raise error
        self.counts.refused += 1
        if isinstance(error, Unanswerable):
            await context.abort(error.code, str(error))
        log.error("envoy_question_failed", error=type(error).__name__, exc_info=error)
        await context.abort(grpc.StatusCode.INTERNAL, "internal error")

    def _listen(self, server: aio.Server, place: str) -> int:
        if self.settings.tls is None:
            return int(server.add_insecure_port(place))
        self._credentials = EnvoyCredentials(self.settings.tls)
        return int(server.add_secure_port(place, self._credentials.for_server()))

    def _options(self) -> list[tuple[str, int]]:
        return [
            ("grpc.so_reuseport", 1),
            ("grpc.max_receive_message_length", self.settings.message_bytes),
            ("grpc.max_concurrent_streams", self.settings.streams_per_connection),
            ("grpc.max_allowed_incoming_connections", self.settings.connections),
            ("grpc.max_metadata_size", _METADATA_BYTES),
            ("grpc.absolute_max_metadata_size", _METADATA_BYTES),
            ("grpc.http2.min_ping_interval_without_data_ms", _LEAST_PING_MS),
        ]


def _read(octets: bytes, question_type: Any) -> Any:
    """The message in *octets*. Raises Unanswerable: they are not one."""
    try:
        return question_type.FromString(octets)
    except DecodeError:
        raise Unanswerable(grpc.StatusCode.INVALID_ARGUMENT, "not a message of this method") from None
