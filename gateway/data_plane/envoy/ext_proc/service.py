"""
The gRPC service that Envoy streams to.

A stream that is closed without an error means to Envoy that it may go on alone. So a stream ends well only when Envoy
has ended it; everything else ends it with an error, which ``failure_mode_allow: false`` turns into a refusal.

Source: ``envoy/service/ext_proc/v3/external_processor.proto``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
import structlog
from grpc import aio

from gateway.data_plane.envoy.answering import Answering
from gateway.data_plane.envoy.ext_proc.exchange import ProcessedExchange
from gateway.data_plane.envoy.ext_proc.phases import OutOfOrder, ProcessingPhase
from gateway.data_plane.envoy.host import EnvoyHost, Unanswerable
from gateway.data_plane.envoy.messages import ProcessingRequest, ProcessingResponse
from gateway.wire.server.request_head import HeadError

log = structlog.get_logger("gateway.envoy")

_CUT_SHORT = "the client has left while Envoy was collecting its body, or Envoy has given the request up"
_MODES = (0, 2)  # NONE, BUFFERED: an answer stays in Envoy until we have said otherwise
_OF_CLIENTS = frozenset([grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED])
_WRONG = grpc.StatusCode.FAILED_PRECONDITION


class ProcessorService:
    """One stream for each HTTP request."""

    name = "envoy.service.ext_proc.v3.ExternalProcessor"

    def methods(self, host: EnvoyHost) -> Mapping[str, grpc.RpcMethodHandler]:
        """See ``EnvoyService``."""
        return {"Process": host.streaming(self.process, ProcessingRequest, ProcessingResponse)}

    async def process(self, stream: aio.ServicerContext, answering: Answering) -> None:
        """One request. Raises Unanswerable: the stream must not end well."""
        plane = answering.processing
        if plane is None:
            raise Unanswerable(grpc.StatusCode.UNIMPLEMENTED, "envoy/ext-proc is not configured")
        exchange = ProcessedExchange(plane)
        try:
            async with asyncio.timeout(plane.rules.longest):
                await _converse(stream, exchange)
        except (OutOfOrder, HeadError, TimeoutError, Unanswerable) as error:
            code, problem = _ending(error)
            # Each is said once: it is Envoy's configuration, and the same for every request.
            if code not in _OF_CLIENTS and plane.is_news(problem):
                log.error("envoy_misconfigured", problem=problem)
            raise Unanswerable(code, problem) from None
        finally:
            exchange.leave()


def _ending(error: OutOfOrder | HeadError | TimeoutError | Unanswerable) -> tuple[grpc.StatusCode, str]:
    """With which code a stream ends after *error*, and why."""
    match error:
        case Unanswerable():
            return error.code, str(error)
        case OutOfOrder():
            return _WRONG, str(error)
        case HeadError():
            return grpc.StatusCode.INVALID_ARGUMENT, error.message
    return grpc.StatusCode.DEADLINE_EXCEEDED, "a request lasted longer than envoy/ext-proc/longest"


async def _converse(stream: aio.ServicerContext, exchange: ProcessedExchange) -> None:
    """Answer each message before the next one is read, as Envoy expects it."""
    while (message := await stream.read()) is not aio.EOF:
        if exchange.phase is ProcessingPhase.START:
            _require_obedient(message)
        exchange.take(message)
        await _reply(stream, exchange)
        while exchange.owes_pieces:
            await _reply(stream, exchange)
    if exchange.phase in (ProcessingPhase.AWAITING_BODY, ProcessingPhase.AWAITING_ANSWER):
        raise Unanswerable(grpc.StatusCode.CANCELLED, _CUT_SHORT)


async def _reply(stream: aio.ServicerContext, exchange: ProcessedExchange) -> None:
    for reply in await exchange.next_replies():
        await stream.write(reply)


def _require_obedient(message: Any) -> None:
    """Raises Unanswerable: Envoy would not do what the reply says."""
    if message.observability_mode:
        raise Unanswerable(_WRONG, "observability_mode ignores what policies decide")
    config = message.protocol_config  # in the first message of a stream
    if (config.request_body_mode, config.response_body_mode) != _MODES:
        raise Unanswerable(_WRONG, "processing_mode: request_body_mode must be NONE, and response_body_mode BUFFERED")
    if config.send_body_without_waiting_for_header_response:
        raise Unanswerable(_WRONG, "send_body_without_waiting_for_header_response must be false")
