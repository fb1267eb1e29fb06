"""
Where the gateway's own identity gets tokens: the endpoints of Azure's hosts, a token endpoint, or the configuration.

Errors name the endpoint's status and error code only: bodies of token endpoints may hold what must not be logged.

Source: "Managed identities in App Service" (2019-08-01); "Azure Instance Metadata Service" (2018-02-01); "Workload
identity federation"; RFC 6749 §4.4; RFC 7523 §2.2.
"""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from gateway.errors import UpstreamError
from gateway.outside.identity import IdentityToken, TokenSource
from gateway.outside.isolation import no_cookies
from gateway.outside.settings import IdentitySettings
from gateway.telemetry.calls import timed_call

IMDS = "http://169.254.169.254/metadata/identity/oauth2/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSUMED_LIFE_S = 300.0
MAX_ANSWER_BYTES = 1 << 18

_ERROR_CODE = re.compile(r"[A-Za-z_]{1,64}")


def token_source(settings: IdentitySettings | None, environ: Mapping[str, str]) -> TokenSource | None:
    """
    The source that *settings* name, or without them the one that Azure's hosts announce in *environ*; None: neither.

    Raises:
        ImportError: azure-identity is named and the extra is not installed.
    """
    if settings is None:
        settings = _announced(environ)
    if settings is None:
        return None
    if settings.source == "static":
        return StaticTokens({name: token.get_secret_value() for name, token in settings.tokens.items()})
    if settings.source == "azure-identity":
        return AzureIdentity(settings.client_id)
    return TokenEndpoint(settings, environ)


def _announced(environ: Mapping[str, str]) -> IdentitySettings | None:
    """IMDS announces itself nowhere, so it has to be configured: asking it elsewhere would only time out."""
    if environ.get("IDENTITY_ENDPOINT") and environ.get("IDENTITY_HEADER"):
        return IdentitySettings(source="app-service")
    token_file, tenant = environ.get("AZURE_FEDERATED_TOKEN_FILE"), environ.get("AZURE_TENANT_ID")
    if token_file and tenant and environ.get("AZURE_CLIENT_ID"):
        host = environ.get("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com").rstrip("/")
        return IdentitySettings(
            source="workload-identity",
            token_file=Path(token_file),
            token_url=f"{host}/{tenant}/oauth2/v2.0/token",
            client_id=environ["AZURE_CLIENT_ID"],
        )
    return None


@dataclass(frozen=True, slots=True)
class StaticTokens:
    """Fixed tokens by resource; for tests and for stand-ins of Azure."""

    tokens: Mapping[str, str] = field(repr=False)

    async def fetch(self, resource: str, client_id: str) -> IdentityToken:
        """The configured token. Raises UpstreamError: none for *resource*."""
        if resource not in self.tokens:
            raise no_token(f"no token is configured for the resource {resource}")
        return IdentityToken.lasting(self.tokens[resource], time.time(), 86_400.0)

    async def aclose(self) -> None:
        """Nothing is open."""


class TokenEndpoint:
    """One of the endpoints that speak HTTP. No redirects: a token request goes where it was sent."""

    def __init__(self, settings: IdentitySettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._client: httpx2.AsyncClient | None = None

    async def fetch(self, resource: str, client_id: str) -> IdentityToken:
        """See TokenSource."""
        try:
            request = self._request(resource, client_id or self._settings.client_id)
            async with timed_call("token", request.method, str(request.url), self._settings.timeout_s) as traced:
                answer = await self._connected().send(request)
                traced.status = answer.status_code
        except (TimeoutError, httpx2.HTTPError, OSError) as error:
            raise no_token(f"the identity endpoint could not be reached: {type(error).__name__}") from None
        return read_token(answer, time.time())

    async def aclose(self) -> None:
        """Close connections."""
        if self._client is not None:
            await self._client.aclose()

    def _connected(self) -> httpx2.AsyncClient:
        if self._client is None:
            local = self._settings.source in ("app-service", "imds")  # never through a proxy
            self._client = httpx2.AsyncClient(
                timeout=None, follow_redirects=False, trust_env=not local, cookies=no_cookies()
            )
        return self._client

    def _request(self, resource: str, client_id: str) -> httpx2.Request:
        if self._settings.source == "app-service":
            return self._app_service(resource, client_id)
        if self._settings.source == "imds":
            return _imds(str(self._settings.endpoint or IMDS), resource, client_id)
        url = str(self._settings.token_url)
        return httpx2.Request("POST", url, data={**_grant(url, resource), "client_id": client_id, **self._proof()})

    def _app_service(self, resource: str, client_id: str) -> httpx2.Request:
        given = self._settings.endpoint_header
        header = given.get_secret_value() if given else self._environ.get("IDENTITY_HEADER", "")
        endpoint = self._settings.endpoint or self._environ.get("IDENTITY_ENDPOINT", "")
        query = {"api-version": "2019-08-01", "resource": resource, **({"client_id": client_id} if client_id else {})}
        return httpx2.Request("GET", str(endpoint), params=query, headers={"X-IDENTITY-HEADER": header})

    def _proof(self) -> dict[str, str]:
        """How this client proves itself to a token endpoint."""
        if self._settings.client_secret is not None:
            return {"client_secret": self._settings.client_secret.get_secret_value()}
        assertion = Path(str(self._settings.token_file)).read_text("ascii").strip()
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def _imds(endpoint: str, resource: str, client_id: str) -> httpx2.Request:
    query = {"api-version": "2018-02-01", "resource": resource, **({"client_id": client_id} if client_id else {})}
    return httpx2.Request("GET", endpoint, params=query, headers={"Metadata": "true"})


def _grant(url: str, resource: str) -> dict[str, str]:
    """Version 2 names the resource by scope. A slash too many would end up in the token's audience."""
    target = {"scope": f"{resource}/.default"} if "/v2.0/" in url else {"resource": resource}
    return {"grant_type": "client_credentials", **target}


def read_token(answer: httpx2.Response, now: float) -> IdentityToken:
    """The token in *answer*. A life that is missing or absurd counts as five minutes. Raises UpstreamError."""
    try:
        body = answer.json() if len(answer.content) <= MAX_ANSWER_BYTES else None
    except ValueError:
        body = None
    members: dict[str, Any] = body if isinstance(body, dict) else {}
    value = members.get("access_token")
    if answer.status_code != 200 or not isinstance(value, str) or not value:
        code = _ERROR_CODE.fullmatch(str(members.get("error", "")))
        raise no_token(f"the identity endpoint answered {answer.status_code}{' ' + code[0] if code else ''}")
    return IdentityToken.lasting(value, now, _life_s(members, now))


def _life_s(members: Mapping[str, Any], now: float) -> float:
    try:
        life_s = float(members["expires_in"]) if "expires_in" in members else float(members["expires_on"]) - now
    except (KeyError, TypeError, ValueError):
        return ASSUMED_LIFE_S
    return life_s if 0 < life_s < 10**7 else ASSUMED_LIFE_S


class AzureIdentity:
    """azure-identity's DefaultAzureCredential: everything that Azure's own tools accept."""

    def __init__(self, client_id: str, credential: Any = None) -> None:
        """*credential* replaces azure-identity's own, in tests. Raises ImportError without the extra ``[azure]``."""
        self._credential = credential or _default_credential(client_id)

    async def fetch(self, resource: str, client_id: str) -> IdentityToken:
        """See TokenSource; the identity is the one of the configuration."""
        try:
            token = await self._credential.get_token(f"{resource}/.default")
        except Exception as error:  # azure-core's tree is not importable without the extra
            raise no_token(f"azure-identity has no token: {type(error).__name__}") from None
        now = time.time()
        return IdentityToken.lasting(token.token, now, token.expires_on - now)

    async def aclose(self) -> None:
        """Close the credential's own session."""
        await self._credential.close()


def _default_credential(client_id: str) -> Any:
    aio = importlib.import_module("azure.identity.aio")
    return aio.DefaultAzureCredential(managed_identity_client_id=client_id or None)


def no_token(message: str) -> UpstreamError:
    """No token of the gateway's own identity could be had."""
    return UpstreamError("BackendConnectionFailure", message, 500)
