"""gRPC-Web with httpx, as the libraries of browsers send it."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

import httpx2 as httpx
from grpc_health.v1 import health_pb2

from gateway.wire.grpc.status import GrpcStatus
from tests.acceptance.clients.grpc import exchange
from tests.acceptance.clients.grpc.exchange import Call, Place, unpadded
from tests.acceptance.test_grpc import Ended
from tests.acceptance.test_grpc_web import WebAnswer, decoded, framed, read
from tests.wire.rig import settled


class Web:
    """One form of gRPC-Web in one version of HTTP."""

    def __init__(self, place: Place, kind: str, version: str) -> None:
        self._origin, self._kind, self._version = f"http://{place.address}", kind, version
        second = version == "HTTP/2"
        self._client = httpx.AsyncClient(trust_env=False, timeout=20, http1=not second, http2=second)

    async def call(self, call: Call) -> Ended:
        fields = {name: _text(value) for name, value in call.metadata}
        if call.timeout_s is not None:
            fields["grpc-timeout"] = f"{round(call.timeout_s * 1000)}m"
        [text] = call.messages
        head, answer = await self._post(f"/{call.route}/{call.method}", exchange.write(text), fields)
        status, message = answer.trailers.pop("grpc-status"), answer.trailers.pop("grpc-message", "")
        texts = [exchange.read(message) for message in answer.messages]
        trailing = _metadata(answer.trailers.items())
        return Ended(GrpcStatus(int(status)).name, unquote(message), texts, _metadata(head.items()), trailing)

    async def _post(self, path: str, message: bytes, fields: dict[str, str]) -> tuple[httpx.Headers, WebAnswer]:
        is_text = self._kind.endswith("-text")
        body = b64encode(framed(message)) if is_text else framed(message)
        fields = {"content-type": f"{self._kind}+proto", "x-grpc-web": "1", **fields}
        answer = await self._client.post(self._origin + path, headers=fields, content=body)
        assert (answer.status_code, answer.http_version) == (200, self._version)
        assert answer.headers["content-type"].startswith(self._kind)
        return answer.headers, read(decoded(answer.content) if is_text else answer.content)

    async def talk(self, *texts: bytes) -> list[bytes]:
        raise NotImplementedError

    async def cancel(self, call: Call, has_begun: Callable[[], bool]) -> None:
        running = asyncio.create_task(self.call(call))
        assert await settled(has_begun, 5)
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()

    async def health(self) -> str:
        _, answer = await self._post("/grpc.health.v1.Health/Check", b"", {})
        assert answer.trailers["grpc-status"] == "0"
        [message] = answer.messages
        status = health_pb2.HealthCheckResponse.FromString(message).status
        name: str = health_pb2.HealthCheckResponse.ServingStatus.Name(status)
        return name

    async def services(self) -> list[str]:
        raise NotImplementedError

    async def aclose(self) -> None:
        await self._client.aclose()


def _text(value: str | bytes) -> str:
    return b64encode(value).decode() if isinstance(value, bytes) else value


def _metadata(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return {name: unpadded(value) if name.endswith("-bin") else value for name, value in fields}
