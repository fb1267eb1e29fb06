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


def question(line: str, *fields: str, client: str = "203.0.113.9", raw: bool = True, **more: Any) -> Any:
    """
    A CheckRequest about the request *line* with *fields*, as Envoy writes it.

    Args:
        raw: Whether with ``encode_raw_headers``.
        more: Members of the message's HttpRequest in place of the usual ones; ``extensions`` and ``certificate``.
    """
    method, _, path = line.partition(" ")
    extensions, certificate = more.pop("extensions", {}), more.pop("certificate", "")
    pairs = [(name, value) for name, _, value in (field.partition(": ") for field in fields)]
    pairs = [(":method", method), (":path", path), (":authority", "api.example"), (":scheme", "http"), *pairs]
    http: dict[str, Any] = {"method": method, "path": path, "host": "api.example", "scheme": "http"}
    http["protocol"] = "HTTP/1.1"
    if raw:
        http["header_map"] = {"headers": [{"key": name, "raw_value": value.encode("latin-1")} for name, value in pairs]}
    else:
        names = dict.fromkeys(name for name, _ in pairs)
        http["headers"] = {name: ",".join(value for other, value in pairs if other == name) for name in names}
    source = {"address": {"socket_address": {"address": client, "port_value": 40_000}}, "certificate": certificate}
    attributes = {"source": source, "request": {"http": http | more}, "context_extensions": extensions}
    return messages.CheckRequest(attributes=attributes)


async def checked(channel: aio.Channel, message: Any) -> Verdict:
    """The gateway's answer to a CheckRequest."""
    method = channel.unary_unary(
        CHECK,
        request_serializer=messages.CheckRequest.SerializeToString,
        response_deserializer=messages.CheckResponse.FromString,
    )
    return Verdict(await method(message, timeout=10))


class Verdict:
    """A CheckResponse, as a test looks at it."""

    def __init__(self, reply: Any) -> None:
        self.reply = reply
        self.passes: bool = reply.status.code == 0
        answer = reply.ok_response if self.passes else reply.denied_response
        self.status: int = 200 if self.passes else answer.status.code
        self.fields = [(option.header.key, option.header.value) for option in answer.headers]
        self.removed = set(reply.ok_response.headers_to_remove)
        self.facts = dict(reply.dynamic_metadata)

    def field(self, name: str) -> str | None:
        """The last value that is set for *name*."""
        return dict(self.fields).get(name)
