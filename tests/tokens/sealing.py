"""Encrypts compact tokens for these tests; the product only decrypts."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

from gateway.tokens.base64url import encode
from tests.tokens.minting import part


def seal(header: dict[str, Any], encrypted_key: bytes, key: bytes, plaintext: bytes | str) -> str:
    """A compact JWE under the content key *key*; an unknown enc is sealed as GCM."""
    content = plaintext.encode() if isinstance(plaintext, str) else plaintext
    if "CBC-HS" in header["enc"]:
        return seal_content(header, encrypted_key, key, content)
    head, vector = part(header), os.urandom(12)
    sealed = AESGCM(key).encrypt(vector, content, head.encode())
    return ".".join([head, *map(encode, (encrypted_key, vector, sealed[:-16], sealed[-16:]))])


def seal_content(header: dict[str, Any], encrypted_key: bytes, key: bytes, content: bytes, pad: bool = True) -> str:
    """AES-CBC with HMAC; *pad* False leaves the padding out, under a good tag."""
    head, vector, half = part(header), os.urandom(16), len(key) // 2
    padder = PKCS7(128).padder()
    padded = padder.update(content) + padder.finalize() if pad else content
    encryptor = Cipher(algorithms.AES(key[half:]), modes.CBC(vector)).encryptor()
    text = encryptor.update(padded) + encryptor.finalize()
    covered = head.encode() + vector + text + (len(head) * 8).to_bytes(8, "big")
    digest = getattr(hashlib, "sha" + header["enc"].rpartition("HS")[2])
    tag = hmac.new(key[:half], covered, digest).digest()[:half]
    return ".".join([head, *map(encode, (encrypted_key, vector, text, tag))])
