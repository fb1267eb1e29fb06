"""
Which bearer tokens F&O accepts.

Entra issues tokens for applications that F&O does not know: it checks the audience, the tenant, an ``oid``, and its
own list of applications. The answer to a wrong token is a bare 401.

Source: Microsoft Learn, Finance & Operations "Troubleshoot service authentication".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jwt

from gateway.emulators.entra.directory import TENANT
from gateway.emulators.entra.keys import KeyRing


@dataclass(frozen=True, slots=True)
class Access:
    """
    The rules of one environment.

    Attributes:
        tenant: The environment's own.
        applications: Client ids in F&O's list of applications; None accepts every client.
        forbidden: Client ids whose mapped user lacks the privilege: 403.
        keys: The issuer's keys, to check signatures; None accepts tokens without checking them.
        instance_url: The audience; None means the URL at which the emulator is reached.
    """

    tenant: str = TENANT
    applications: frozenset[str] | None = None
    forbidden: frozenset[str] = frozenset()
    keys: KeyRing | None = None
    instance_url: str | None = None

    def client(self, authorization: str, base_url: str, now: float) -> str | None:
        """The client id of an acceptable ``Authorization`` field; None is a 401."""
        scheme, _, token = authorization.partition(" ")
        claims = self._claims(token) if scheme.lower() == "bearer" else None
        if claims is None or not self._acceptable(claims, base_url, now):
            return None
        client_id = str(claims.get("appid") or claims.get("azp"))
        known = self.applications is None or client_id in self.applications
        return client_id if known else None

    def _acceptable(self, claims: dict[str, Any], base_url: str, now: float) -> bool:
        audience = (self.instance_url or base_url).lower().rstrip("/")
        right = claims.get("aud") == audience and claims.get("tid") == self.tenant
        return right and bool(claims.get("oid")) and float(claims.get("exp") or 0) > now

    def _claims(self, token: str) -> dict[str, Any] | None:
        # The emulator has its own clock and audience rule, so the library checks only the signature.
        options: Any = dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud"), False)
        try:
            if self.keys is None:
                return jwt.decode(token, options={"verify_signature": False})
            key = self.keys.key(jwt.get_unverified_header(token).get("kid", ""))
            return jwt.decode(token, key.private.public_key(), ["RS256"], options)
        except (jwt.InvalidTokenError, KeyError):
            return None
