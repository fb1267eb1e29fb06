"""
The gRPC service that Envoy streams to.

A stream that is closed without an error means to Envoy that it may go on alone. So a stream ends well only when its
request does; everything else ends it with an error, which ``failure_mode_allow: false`` turns into a refusal.

Source: ``envoy/service/ext_proc/v3/external_processor.proto``.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from grpc import aio

from gateway.data_plane.envoy.ext_proc.exchange import Exchange
from gateway.data_plane.envoy.ext_proc.phases import OutOfOrder
from gateway.data_plane.envoy.ext_proc.plane import Plane
from gateway.data_plane.envoy.host import Unanswerable
from gateway.wire.server.request_head import HeadError

LONGEST_S = 3600.0
"""How long one request may take, its answer's body included: WebSockets and streams of events last."""


async def process(stream: aio.ServicerContext, plane: Plane) -> None:
    """
    One request. Raises Unanswerable: the stream must not end well.
    """
    exchange = Exchange(plane)
    try:
        async with asyncio.timeout(LONGEST_S):
            while (message := await stream.read()) is not aio.EOF:
                require_obedient(message)
                exchange.take(message)
                await stream.write(await exchange.replied())
    except OutOfOrder as error:
        raise Unanswerable(grpc.StatusCode.FAILED_PRECONDITION, str(error)) from None
    except HeadError as error:
        raise Unanswerable(grpc.StatusCode.INVALID_ARGUMENT, error.message) from None
    except TimeoutError:
        raise Unanswerable(grpc.StatusCode.DEADLINE_EXCEEDED, "the request has lasted too long") from None
    finally:
        exchange.leave()


_BUFFERED = 2


def require_obedient(message: Any) -> None:
    """Raises Unanswerable: Envoy would not do what the reply says."""
    if message.observability_mode:
        raise Unanswerable(grpc.StatusCode.FAILED_PRECONDITION, "observability_mode ignores what policies decide")
    if message.HasField("protocol_config"):
        config = message.protocol_config
        if (config.request_body_mode, config.response_body_mode) != (_BUFFERED, _BUFFERED):
            text = "processing_mode: request_body_mode and response_body_mode must be BUFFERED"
            raise Unanswerable(grpc.StatusCode.FAILED_PRECONDITION, text)
        if config.send_body_without_waiting_for_header_response:
            text = "send_body_without_waiting_for_header_response must be false"
            raise Unanswerable(grpc.StatusCode.FAILED_PRECONDITION, text)
