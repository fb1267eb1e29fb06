"""
Sending one callback: to the very address that was checked, no redirects, no proxies, bounded in time and size.

Every way that httpx2 can fail is translated here, and only here, into an ``CallbackAnswer``.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

import httpx2 as httpx

from gateway.notifications.callbacks.circuits import CallbackLine, Circuits
from gateway.notifications.callbacks.classification import CERTIFICATE, CallbackAnswer, Doubt
from gateway.notifications.callbacks.ssrf import UrlRefused, parse_target, require_addresses, require_host
from gateway.notifications.callbacks.turns import CallbackTurns
from gateway.notifications.settings import CallbackSettings
from gateway.outside.isolation import no_cookies
from gateway.telemetry.calls import calling
from gateway.wire.addresses import PinnedTransport, Resolve, resolve
from gateway.wire.upstream.tls import library_context

# Raised before a byte of the request left us, so the receiver cannot have acted on it.
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_EXCERPT_S = 2.0
_HEADERS = {
    "user-agent": "gateway-notifications",
    "accept": "*/*",
    "accept-encoding": "identity",
    "connection": "close",
}


class CallbackSender:
    """Sends callbacks; one per process, used from one event loop."""

    def __init__(
        self, settings: CallbackSettings, resolver: Resolve = resolve, tls: ssl.SSLContext | None = None
    ) -> None:
        self.settings = settings
        self._resolve = resolver
        # Keep-alive would let two names on one address share a connection, and its certificate check.
        limits = httpx.Limits(max_connections=settings.concurrency, max_keepalive_connections=0)
        transport = PinnedTransport(verify=tls or library_context(), limits=limits, trust_env=False)
        timeout = httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s, pool=None)
        self._client = httpx.AsyncClient(
            transport=transport, timeout=timeout, trust_env=False, follow_redirects=False, cookies=no_cookies()
        )
        self.circuits = Circuits()
        self._turns = CallbackTurns(settings.concurrency, self.circuits)

    async def check(self, url: str) -> str:
        """
        The address that *url* may be sent to, resolved and checked now.

        Raises:
            UrlRefused: By name, form or address.
            OSError: The name cannot be resolved at the moment.
        """
        target = parse_target(url, self.settings)
        require_host(target.host, self.settings.hosts)
        return require_addresses(await self._resolve(target.host, target.port), self.settings)

    def turn(self, line: CallbackLine) -> AbstractAsyncContextManager[None]:
        """Wait for a place among the simultaneous callbacks, which callers and hosts share fairly."""
        return self._turns.turn(line)

    async def ask(self, url: str, headers: Mapping[str, str]) -> CallbackAnswer:
        """An OPTIONS request, bounded and guarded like an attempt."""
        return await self._request("OPTIONS", url, headers, b"")

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> CallbackAnswer:
        """One attempt, within a turn; never raises for anything the receiver or the network does."""
        return await self._request("POST", url, headers, body)

    async def _request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> CallbackAnswer:
        try:
            # Not wait_for: before Python 3.12 it drops a cancellation that comes with the result.
            async with asyncio.timeout(self.settings.connect_timeout_s):
                address = await self.check(url)
        except UrlRefused as error:
            return CallbackAnswer(error="url-refused", excerpt=str(error))
        except (OSError, TimeoutError):
            return CallbackAnswer(error="dns-failure")
        with calling("callback", method, url) as traced:
            fields = {**_HEADERS, **headers, **traced.fields}
            answer = await self._reach(
                self._client.build_request(method, url, headers=fields, content=body, extensions={"address": address})
            )
            traced.status = answer.status
            if answer.error:
                traced.fail(answer.error)
            return answer

    async def close(self) -> None:
        """Drop all connections."""
        await self._client.aclose()

    async def _reach(self, request: httpx.Request) -> CallbackAnswer:
        try:
            async with asyncio.timeout(self.settings.total_timeout_s):
                return await self._exchange(request)
        except _UNSENT as error:
            return CallbackAnswer(error=CERTIFICATE if "CERTIFICATE_VERIFY_FAILED" in str(error) else _name(error))
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            return CallbackAnswer(error=_name(error), doubt=Doubt.POSSIBLE)

    async def _exchange(self, request: httpx.Request) -> CallbackAnswer:
        response = await self._client.send(request, stream=True)
        try:
            excerpt = await self._excerpt(response) if response.status_code >= 300 else ""
        finally:
            await response.aclose()
        return CallbackAnswer(
            status=response.status_code,
            retry_after=response.headers.get("retry-after"),
            excerpt=excerpt,
            allowed_origin=response.headers.get("webhook-allowed-origin"),
        )

    async def _excerpt(self, response: httpx.Response) -> str:
        """The start of an answer. The status has come, so a body that stalls or breaks off changes nothing."""
        kept = bytearray()
        with contextlib.suppress(httpx.HTTPError, TimeoutError):
            async with asyncio.timeout(_EXCERPT_S):
                await _fill(kept, response, self.settings.max_answer_bytes)
        return kept[:1024].decode("utf-8", "replace")


async def _fill(kept: bytearray, response: httpx.Response, limit: int) -> None:
    """Append the body to *kept* until it has *limit* bytes: what arrived before an interruption stays."""
    async for chunk in response.aiter_raw():
        kept += chunk
        if len(kept) >= limit:
            return


def _name(error: Exception) -> str:
    """A short, stable class name for the attempt log: ``read-timeout``, ``connect-error``."""
    text = type(error).__name__.removesuffix("Error")
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in text).strip("-")
    return words or "timeout"
