"""
Tokens of authorizations: what APIM's credential manager keeps, by client credentials at each provider's token endpoint.

Source: RFC 6749 §2.3.1 and §4.4; APIM, "Credential manager" (grant type client credentials).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import httpx2

from gateway.outside.identity import IdentityToken, TokenSource
from gateway.outside.isolation import no_cookies
from gateway.outside.settings import KeptAuthorization
from gateway.outside.token_endpoints import no_token, read_token
from gateway.telemetry.calls import timed_call


class AuthorizationTokens:
    """Authorizations by ``provider/authorization``; every other resource is the gateway's own identity's."""

    def __init__(self, authorizations: Mapping[str, KeptAuthorization], identity: TokenSource | None) -> None:
        """*identity*: None: the gateway has none."""
        self._authorizations = authorizations
        self._identity = identity
        self._client: httpx2.AsyncClient | None = None

    async def fetch(self, resource: str, client_id: str) -> IdentityToken:
        """See TokenSource."""
        settings = self._authorizations.get(resource)
        if settings is not None:
            return await self._fetch(settings)
        if self._identity is None:
            raise no_token(f"there is no authorization {resource}, and the gateway has no identity")
        return await self._identity.fetch(resource, client_id)

    async def aclose(self) -> None:
        """Close connections."""
        if self._client is not None:
            await self._client.aclose()
        if self._identity is not None:
            await self._identity.aclose()

    async def _fetch(self, settings: KeptAuthorization) -> IdentityToken:
        """Errors name status and error code alone: what an endpoint answers may hold what must not be logged."""
        url = str(settings.token_url)
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=None, follow_redirects=False, cookies=no_cookies())
        try:
            async with timed_call("token", "POST", url, settings.timeout_s) as traced:
                answer = await self._client.post(url, **_request(settings))
                traced.status = answer.status_code
        except (TimeoutError, httpx2.HTTPError, OSError) as error:
            raise no_token(f"the token endpoint could not be reached: {type(error).__name__}") from None
        return read_token(answer, time.time())


def _request(settings: KeptAuthorization) -> dict[str, Any]:
    """Form and, where the endpoint wants the secret there, the Authorization header."""
    form = {"grant_type": "client_credentials", **settings.parameters}
    form |= {"scope": " ".join(settings.scopes)} if settings.scopes else {}
    secret = settings.client_secret.get_secret_value()
    if settings.authentication == "header":
        return {"data": form, "auth": (settings.client_id, secret)}
    return {"data": {**form, "client_id": settings.client_id, "client_secret": secret}}
