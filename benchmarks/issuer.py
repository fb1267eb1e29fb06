"""An issuer on disk: key, metadata and key set for the static backend, and as many tokens as wanted."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

ISSUER = "http://127.0.0.1:19900/tenant"  # where its metadata is, as OpenID Connect Discovery wants it
AUDIENCE = "api://batch"
METADATA_PATH = "tenant/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Issuer:
    """
    An RSA key and its tokens, the size of Entra's; and a key for each other algorithm that is measured.

    Attributes:
        key_id: Of the RSA key; the others have their algorithm's name.
    """

    key: rsa.RSAPrivateKey
    key_id: str = "one"
    curve_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    edwards_key: ed25519.Ed25519PrivateKey = field(default_factory=ed25519.Ed25519PrivateKey.generate)

    @classmethod
    def create(cls, key_id: str = "one") -> Issuer:
        """An issuer with a fresh key."""
        return cls(rsa.generate_private_key(65537, 2048), key_id)

    def publish(self, www: Path, origin: str) -> None:
        """Write metadata and key set below the backend's document root."""
        metadata = www / METADATA_PATH
        metadata.parent.mkdir(parents=True)
        keys_url = f"{origin}/tenant/keys"
        document = {"issuer": ISSUER, "jwks_uri": keys_url, "id_token_signing_alg_values_supported": ["RS256"]}
        metadata.write_text(json.dumps(document), encoding="utf-8")
        self.publish_keys(www)

    def publish_keys(self, www: Path) -> None:
        """Write, or change, the key set."""
        fresh = www / "tenant" / "keys.new"
        fresh.write_text(json.dumps({"keys": [self._jwk(), *self._other_jwks()]}), encoding="utf-8")
        fresh.rename(www / "tenant" / "keys")

    def write_public_key(self, path: Path) -> None:
        """The public key, PEM."""
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        path.write_bytes(self.key.public_key().public_bytes(encoding, form))

    def token(self, number: int = 0, algorithm: str = "RS256") -> str:
        """A valid token; another one for each *number*."""
        now = int(time.time())
        claims = {
            "aud": AUDIENCE,
            "iss": ISSUER,
            "iat": now,
            "nbf": now,
            "exp": now + 6 * 3600,
            "aio": "E2ZgYJhV" + "A" * 64,
            "azp": "11111111-1111-1111-1111-111111111111",
            "azpacr": "1",
            "oid": f"22222222-2222-2222-2222-{number:012d}",
            "rh": "0." + "A" * 48,
            "roles": ["Batch.Start"],
            "sub": f"22222222-2222-2222-2222-{number:012d}",
            "tid": "33333333-3333-3333-3333-333333333333",
            "uti": f"{number:022d}",
            "ver": "2.0",
        }
        keys: dict[str, Any] = {"RS256": self.key, "ES256": self.curve_key, "EdDSA": self.edwards_key}
        key_id = self.key_id if algorithm == "RS256" else algorithm
        return jwt.encode(claims, keys[algorithm], algorithm=algorithm, headers={"kid": key_id})

    def forged(self, number: int = 0) -> str:
        """A token whose signature is wrong in one character."""
        head, _, signature = self.token(number).rpartition(".")
        middle = len(signature) // 2
        other = "A" if signature[middle] != "A" else "B"
        return f"{head}.{signature[:middle]}{other}{signature[middle + 1 :]}"

    def _jwk(self) -> dict[str, str]:
        numbers = self.key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.key_id,
            "n": _base64url(numbers.n),
            "e": _base64url(numbers.e),
            "issuer": ISSUER,
        }

    def _other_jwks(self) -> list[dict[str, str]]:
        """Source: RFC 7518 §6.2, RFC 8037 §2."""
        curve = ECAlgorithm.to_jwk(self.curve_key.public_key(), as_dict=True)
        edwards = OKPAlgorithm.to_jwk(self.edwards_key.public_key(), as_dict=True)
        return [{**jwk, "kid": alg, "alg": alg, "use": "sig"} for alg, jwk in (("ES256", curve), ("EdDSA", edwards))]


def write_certificate(folder: Path) -> None:
    """A certificate for 127.0.0.1 that nobody trusts: ``tls.crt``, ``tls.key``, and both in ``tls.pem``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    unsigned = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    unsigned = unsigned.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = unsigned.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form, no_password = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, form, no_password)
    (folder / "tls.crt").write_bytes(certificate)
    (folder / "tls.key").write_bytes(secret)
    (folder / "tls.pem").write_bytes(certificate + secret)


def _base64url(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
