"""
Fetching lists and asking responders: bounded in time and size, only to addresses that may be called.

The URLs stand in certificates: an authority is trusted to name callers, not to make the gateway call something inside.

Source: RFC 5280 §4.2.1.13; RFC 6960 §A.1; OWASP "Server-Side Request Forgery Prevention".
"""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx2

from gateway.outside.isolation import no_cookies
from gateway.revocation.evidence import Undecided
from gateway.telemetry.calls import timed_call
from gateway.wire.addresses import AddressRefused, PinnedTransport, Resolve, allowed_address, resolve

MAX_BYTES = 16 * 1024 * 1024
MAX_URL = 2_048
MAX_CONNECTIONS = 16


class Fetcher:
    """
    An HTTP client for URLs out of certificates.

    Args:
        timeout_s: Seconds for one fetch as a whole.
        allow_private: Whether private networks and this machine may be called: authorities of a closed network.
    """

    def __init__(self, timeout_s: float, allow_private: bool = False, resolver: Resolve = resolve) -> None:
        self.timeout_s = timeout_s
        self._allow_private = allow_private
        self._resolve = resolver
        # Keep-alive would let two names on one address share a connection, and its certificate check.
        limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=0)
        transport = PinnedTransport(limits=limits, trust_env=False)
        self._client = httpx2.AsyncClient(
            transport=transport, timeout=None, trust_env=False, follow_redirects=False, cookies=no_cookies()
        )

    async def get(self, url: str) -> bytes:
        """What is at *url*. Raises Undecided."""
        return await self._fetch("GET", url, b"", {})

    async def post(self, url: str, question: bytes) -> bytes:
        """A responder's answer. Raises Undecided."""
        return await self._fetch("POST", url, question, {"Content-Type": "application/ocsp-request"})

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _fetch(self, method: str, url: str, content: bytes, headers: dict[str, str]) -> bytes:
        try:
            async with timed_call("revocation", method, url, self.timeout_s):
                address = await self._address(url)
                return await self._exchange(method, url, address, content, headers)
        except TimeoutError:
            raise Undecided(f"no answer within {self.timeout_s:g} s") from None
        except AddressRefused as error:
            raise Undecided(f"its host {error}") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise Undecided(f"cannot be fetched: {type(error).__name__}") from None

    async def _address(self, url: str) -> str:
        """The address to connect to. Raises AddressRefused, OSError; Undecided: no URL that is called."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or len(url) > MAX_URL:
            raise Undecided("not a plain http or https URL")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return allowed_address(await self._resolve(parts.hostname, port), self._allow_private)

    async def _exchange(self, method: str, url: str, address: str, content: bytes, headers: dict[str, str]) -> bytes:
        extensions = {"address": address}
        fields = {"User-Agent": "apim-policy-gateway", "Accept-Encoding": "identity", **headers}
        async with self._client.stream(
            method, url, content=content or None, headers=fields, extensions=extensions
        ) as answer:
            if answer.status_code != 200:
                raise Undecided(f"the answer is {answer.status_code}")
            return await _content(answer)


async def _content(answer: httpx2.Response) -> bytes:
    content = bytearray()
    async for chunk in answer.aiter_raw():
        content += chunk
        if len(content) > MAX_BYTES:
            raise Undecided(f"the answer is longer than {MAX_BYTES} bytes")
    return bytes(content)
