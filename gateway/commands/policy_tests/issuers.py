"""
Token issuers of a test: Entra ID for its own hosts, a plain OpenID issuer for every other; no sockets.

Whatever metadata URL a policy names is answered, so a document under test needs no change.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2

from gateway.commands.policy_tests.model import Token
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.authority import MULTI_TENANT
from gateway.emulators.entra.keys import FOREIGN, KeyRing, SigningKey, shared_key
from gateway.emulators.entra.tokens import Key, sign
from gateway.tokens.entra import cloud_of
from gateway.tokens.fetch import FetchResult

SUFFIX = "/.well-known/openid-configuration"
KEYS = "/test-keys"
BACKDATED_S = 300


@dataclass(slots=True)
class Issuers:
    """
    Every issuer of one test.

    Attributes:
        clock: Seconds since the epoch, as the test sees them.
        known: Metadata URLs that the policies name, in order.
    """

    clock: Callable[[], float]
    known: Callable[[], Sequence[str]]
    keys: KeyRing = field(default_factory=KeyRing)
    _entra: dict[str, EntraEmulator] = field(default_factory=dict)

    async def fetch(self, url: str) -> FetchResult:
        """Metadata or keys. A ``Fetch`` for the registry."""
        entra = self._entra_of(url)
        if entra is None:
            return FetchResult(200, json.dumps(self._plain(url)).encode())
        transport = httpx2.ASGITransport(app=entra.app)
        async with httpx2.AsyncClient(transport=transport) as client:
            answer = await client.get(url)
        return FetchResult(answer.status_code, answer.content)

    def mint(self, token: Token) -> str:
        """The compact form of *token*."""
        url = token.issuer or next(iter(self.known()), "")
        entra = self._entra_of(url)
        claims = {name: value for name, value in _claims(token).items() if name not in token.claims} | token.claims
        key, header = self._signing(token)
        if entra is None:
            return self._plain_token(url, token, header, claims, key)
        version = token.version or (2 if "/v2.0/" in url else 1)
        tenant = urlsplit(url).path.split("/")[1].lower()
        if tenant not in MULTI_TENANT:
            claims = {"tid": tenant, **claims}
        given = {"version": version, "app_only": token.app_only, "lifetime_s": token.lifetime_s}
        return entra.mint(key=key, header=header, **given, **claims)  # type: ignore[arg-type]

    def _entra_of(self, url: str) -> EntraEmulator | None:
        """The emulator behind *url*, which then has its tenant; None for other issuers."""
        parts = urlsplit(url)
        if cloud_of(parts.hostname or "") is None:
            return None
        base = f"{parts.scheme}://{parts.netloc}"
        if base not in self._entra:
            self._entra[base] = EntraEmulator(base, keys=self.keys, clock=self.clock)
            self._entra[base].real_issuers = True
        entra = self._entra[base]
        tenant = parts.path.split("/")[1].lower()
        if tenant and tenant not in MULTI_TENANT and tenant not in entra.tenants:
            entra.tenants = (*entra.tenants, tenant)
        return entra

    def _plain(self, url: str) -> Mapping[str, object]:
        if url.endswith(KEYS):
            return {"keys": [key.public_jwk() for key in self.keys.published]}
        issuer = url.removesuffix(SUFFIX)
        return {"issuer": issuer, "jwks_uri": f"{issuer}{KEYS}"}

    def _plain_token(self, url: str, token: Token, header: dict[str, Any], claims: dict[str, Any], key: Key) -> str:
        """A token with the registered claims, and none of Entra's."""
        begins = int(self.clock() + min(0.0, token.lifetime_s)) - BACKDATED_S
        times = {"iat": begins, "nbf": begins, "exp": int(self.clock() + token.lifetime_s)}
        issuer = {"iss": url.removesuffix(SUFFIX)} if url else {}
        payload = {**issuer, "sub": "test-subject", **times, **claims}
        kid = {"kid": key.kid} if isinstance(key, SigningKey) else {}
        members = {"typ": "JWT", "alg": "RS256", **kid, **header}
        return sign(_without_null(members), _without_null(payload), key)

    def _signing(self, token: Token) -> tuple[Key, dict[str, Any]]:
        """Who signs, and the header members that follow from it."""
        header = dict(token.header)
        if not isinstance(token.key, str):
            return base64.b64decode(token.key.secret), {"alg": token.algorithm or "HS256", **header}
        if token.algorithm is not None:
            header = {"alg": token.algorithm, **header}
        if token.key == "published":
            return self.keys.active, header
        return shared_key(FOREIGN), header if token.key == "unknown" else {"kid": self.keys.active.kid, **header}


def _claims(token: Token) -> dict[str, Any]:
    """The claims that have keys of their own."""
    given = {
        "aud": token.audience,
        "roles": token.roles,
        "scp": None if token.scopes is None else " ".join(token.scopes),
    }
    return _without_null(given)


def _without_null(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
