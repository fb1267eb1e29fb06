"""Keys, tokens and issuers for these tests. Real keys, made once per run; the issuer answers through the Fetch seam."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt as pyjwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from gateway.tokens.base64url import encode
from gateway.tokens.fetch import FetchResult
from gateway.tokens.issuer_error import IssuerError

NOW = 1_800_000_000
TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
OTHER_TENANT = "bbbbcccc-1111-dddd-2222-eeee3333ffff"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
V2 = f"https://login.microsoftonline.com/{TENANT}/v2.0"
V1 = f"https://sts.windows.net/{TENANT}/"
METADATA_URL = f"{V2}/.well-known/openid-configuration"
JWKS_URL = f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys"
SECRET = bytes(range(64))


def rsa_key(name: str = "k1", bits: int = 2048) -> rsa.RSAPrivateKey:
    """One RSA key per name."""
    return _rsa_key(name, bits)


@cache
def _rsa_key(name: str, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def private_key(algorithm: str) -> Any:
    """A key that signs with *algorithm*."""
    curves: dict[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
    if algorithm in curves:
        return ec.generate_private_key(curves[algorithm])
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "Ed448":
        return ed448.Ed448PrivateKey.generate()
    return SECRET if algorithm.startswith("HS") else rsa_key()


def public_part(private: Any) -> Any:
    """What verifies."""
    return private if isinstance(private, bytes) else private.public_key()


def jwk(key: Any, kid: str | None = "k1", **members: Any) -> dict[str, Any]:
    """The published form of a private key."""
    kinds: dict[type, Any] = {
        rsa.RSAPrivateKey: pyjwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: pyjwt.algorithms.ECAlgorithm,
    }
    maker = next((maker for kind, maker in kinds.items() if isinstance(key, kind)), pyjwt.algorithms.OKPAlgorithm)
    made: dict[str, Any] = maker.to_jwk(key.public_key(), as_dict=True)
    made.pop("key_ops", None)
    return made | {"use": "sig"} | ({} if kid is None else {"kid": kid}) | members


def part(value: Any) -> str:
    """One part of a compact token, from JSON, text or bytes."""
    if isinstance(value, str):
        return encode(value.encode())
    return encode(value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode())


def claims(**changes: Any) -> dict[str, Any]:
    """Claims of a good v2 token; None removes one."""
    good: dict[str, Any] = {
        "iss": V2,
        "aud": "api",
        "sub": "s1",
        "oid": "o1",
        "tid": TENANT,
        "iat": NOW - 10,
        "nbf": NOW - 10,
        "exp": NOW + 3600,
        "ver": "2.0",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def raw_token(header: Any, payload: Any, key: Any = None, algorithm: str = "RS256") -> str:
    """Sign whatever is given, however wrong."""
    signing_input = f"{part(header)}.{part(payload)}"
    signer = pyjwt.algorithms.get_default_algorithms()[algorithm]
    signature = signer.sign(signing_input.encode(), rsa_key() if key is None else key)
    return f"{signing_input}.{encode(signature)}"


def token(algorithm: str = "RS256", key: Any = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A good token, changed where asked; header members that are None are left out."""
    members = {"alg": algorithm, "typ": "JWT", "kid": "k1"} | (header or {})
    kept = {name: value for name, value in members.items() if value is not None}
    return raw_token(kept, claims(**changes), private_key(algorithm) if key is None else key, algorithm)


def metadata(issuer: str = V2, jwks_uri: str = JWKS_URL) -> dict[str, Any]:
    """A metadata document."""
    return {"issuer": issuer, "jwks_uri": jwks_uri}


@dataclass
class Site:
    """Documents by URL, served through the Fetch seam; counts every fetch. A document may be an exception to raise."""

    documents: dict[str, Any] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    status: int = 200

    async def __call__(self, url: str) -> FetchResult:
        self.fetched.append(url)
        document = self.documents.get(url, IssuerError("cannot be reached"))
        if isinstance(document, Exception):
            raise document
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return FetchResult(self.status, body)


def entra_site(*keys: dict[str, Any], issuer: str = V2) -> Site:
    """A tenant's v2 metadata and keys; without keys: k1."""
    return Site({METADATA_URL: metadata(issuer), JWKS_URL: {"keys": list(keys) or [jwk(rsa_key())]}})


@dataclass
class Clock:
    """A clock that moves when told."""

    now: float = float(NOW)

    def __call__(self) -> float:
        return self.now
