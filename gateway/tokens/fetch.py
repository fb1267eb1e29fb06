"""
How metadata and key sets are fetched: one GET, bounded in time and size, no redirects.

``Fetch`` is the seam: tests and the emulator give a function instead of sockets.

Source: docs/tokens.md, "Where keys come from: the contract".
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.telemetry.calls import timed_call
from gateway.tokens.issuer_error import IssuerError

if TYPE_CHECKING:
    import httpx2

MAX_DOCUMENT_BYTES = 1_048_576
FETCH_TIMEOUT_S = 5.0
INFLATE = {"gzip": 31, "deflate": 15}  # window bits of zlib for each Content-Encoding


@dataclass(frozen=True, slots=True)
class FetchResult:
    """An HTTP answer: status, whole body (decoded, limited in size) and ``Retry-After``, if it was given in seconds."""

    status: int
    body: bytes
    retry_after_s: float | None = None


Fetch = Callable[[str], Awaitable[FetchResult]]


class HttpFetch:
    """
    Fetches over HTTPS with the system's certificate authorities, or only with those in *ca_file* (PEM).

    A proxy is taken from the environment, as elsewhere. Raises IssuerError for every failure.
    """

    def __init__(
        self, ca_file: str | None = None, timeout_s: float = FETCH_TIMEOUT_S, max_bytes: int = MAX_DOCUMENT_BYTES
    ) -> None:
        self._ca_file = None if ca_file is None else Path(ca_file)
        self._tls: ssl.SSLContext | None = None  # kept, so that the next fetch shares it
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes

    async def __call__(self, url: str) -> FetchResult:
        """GET *url*."""
        import httpx2  # a document is checked without it

        try:
            async with timed_call("keys", "GET", url, self._timeout_s) as traced:
                result = await self._fetch(url)
                traced.status = result.status
                return result
        except TimeoutError:
            raise IssuerError(f"no answer within {self._timeout_s:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ssl.SSLError) as error:
            raise IssuerError(f"cannot be reached: {type(error).__name__}") from error

    async def _fetch(self, url: str) -> FetchResult:
        import httpx2

        from gateway.wire.upstream.tls import library_context

        verify = self._tls = await asyncio.to_thread(library_context, self._ca_file)  # 20 ms, where nobody has it
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        # A client per fetch: fetches are an hour apart, and this way no connection can turn out to be dead.
        async with (
            httpx2.AsyncClient(verify=verify, timeout=self._timeout_s, follow_redirects=False) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            body = await self._read(response)
            return FetchResult(response.status_code, body, _seconds(response.headers.get("Retry-After")))

    async def _read(self, response: httpx2.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._max_bytes:
                raise IssuerError(f"the answer is larger than {self._max_bytes} bytes")
        return inflate(bytes(body), response.headers.get("Content-Encoding", "identity"), self._max_bytes)


def inflate(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """*body* without its Content-Encoding; raises IssuerError rather than unpack more than *max_bytes*."""
    coding = encoding.strip().lower()
    if coding in {"", "identity"}:
        return body
    if coding not in INFLATE:
        raise IssuerError("the answer has an unknown Content-Encoding")
    unpacker = zlib.decompressobj(INFLATE[coding])
    try:
        unpacked = unpacker.decompress(body, max_bytes + 1)
    except zlib.error:
        raise IssuerError("the answer's Content-Encoding is broken") from None
    if len(unpacked) > max_bytes:
        raise IssuerError(f"the answer is larger than {max_bytes} bytes when unpacked")
    if not unpacker.eof:
        raise IssuerError("the answer's Content-Encoding is broken")
    return unpacked


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 7 else None
