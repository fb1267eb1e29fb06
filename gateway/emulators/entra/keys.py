"""
Signing keys: created once per process, published as JWK Sets, kept in a file that another process can sign with.

Source: https://login.microsoftonline.com/common/discovery/v2.0/keys: RSA, ``kid`` equal to ``x5t``, one certificate in
``x5c``, no ``alg``, always several keys; Microsoft Learn, "Signing key rollover in the Microsoft identity platform".
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from gateway.emulators.certificates import write_private
from gateway.emulators.entra.authority import Authority

KEY_BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """
    One RSA key with its certificate.

    Attributes:
        kid: Key id: the base64url SHA-1 thumbprint of the certificate.
        private: The private key, which signs.
        certificate: DER, for ``x5c``.
        tenant: The only tenant for which this key signs (personal accounts have such a key); None for all tenants.
    """

    kid: str
    private: rsa.RSAPrivateKey
    certificate: bytes
    tenant: str | None = None

    @classmethod
    def generate(cls, tenant: str | None = None) -> Self:
        """Make a key; this takes about a tenth of a second."""
        private = rsa.generate_private_key(65537, KEY_BITS)
        return cls.of(private, _certificate(private), tenant)

    @classmethod
    def of(cls, private: rsa.RSAPrivateKey, certificate: bytes, tenant: str | None = None) -> Self:
        """A key whose id comes from its certificate (DER)."""
        thumbprint = hashlib.sha1(certificate, usedforsecurity=False).digest()
        return cls(base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode(), private, certificate, tenant)

    def public_jwk(self) -> dict[str, Any]:
        """The public JWK as the service writes it, without ``issuer``."""
        numbers: dict[str, Any] = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        x5c = [base64.b64encode(self.certificate).decode()]
        named = {"kty": "RSA", "use": "sig", "kid": self.kid, "x5t": self.kid}
        return {**named, "n": numbers["n"], "e": numbers["e"], "x5c": x5c}

    def private_jwk(self) -> dict[str, Any]:
        """The whole key as a JWK, for the key file."""
        numbers: dict[str, Any] = RSAAlgorithm.to_jwk(self.private, as_dict=True)
        secret = {name: numbers[name] for name in ("d", "p", "q", "dp", "dq", "qi")}
        return {**self.public_jwk(), **secret, "tenant": self.tenant}

    @classmethod
    def from_private_jwk(cls, jwk: dict[str, Any]) -> Self:
        """Read what ``private_jwk`` wrote."""
        private = RSAAlgorithm.from_jwk({name: value for name, value in jwk.items() if name != "use"})
        if not isinstance(private, rsa.RSAPrivateKey):
            raise ValueError(f"key {jwk.get('kid')} has no private part")
        return cls.of(private, base64.b64decode(jwk["x5c"][0]), jwk.get("tenant"))


class KeyRing:
    """
    The keys of one issuer: all published ones, and the one that signs.

    Attributes:
        published: Keys in the JWK Sets, oldest first.
        odd: Further JWKs, published unchanged, to see how a reader copes with them.
        active: The key that signs.
    """

    def __init__(self, keys: list[SigningKey] | None = None, path: Path | None = None) -> None:
        self.published = [shared_key(0), shared_key(1)] if keys is None else keys
        self.odd: list[dict[str, Any]] = []
        self.active = self.published[-1]
        self._path = path
        self._next_shared = 2

    @classmethod
    def at(cls, path: Path) -> Self:
        """
        The key ring in a file; if it is missing, it is written with new keys, readable by its owner only.

        Raises:
            ValueError: The file is not a key file.
        """
        if not path.exists():
            fresh = cls([SigningKey.generate(), SigningKey.generate()], path)
            fresh.save()
            return fresh
        try:
            document = json.loads(path.read_bytes())
            ring = cls([SigningKey.from_private_jwk(jwk) for jwk in document["keys"]], path)
            ring.active = ring.key(document["active"])
        except (ValueError, KeyError, TypeError, IndexError, InvalidKeyError) as error:
            raise ValueError(f"{path} is not a key file; delete it to get a new one") from error
        return ring

    def key(self, kid: str) -> SigningKey:
        """The published key with that id; ``KeyError`` if there is none."""
        for key in self.published:
            if key.kid == kid:
                return key
        raise KeyError(f"no published key {kid}")

    def rotate(self) -> SigningKey:
        """Publish a new key and sign with it from now on; older keys stay published until they are withdrawn."""
        self.active = SigningKey.generate() if self._path else shared_key(self._next_shared)
        self._next_shared += 1
        self.published.append(self.active)
        self.save()
        return self.active

    def withdraw(self, kid: str) -> None:
        """
        Remove a key from the JWK Sets; if it was the signing key, the newest remaining one signs instead.

        Raises:
            KeyError: It is not published.
            ValueError: It is the last one.
        """
        leaving = self.key(kid)
        if len(self.published) == 1:
            raise ValueError("the last key cannot be withdrawn")
        self.published.remove(leaving)
        if leaving is self.active:
            self.active = self.published[-1]
        self.save()

    def jwks(self, authority: Authority, version: int, tenant: str) -> dict[str, Any]:
        """
        The JWK Set of *tenant* (a GUID, ``common`` or ``organizations``); version 2 names an issuer per key.
        """
        visible = [key for key in self.published if _visible(key, tenant)]
        if version == 1:
            return {"keys": [key.public_jwk() for key in visible] + self.odd}
        signed = [key.public_jwk() | {"issuer": authority.issuer(2, key.tenant or tenant)} for key in visible]
        return {"keys": signed + self.odd}

    def save(self) -> None:
        """Write the key file, if there is one."""
        if self._path:
            document = {"active": self.active.kid, "keys": [key.private_jwk() for key in self.published]}
            write_private(self._path, json.dumps(document, indent=1).encode())


_shared: dict[int, SigningKey] = {}
_sharing = threading.Lock()
FOREIGN = -1


def shared_key(index: int) -> SigningKey:
    """
    Key number *index* of this process, created on first use.

    Emulators in one process sign with the same keys unless they are given their own: a test suite creates hundreds of
    emulators, and a tenth of a second for each would be most of its running time.
    ``shared_key(FOREIGN)`` belongs to no emulator.
    """
    with _sharing:
        if index not in _shared:
            _shared[index] = SigningKey.generate()
        return _shared[index]


def _visible(key: SigningKey, tenant: str) -> bool:
    return key.tenant is None or tenant in (key.tenant, "common", "consumers")


def _certificate(private: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Emulated token signing")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=5 * 365))
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
