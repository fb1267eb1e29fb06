"""
The client behind send-request: any URL that a policy gives, through httpx2.

Not for requests to backends, which have pools of their own (``gateway.wire``).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Mapping
from typing import TypeAlias

import httpx2

from gateway.errors import UpstreamError
from gateway.outside.isolation import no_cookies
from gateway.outside.lean_imports import without
from gateway.outside.seam import Call
from gateway.telemetry.calls import calling
from gateway.telemetry.trace_context import TRACEPARENT
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response
from gateway.wire.upstream.connection_login import logs_connection_in
from gateway.wire.upstream.tls import library_context
from gateway.wire.upstream.way import HttpProxy, StoredCertificate

with without("h2"):  # 3 MiB; control traffic uses HTTP/1.1
    import httpcore2  # noqa: F401 - httpx2 would load it with the first call

MAX_CLIENTS = 32

# Fields about the encoded body, which httpx2 has decoded.
_DECODED = ("content-encoding", "content-length", "transfer-encoding")

_Key: TypeAlias = tuple[StoredCertificate | None, HttpProxy | None]


class HttpCalls:
    """
    Makes calls; one pool of connections for each client certificate and proxy.

    Args:
        max_body_bytes: Longest answer; a longer one is an error.
        verify: TLS context for tests; None: the system's certificate authorities.
    """

    def __init__(self, max_body_bytes: int, verify: ssl.SSLContext | None = None) -> None:
        self._max_body_bytes = max_body_bytes
        self._verify = verify
        self._clients: OrderedDict[_Key, httpx2.AsyncClient] = OrderedDict()

    async def send(self, call: Call) -> Response:
        """The answer, its body in memory and decoded. Raises UpstreamError."""
        try:
            async with asyncio.timeout(call.timeout_s):
                return await self._send(call)
        except (TimeoutError, httpx2.TimeoutException):
            raise UpstreamError("Timeout", f"no answer within {call.timeout_s:g} s", 504) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
            message = f"the call failed: {type(error).__name__}"
            raise UpstreamError("BackendConnectionFailure", message, 502) from error

    async def aclose(self) -> None:
        """Close every connection."""
        clients, self._clients = list(self._clients.values()), OrderedDict()
        await asyncio.gather(*(client.aclose() for client in clients))

    async def _send(self, call: Call) -> Response:
        client = await self._client((call.certificate, call.proxy))
        with calling("send-request", call.method, call.url, call.trace) as traced:
            async with client.stream(
                call.method, call.url, headers=_fields(call, traced.fields), content=call.body or None
            ) as answer:
                traced.status = answer.status_code
                content = await self._content(answer)
        headers = Headers((name, value) for name, value in answer.headers.multi_items() if name not in _DECODED)
        return Response(answer.status_code, headers, Body(content), answer.reason_phrase or None)

    async def _content(self, answer: httpx2.Response) -> bytes:
        content = bytearray()
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > self._max_body_bytes:
                message = f"the answer is longer than {self._max_body_bytes} bytes"
                raise UpstreamError("BackendConnectionFailure", message, 502)
        return bytes(content)

    async def _client(self, key: _Key) -> httpx2.AsyncClient:
        if key not in self._clients:
            client = await asyncio.to_thread(_client, self._verify, *key)  # authorities take 20 ms to read
            self._clients.setdefault(key, client)  # another call may have waited, too
        client = self._clients[key]
        self._clients.move_to_end(key)
        if len(self._clients) > MAX_CLIENTS:
            _, oldest = self._clients.popitem(last=False)
            await oldest.aclose()
        return client


def _client(
    verify: ssl.SSLContext | None, certificate: StoredCertificate | None, proxy: HttpProxy | None
) -> httpx2.AsyncClient:
    presented = None if certificate is None or certificate.private_key is None else certificate
    if verify is None or presented is not None:
        verify = library_context(certificate=presented)
    through = None if proxy is None else _through(proxy)
    return httpx2.AsyncClient(verify=verify, proxy=through, timeout=None, follow_redirects=False, cookies=no_cookies())


def _through(proxy: HttpProxy) -> httpx2.Proxy:
    return httpx2.Proxy(proxy.url, auth=(proxy.username, proxy.password or "") if proxy.username else None)


def _fields(call: Call, trace: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Header fields of *call*, and those of its *trace* unless a policy has set its own."""
    added = () if TRACEPARENT in call.headers.lines else trace.items()
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*call.headers.items(), *added)]
    if logs_connection_in(call.headers):
        fields.append((b"Connection", b"close"))
    return fields
