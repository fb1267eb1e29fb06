"""
The claims of access tokens: two versions, app-only and delegated.

Source: Microsoft Learn, "Access token claims reference" (Microsoft identity platform).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.emulators.entra.authority import Authority
from gateway.emulators.entra.directory import API, CLIENT, SERVICE_PRINCIPAL, TENANT, USER

BACKDATED_S = 300  # iat and nbf are five minutes in the past, so exp - iat is 3,900 when expires_in is 3,599


@dataclass(frozen=True, slots=True)
class Validity:
    """
    When a token is valid, in seconds since the epoch. A lifetime below zero gives a token that expired that long ago.
    """

    now: float
    lifetime_s: float

    def claims(self) -> dict[str, int]:
        """``iat``, ``nbf`` and ``exp``."""
        expires = int(self.now + self.lifetime_s)
        begins = min(int(self.now), expires) - BACKDATED_S
        return {"iat": begins, "nbf": begins, "exp": expires}


@dataclass(frozen=True, slots=True)
class TokenKind:
    """Which of the four shapes: *version* 1 or 2, app-only or delegated."""

    version: int
    app_only: bool


def access_token_claims(
    kind: TokenKind, authority: Authority, validity: Validity, given: Mapping[str, Any]
) -> dict[str, Any]:
    """
    A complete set of claims; *given* claims replace the defaults, and the value None removes one.

    Claims that depend on others follow them: ``iss`` and ``idp`` follow ``tid``, an app-only ``sub`` follows ``oid``,
    ``azp`` and ``appid`` are the same.
    """
    wanted = _renamed(kind, given)
    tenant = str(wanted.get("tid") or TENANT)
    object_id = str(wanted.get("oid") or (SERVICE_PRINCIPAL if kind.app_only else USER))
    issuer = authority.issuer(kind.version, tenant)
    claims: dict[str, Any] = {"aud": API if kind.version == 2 else f"api://{API}", "iss": issuer, **validity.claims()}
    claims |= {"aio": _random(39), **_client(kind.version), "oid": object_id, "rh": f"0.{_random(38)}.", "tid": tenant}
    if kind.app_only:
        claims |= {"sub": object_id, **_app_only(kind.version, issuer)}
    else:
        claims |= _delegated(kind.version, object_id, str(wanted.get("aud", "")))
    claims |= {"uti": _random(16), "ver": f"{kind.version}.0", **wanted}
    return {name: value for name, value in sorted(claims.items()) if value is not None}


def _renamed(kind: TokenKind, given: Mapping[str, Any]) -> dict[str, Any]:
    """Accept ``azp`` or ``appid`` for either version; tuples and sets become JSON arrays."""
    names = {"azp": "appid", "azpacr": "appidacr"} if kind.version == 1 else {"appid": "azp", "appidacr": "azpacr"}
    return {names.get(name, name): _plain(value) for name, value in given.items()}


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else list(value) if isinstance(value, tuple) else value


def _client(version: int) -> dict[str, str]:
    return {"azp": CLIENT, "azpacr": "1"} if version == 2 else {"appid": CLIENT, "appidacr": "1"}


def _app_only(version: int, issuer: str) -> dict[str, str]:
    return {"idp": issuer} if version == 1 else {}


def _delegated(version: int, object_id: str, audience: str) -> dict[str, Any]:
    claims: dict[str, Any] = {"name": "Jo Doe", "scp": "user_impersonation", "sub": pairwise(object_id, audience)}
    if version == 2:
        return claims | {"preferred_username": "jo@contoso.example", "sid": "005cf400-0000-0000-0000-000000dd802b"}
    names = {"family_name": "Doe", "given_name": "Jo", "unique_name": "jo@contoso.example", "upn": "jo@contoso.example"}
    return claims | names | {"acr": "1", "amr": ["pwd", "mfa"], "ipaddr": "192.0.2.10"}


def pairwise(object_id: str, audience: str) -> str:
    """A user's ``sub``: stable for one user and one API, different for every API, and never the object id."""
    digest = hashlib.sha256(f"{object_id}\n{audience}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _random(size: int) -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
