"""A client of the gRPC listener, in place of Envoy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc import aio

from gateway.data_plane.envoy import messages

ENVOY = "\nenvoy: {{listen: 127.0.0.1:0}}\n"
HEALTH = "/grpc.health.v1.Health/Check"
CHECK = "/envoy.service.auth.v3.Authorization/Check"


@asynccontextmanager
async def connected(port: int, credentials: grpc.ChannelCredentials | None = None) -> AsyncIterator[aio.Channel]:
    """A connection to the listener on *port*."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    if credentials is None:
        channel = aio.insecure_channel(f"127.0.0.1:{port}", options)
    else:
        named = [*options, ("grpc.ssl_target_name_override", "localhost")]
        channel = aio.secure_channel(f"127.0.0.1:{port}", credentials, named)
    async with channel:
        yield channel


async def healthy(channel: aio.Channel, service: str = "") -> str:
    """What the health service reports about *service*, or the code of its refusal."""
    method = channel.unary_unary(
        HEALTH,
        request_serializer=messages.HealthCheckRequest.SerializeToString,
        response_deserializer=messages.HealthCheckResponse.FromString,
    )
    try:
        reply: Any = await method(messages.HealthCheckRequest(service=service), timeout=5)
    except aio.AioRpcError as error:
        return str(error.code().name)
    names = messages.HealthCheckResponse.DESCRIPTOR.enum_types_by_name["ServingStatus"].values_by_number
    return str(names[reply.status].name)
