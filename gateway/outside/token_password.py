"""
A token of the gateway's own identity as a password, for clients whose connections are opened in threads.

Source: "Microsoft Entra authentication with Azure Database for PostgreSQL": the token is the password, and counts when
a connection begins, not while it lasts (https://learn.microsoft.com/azure/postgresql/security/security-entra-concepts).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from gateway.errors import UpstreamError
from gateway.outside.identity import IdentityToken, TokenSource


class TokenPassword:
    """Gives a valid token, and fetches one only when it has to; may be called from any thread, and blocks."""

    def __init__(
        self,
        source: Callable[[], TokenSource | None],
        resource: str,
        client_id: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        A token for *resource*.

        Args:
            source: Makes the identity's source, for one fetch: it belongs to the event loop that it is used in.
            clock: Seconds since the epoch.
        """
        self._source = source
        self._resource = resource
        self._client_id = client_id
        self._clock = clock
        self._token: IdentityToken | None = None
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """The token. Raises UpstreamError: there is none."""
        with self._lock:
            now = self._clock()
            if self._token is None or now >= self._token.refresh_at:
                self._token = self._renewed(now)
            return self._token.value

    def _renewed(self, now: float) -> IdentityToken:
        """Another token, or the present one for as long as it is valid."""
        try:
            with ThreadPoolExecutor(1) as thread:  # this one may have an event loop that runs
                return thread.submit(lambda: asyncio.run(self._fetch())).result()
        except UpstreamError:
            if self._token is None or now >= self._token.expires_at:
                raise
            return self._token

    async def _fetch(self) -> IdentityToken:
        source = self._source()
        if source is None:
            raise UpstreamError("BackendConnectionFailure", "the gateway has no identity: add managed-identity", 500)
        try:
            return await source.fetch(self._resource, self._client_id)
        finally:
            await source.aclose()
