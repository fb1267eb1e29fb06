"""The issuer as a Python object, for tests that script it and for the demo."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gateway.emulators.entra import claims as claim_shapes
from gateway.emulators.entra.authority import Authority
from gateway.emulators.entra.directory import TENANT, Directory, documentation_directory
from gateway.emulators.entra.errors import SHAPES, EntraError
from gateway.emulators.entra.keys import FOREIGN, KeyRing, SigningKey, shared_key
from gateway.emulators.entra.tokens import Key, sign
from gateway.emulators.faults import Fault, FaultPlan


class TokenIssuer:
    """
    A token issuer that looks like Entra ID.

    Args:
        base_url: Where it will be reached; ``serving.serve(emulator)`` sets it.
        tenants: GUIDs served besides ``common`` and ``organizations``; minted tokens are for the first by default.
        keys: The signing keys, or the path of a key file; by default the keys of this process.
        clock: Seconds since the epoch.
        directory: Applications and resources; by default one of each with documentation GUIDs.

    Attributes:
        real_issuers: Name Microsoft's issuers in metadata and tokens instead of the emulator's own.
        token_lifetime_s: Lifetime of tokens from the token endpoint.
        faults: Scripted failures, and the request counters ``faults.requests``.
    """

    def __init__(
        self,
        base_url: str = "https://login.microsoftonline.com",
        *,
        tenants: tuple[str, ...] = (TENANT,),
        keys: KeyRing | Path | None = None,
        clock: Callable[[], float] = time.time,
        directory: Directory | None = None,
    ) -> None:
        self.base_url = base_url
        self.tenants = tuple(tenant.lower() for tenant in tenants)
        self.keys = KeyRing.at(keys) if isinstance(keys, Path) else keys or KeyRing()
        self.clock = clock
        self.directory = directory or documentation_directory()
        self.real_issuers = False
        self.token_lifetime_s = 3600.0
        self.faults = FaultPlan()
        self.scripted_errors: list[EntraError] = []

    @property
    def authority(self) -> Authority:
        """The current URLs and issuers."""
        return Authority(self.base_url.rstrip("/"), self.real_issuers)

    @property
    def requests(self) -> Mapping[str, int]:
        """
        Requests so far by endpoint: ``metadata-v1``, ``metadata-v2``, ``keys-v1``, ``keys-v2``, ``token-v1``,
        ``token-v2``, ``instance-discovery``, ``managed-identity``.
        """
        return self.faults.requests

    @property
    def foreign_key(self) -> SigningKey:
        """A key that is never published, for tests with an unknown key or, with a known ``kid``, a bad signature."""
        return shared_key(FOREIGN)

    def metadata_url(self, version: int = 2, tenant: str | None = None) -> str:
        """URL of the OpenID configuration, for ``openid-config``."""
        middle = "v2.0/" if version == 2 else ""
        return f"{self.authority.base_url}/{tenant or self.tenants[0]}/{middle}.well-known/openid-configuration"

    def issuer(self, version: int = 2, tenant: str | None = None) -> str:
        """The ``iss`` of tokens that are minted now."""
        return self.authority.issuer(version, tenant or self.tenants[0])

    def mint(
        self,
        *,
        version: int = 2,
        app_only: bool = True,
        lifetime_s: float = 3600.0,
        key: Key | None = None,
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """
        Mint an access token, valid or not.

        Args:
            version: 1 or 2; it determines claim names, issuer and header.
            app_only: True for an application's token, False for a user's.
            lifetime_s: From now; below zero for a token that expired that long ago.
            key: Signs in place of the active key: ``foreign_key`` for an unknown key, bytes for an HMAC, or an EC
                private key.
            header: Members to replace or, with None, to remove: ``{"alg": "PS256"}``, ``{"kid":
                emulator.keys.active.kid}``.
            claims: Claims to replace or, with None, to remove: ``aud="…"``, ``iss="…"``, ``roles=("Batch.Start",)``.
        """
        validity = claim_shapes.Validity(self.clock(), lifetime_s)
        kind = claim_shapes.TokenKind(version, app_only)
        given = {"tid": self.tenants[0], **claims}
        payload = claim_shapes.access_token_claims(kind, self.authority, validity, given)
        signing = self.keys.active if key is None else key
        members = {**_header(version, signing), **(header or {})}
        return sign({name: value for name, value in members.items() if value is not None}, payload, signing)

    def mint_with(self, alg: str, key: Key | None = None, **options: Any) -> str:
        """``mint`` with another algorithm: ``mint_with("HS256", b"secret")``, ``mint_with("none")``."""
        return self.mint(key=key, header={**options.pop("header", {}), "alg": alg}, **options)

    def rotate_keys(self) -> SigningKey:
        """Publish a new key and sign with it; the older ones stay published."""
        return self.keys.rotate()

    def withdraw(self, kid: str) -> None:
        """Remove a key from the key sets."""
        self.keys.withdraw(kid)

    def fail(self, next_n: int | None = 1, status: int = 503, endpoint: str | None = None) -> None:
        """Answer the *next_n* requests (None: all) to *endpoint* (None: every one) with *status* and no useful body."""
        self.faults.add(Fault(endpoint, next_n, status, body="the emulator fails on request"))

    def delay(self, delay_s: float, next_n: int | None = 1, endpoint: str | None = None) -> None:
        """Answer the *next_n* requests to *endpoint* properly, but late."""
        self.faults.add(Fault(endpoint, next_n, delay_s=delay_s))

    def refuse(self, number: int, next_n: int = 1) -> None:
        """
        Answer the *next_n* token requests with an AADSTS error: ``refuse(7000222)`` for an expired secret.

        Raises:
            KeyError: The emulator does not know the number.
        """
        if number not in SHAPES:
            raise KeyError(f"unknown AADSTS number {number}; known are {sorted(SHAPES)}")
        self.scripted_errors += [EntraError(number)] * next_n


def _header(version: int, key: Key) -> dict[str, str]:
    kid = {"kid": key.kid} if isinstance(key, SigningKey) else {}
    x5t = {"x5t": key.kid} if isinstance(key, SigningKey) and version == 1 else {}
    return {"typ": "JWT", "alg": "RS256", **x5t, **kid}
