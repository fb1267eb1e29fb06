"""
Access tokens for F&O: one request at a time, one token shared by all callers, refreshed before it expires.

Source: RFC 6749 §4.4; Microsoft identity platform "OAuth 2.0 client credentials flow".
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol

import httpx2 as httpx
import structlog

from gateway.notifications.callbacks.classification import parse_retry_after
from gateway.notifications.d365.errors import D365Error, FailureKind, entra_hint
from gateway.notifications.settings import D365Settings
from gateway.reading.values import revealed
from gateway.telemetry.calls import calling

log = structlog.get_logger("gateway.notifications")

_ASSUMED_LIFE_S = 300.0
_TRANSIENT = frozenset({408, 429})


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token; *refresh_at* and *expires_at* by the monotonic clock."""

    value: str = field(repr=False)
    refresh_at: float
    expires_at: float

    def outlives(self, rejected: str | None) -> bool:
        """Whether it is still valid, and not the token that F&O has just rejected."""
        return self.value != rejected and time.monotonic() < self.expires_at


class TokenProvider(Protocol):
    """Where the client gets tokens."""

    async def token(self, rejected: str | None = None) -> str:
        """
        A token, new if the cached one is near its end or is the *rejected* one.

        Comparing with *rejected* makes many simultaneous 401s cause one refresh.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class ClientCredentials:
    """The client-secret flow against a v1 or v2 endpoint."""

    def __init__(self, settings: D365Settings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client
        self._lock = asyncio.Lock()
        self._token: AccessToken | None = None

    async def token(self, rejected: str | None = None) -> str:
        """See TokenProvider. While the endpoint is down, the old token is served until it expires."""
        if (cached := self._usable(rejected)) is not None:
            return cached
        async with self._lock:
            if (cached := self._usable(rejected)) is not None:
                return cached
            return await self._refresh(rejected)

    async def close(self) -> None:
        """Nothing: the HTTP client is closed where it was made."""

    def _usable(self, rejected: str | None) -> str | None:
        token = self._token
        if token is None or token.value == rejected or time.monotonic() >= token.refresh_at:
            return None
        return token.value

    async def _refresh(self, rejected: str | None) -> str:
        try:
            self._token = await self._request()
        except D365Error as error:
            old = self._token
            if (
                error.kind is FailureKind.TRANSIENT
                and old
                and old.value != rejected
                and time.monotonic() < old.expires_at
            ):
                log.warning("token_refresh_failed", hint=error.hint)
                return old.value
            raise
        return self._token.value

    async def _request(self) -> AccessToken:
        try:
            with calling("token", "POST", self._settings.token_url) as traced:
                response = await self._client.post(self._settings.token_url, data=self._form())
                traced.status = response.status_code
        except httpx.HTTPError as error:
            raise D365Error(FailureKind.TRANSIENT, "The token endpoint could not be reached.") from error
        if response.status_code != 200:
            raise refusal(response)
        return parse_token(response)

    def _form(self) -> dict[str, str]:
        settings = self._settings
        # v2 names the resource by scope; v1 by resource. A slash too many would end up in the token's audience.
        v2 = "/v2.0/" in settings.token_url
        target = {"scope": f"{settings.instance_url}/.default"} if v2 else {"resource": settings.instance_url}
        return {
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": revealed(settings.client_secret) or "",
            **target,
        }


def parse_token(response: httpx.Response) -> AccessToken:
    """The token in a 200 answer. A life-time that is missing or not positive counts as 5 min, so that nothing loops."""
    try:
        body = response.json()
        value = body["access_token"]
        life_s = float(body.get("expires_in") or 0)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise D365Error(FailureKind.TRANSIENT, "The token endpoint answered 200 without a token.") from error
    life_s = life_s if 0 < life_s < 10**7 else _ASSUMED_LIFE_S
    now = time.monotonic()
    return AccessToken(str(value), now + life_s - min(300.0, life_s / 5), now + life_s)


def refusal(response: httpx.Response) -> D365Error:
    """The error in any other answer."""
    status = response.status_code
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = {}
    body = body if isinstance(body, dict) else {}
    if status in _TRANSIENT or status >= 500 or body.get("error") == "temporarily_unavailable":
        wait = parse_retry_after(response.headers.get("retry-after"), time.time())
        return D365Error(FailureKind.TRANSIENT, f"The token endpoint answered {status}.", wait)
    return D365Error(FailureKind.AUTH, entra_hint(body))
