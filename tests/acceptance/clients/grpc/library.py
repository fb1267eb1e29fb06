"""grpcio: its synchronous clients, and those for asyncio."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.acceptance.clients.grpc.exchange import Call, Place, read, write
from tests.acceptance.grpc_rig import SERVICE
from tests.acceptance.test_grpc import Ended, begin, finish
from tests.wire.rig import settled

_CHECK = health_pb2.HealthCheckRequest()


def _open(place: Place, insecure: Any, secure: Any) -> Any:
    if place.ca is None:
        return insecure(place.address)
    return secure(place.address, grpc.ssl_channel_credentials(place.ca.read_bytes()))


def _status(answer: Any) -> str:
    name: str = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return name


class Synchronous:
    """grpcio as most programs use it, each call in a thread of its own."""

    def __init__(self, place: Place) -> None:
        self._channel = _open(place, grpc.insecure_channel, grpc.secure_channel)

    async def call(self, call: Call) -> Ended:
        return await asyncio.to_thread(self._finish, self._begin(call), call.method.endswith("Unary"))

    def _begin(self, call: Call) -> Any:
        makers = {
            "UnaryUnary": self._channel.unary_unary,
            "UnaryStream": self._channel.unary_stream,
            "StreamUnary": self._channel.stream_unary,
            "StreamStream": self._channel.stream_stream,
        }
        method = makers[call.method](f"/{call.route}/{call.method}")
        start = method.future if call.method.endswith("Unary") else method
        messages = [write(text) for text in call.messages]
        sent = messages[0] if call.method.startswith("Unary") else iter(messages)
        return start(sent, timeout=call.timeout_s, metadata=call.metadata)

    def _finish(self, running: Any, has_one_answer: bool) -> Ended:
        answers: list[bytes] = []
        try:
            for message in [running.result()] if has_one_answer else running:
                answers.append(read(message))
        except grpc.RpcError:
            pass
        initial, trailing = dict(running.initial_metadata() or ()), dict(running.trailing_metadata() or ())
        return Ended(running.code().name, running.details() or "", answers, initial, trailing)

    async def talk(self, *texts: bytes) -> list[bytes]:
        return await asyncio.to_thread(self._talk, texts)

    def _talk(self, texts: tuple[bytes, ...]) -> list[bytes]:
        waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        stream = self._channel.stream_stream(f"/{SERVICE}/StreamStream")(iter(waiting.get, None), timeout=10)
        answers = []
        for text in texts:
            waiting.put(write(text))
            answers.append(read(next(stream)))
        waiting.put(None)
        assert stream.code() is grpc.StatusCode.OK
        return answers

    async def cancel(self, call: Call, has_begun: Callable[[], bool]) -> None:
        running = self._begin(call)
        assert await settled(has_begun, 5)
        assert running.cancel()
        assert running.code() is grpc.StatusCode.CANCELLED

    async def health(self) -> str:
        return _status(await asyncio.to_thread(health_pb2_grpc.HealthStub(self._channel).Check, _CHECK))

    async def services(self) -> list[str]:
        return sorted(await asyncio.to_thread(ProtoReflectionDescriptorDatabase(self._channel).get_services))

    async def aclose(self) -> None:
        self._channel.close()


class Asynchronous:
    """grpc.aio."""

    def __init__(self, place: Place) -> None:
        self._channel = _open(place, grpc.aio.insecure_channel, grpc.aio.secure_channel)

    async def call(self, call: Call) -> Ended:
        ended = await finish(self._begin(call))
        ended.answers = [read(message) for message in ended.answers]
        return ended

    def _begin(self, call: Call) -> Any:
        messages = [write(text) for text in call.messages]
        options: dict[str, Any] = {"timeout": call.timeout_s, "metadata": call.metadata}
        return begin(self._channel, call.method, *messages, route=call.route, **options)

    async def talk(self, *texts: bytes) -> list[bytes]:
        stream = self._channel.stream_stream(f"/{SERVICE}/StreamStream")()
        answers = []
        for text in texts:
            await stream.write(write(text))
            answers.append(read(await stream.read()))
        await stream.done_writing()
        assert await stream.code() is grpc.StatusCode.OK
        return answers

    async def cancel(self, call: Call, has_begun: Callable[[], bool]) -> None:
        running = self._begin(call)
        reading = asyncio.create_task(finish(running))
        assert await settled(has_begun, 5)
        assert running.cancel()
        await asyncio.wait([reading])
        assert running.cancelled()

    async def health(self) -> str:
        return _status(await health_pb2_grpc.HealthStub(self._channel).Check(_CHECK))

    async def services(self) -> list[str]:
        stream = reflection_pb2_grpc.ServerReflectionStub(self._channel).ServerReflectionInfo()
        await stream.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        answer = await stream.read()
        await stream.done_writing()
        return sorted(service.name for service in answer.list_services_response.service)

    async def aclose(self) -> None:
        await self._channel.close()
