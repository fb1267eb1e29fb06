"""
Key management of a JWE: from the recipient's key and the encrypted key to the content key.

Source: RFC 7518 section 4; RFC 8037 section 3.2; RFC 7516 section 11.5 (a failure here must look like a wrong tag).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    EllipticCurvePrivateKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

from gateway.tokens.base64url import decode_text
from gateway.tokens.compact import Jwe
from gateway.tokens.jwk import CURVES

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | X25519PrivateKey
KEY_WRAP_BYTES = {"A128KW": 16, "A192KW": 24, "A256KW": 32}
GCM_KEY_WRAP_BYTES = {"A128GCMKW": 16, "A192GCMKW": 24, "A256GCMKW": 32}
PBES2_HASHES = {"PBES2-HS256+A128KW": "sha256", "PBES2-HS384+A192KW": "sha384", "PBES2-HS512+A256KW": "sha512"}


@dataclass(frozen=True, slots=True, eq=False)
class DecryptionKey:
    """
    A key that opens encrypted tokens.

    Attributes:
        kid: Key id, or None.
        material: Private key, or the bytes of a shared secret; never in a repr.
        algorithm: The only ``alg`` with which it may be used (RFC 7517 section 4.4); None: any that suits its type.
    """

    kid: str | None
    material: PrivateKey | bytes = field(repr=False)
    algorithm: str | None = None


@dataclass(frozen=True, slots=True)
class DecryptionRules:
    """
    Options that are off unless configured.

    Attributes:
        rsa1_5: Accept RSA1_5, whose other implementations are open to padding oracles.
        max_pbes2_iterations: Accept PBES2 up to this many iterations; 0: not at all.
        max_inflated_bytes: Accept ``zip`` up to this size of plaintext; 0: not at all.
    """

    rsa1_5: bool = False
    max_pbes2_iterations: int = 0
    max_inflated_bytes: int = 0

    def allows(self, algorithm: str) -> bool:
        """Whether this ``alg`` may be used."""
        if algorithm == "RSA1_5":
            return self.rsa1_5
        return algorithm in ALGORITHMS and (algorithm not in PBES2_HASHES or self.max_pbes2_iterations > 0)


@dataclass(frozen=True, slots=True)
class Recipient:
    """One attempt to decrypt *jwe*: the key, the algorithm and the length of the content key in bytes."""

    key: DecryptionKey
    jwe: Jwe
    algorithm: str
    key_bytes: int
    rules: DecryptionRules


def content_key(recipient: Recipient) -> bytes:
    """The content key; any exception means that this recipient cannot decrypt the token."""
    return ALGORITHMS[recipient.algorithm](recipient)


def _direct(recipient: Recipient) -> bytes:
    _require(not recipient.jwe.encrypted_key)
    return _secret(recipient)


def _key_wrap(recipient: Recipient) -> bytes:
    secret = _secret(recipient)
    _require(len(secret) == KEY_WRAP_BYTES[recipient.algorithm])
    return aes_key_unwrap(secret, recipient.jwe.encrypted_key)


def _gcm_key_wrap(recipient: Recipient) -> bytes:
    header, secret = recipient.jwe.header, _secret(recipient)
    vector, tag = decode_text(str(header["iv"])), decode_text(str(header["tag"]))
    _require(len(secret) == GCM_KEY_WRAP_BYTES[recipient.algorithm] and len(vector) == 12 and len(tag) == 16)
    return AESGCM(secret).decrypt(vector, recipient.jwe.encrypted_key + tag, None)


def _rsa_oaep(recipient: Recipient) -> bytes:
    digest = hashes.SHA256() if recipient.algorithm == "RSA-OAEP-256" else hashes.SHA1()  # noqa: S303 - RFC 7518 4.3
    return _rsa(recipient, padding.OAEP(padding.MGF1(digest), digest, None))


def _rsa1_5(recipient: Recipient) -> bytes:
    return _rsa(recipient, padding.PKCS1v15())


def _rsa(recipient: Recipient, scheme: padding.AsymmetricPadding) -> bytes:
    private = recipient.key.material
    if not isinstance(private, RSAPrivateKey):
        raise TypeError("not an RSA key")
    return private.decrypt(recipient.jwe.encrypted_key, scheme)


def _ecdh(recipient: Recipient) -> bytes:
    wrap = recipient.algorithm.removeprefix("ECDH-ES").removeprefix("+")
    length = KEY_WRAP_BYTES[wrap] if wrap else recipient.key_bytes
    label = recipient.algorithm if wrap else str(recipient.jwe.header["enc"])
    derived = _derive(_agree(recipient), label, length, recipient.jwe.header)
    if wrap:
        return aes_key_unwrap(derived, recipient.jwe.encrypted_key)
    _require(not recipient.jwe.encrypted_key)
    return derived


def _agree(recipient: Recipient) -> bytes:
    private, epk = recipient.key.material, recipient.jwe.header["epk"]
    if not isinstance(epk, dict):
        raise TypeError("epk is not an object")
    if isinstance(private, X25519PrivateKey) and (epk["kty"], epk["crv"]) == ("OKP", "X25519"):
        return private.exchange(X25519PublicKey.from_public_bytes(decode_text(epk["x"])))
    curve = CURVES[epk["crv"]]
    if not isinstance(private, EllipticCurvePrivateKey) or private.curve.name != curve.name:
        raise TypeError("epk is of another curve")
    x, y = int.from_bytes(decode_text(epk["x"])), int.from_bytes(decode_text(epk["y"]))
    # public_key() refuses a point that is not on the curve (invalid-curve attack).
    return private.exchange(ECDH(), EllipticCurvePublicNumbers(x, y, curve).public_key())


def _derive(shared: bytes, label: str, length: int, header: Mapping[str, object]) -> bytes:
    """Concat KDF. Source: RFC 7518 section 4.6.2."""
    parties = [decode_text(str(header.get(name, ""))) for name in ("apu", "apv")]
    fields = [label.encode(), *parties]
    info = b"".join(len(part).to_bytes(4, "big") + part for part in fields) + (length * 8).to_bytes(4, "big")
    return ConcatKDFHash(hashes.SHA256(), length, info).derive(shared)


def _pbes2(recipient: Recipient) -> bytes:
    header, wrap = recipient.jwe.header, recipient.algorithm.partition("+")[2]
    count = header["p2c"]
    if not isinstance(count, int) or not 1_000 <= count <= recipient.rules.max_pbes2_iterations:
        raise ValueError("iteration count out of range")
    salt = recipient.algorithm.encode() + b"\0" + decode_text(str(header["p2s"]))
    hash_name, length = PBES2_HASHES[recipient.algorithm], KEY_WRAP_BYTES[wrap]
    derived = hashlib.pbkdf2_hmac(hash_name, _secret(recipient), salt, count, length)
    return aes_key_unwrap(derived, recipient.jwe.encrypted_key)


def _secret(recipient: Recipient) -> bytes:
    secret = recipient.key.material
    if not isinstance(secret, bytes):
        raise TypeError("not a shared secret")
    return secret


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError("malformed")


ALGORITHMS: Mapping[str, Callable[[Recipient], bytes]] = {
    "dir": _direct,
    "RSA-OAEP": _rsa_oaep,
    "RSA-OAEP-256": _rsa_oaep,
    "RSA1_5": _rsa1_5,
    **dict.fromkeys(KEY_WRAP_BYTES, _key_wrap),
    **dict.fromkeys(GCM_KEY_WRAP_BYTES, _gcm_key_wrap),
    **dict.fromkeys(["ECDH-ES", *(f"ECDH-ES+{wrap}" for wrap in KEY_WRAP_BYTES)], _ecdh),
    **dict.fromkeys(PBES2_HASHES, _pbes2),
}
