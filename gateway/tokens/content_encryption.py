"""
Content encryption of a JWE: from content key, vector, ciphertext and tag to plaintext.

Source: RFC 7518 section 5; the tag is checked before anything is decrypted, so padding is never an oracle.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

from gateway.tokens.compact import Jwe


@dataclass(frozen=True, slots=True)
class ContentAlgorithm:
    """An ``enc`` value: bytes of its content key, and its decryption (ValueError or InvalidTag on failure)."""

    key_bytes: int
    decrypt: Callable[[bytes, Jwe], bytes]


def _gcm(key: bytes, jwe: Jwe) -> bytes:
    if len(jwe.initialization_vector) != 12 or len(jwe.tag) != 16:
        raise ValueError("wrong length")
    return AESGCM(key).decrypt(jwe.initialization_vector, jwe.ciphertext + jwe.tag, jwe.associated_data)


def _cbc_hmac(hash_name: str) -> Callable[[bytes, Jwe], bytes]:
    def decrypt(key: bytes, jwe: Jwe) -> bytes:
        half = len(key) // 2
        bits = (len(jwe.associated_data) * 8).to_bytes(8, "big")
        covered = jwe.associated_data + jwe.initialization_vector + jwe.ciphertext + bits
        tag = hmac.new(key[:half], covered, getattr(hashlib, hash_name)).digest()[:half]
        if not hmac.compare_digest(tag, jwe.tag):
            raise ValueError("wrong tag")
        decryptor = Cipher(algorithms.AES(key[half:]), modes.CBC(jwe.initialization_vector)).decryptor()
        unpadder = PKCS7(128).unpadder()
        return unpadder.update(decryptor.update(jwe.ciphertext) + decryptor.finalize()) + unpadder.finalize()

    return decrypt


CONTENT_ALGORITHMS: Mapping[str, ContentAlgorithm] = {
    "A128GCM": ContentAlgorithm(16, _gcm),
    "A192GCM": ContentAlgorithm(24, _gcm),
    "A256GCM": ContentAlgorithm(32, _gcm),
    "A128CBC-HS256": ContentAlgorithm(32, _cbc_hmac("sha256")),
    "A192CBC-HS384": ContentAlgorithm(48, _cbc_hmac("sha384")),
    "A256CBC-HS512": ContentAlgorithm(64, _cbc_hmac("sha512")),
}
