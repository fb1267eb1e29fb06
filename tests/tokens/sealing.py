"""Encrypts compact tokens for these tests; the product only decrypts."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
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


def wrap_with_gcm(secret: bytes, key: bytes) -> tuple[dict[str, Any], bytes]:
    """What the header says, and the encrypted key. Source: RFC 7518 section 4.7."""
    vector = os.urandom(12)
    sealed = AESGCM(secret).encrypt(vector, key, None)
    return {"iv": encode(vector), "tag": encode(sealed[-16:])}, sealed[:-16]


def agree(
    public: EllipticCurvePublicKey | X25519PublicKey, label: str, length: int, **parties: str
) -> tuple[dict[str, Any], bytes]:
    """What the header says, and the derived key; *parties*: apu and apv. Source: RFC 7518 section 4.6."""
    if isinstance(public, X25519PublicKey):
        ephemeral = X25519PrivateKey.generate()
        shared = ephemeral.exchange(public)
        epk = {"kty": "OKP", "crv": "X25519", "x": encode(ephemeral.public_key().public_bytes_raw())}
    else:
        other = ec.generate_private_key(public.curve)
        shared = other.exchange(ec.ECDH(), public)
        numbers, size = other.public_key().public_numbers(), (public.curve.key_size + 7) // 8
        epk = {"kty": "EC", "crv": f"P-{public.curve.key_size}"}
        epk |= {"x": encode(numbers.x.to_bytes(size)), "y": encode(numbers.y.to_bytes(size))}
    texts = [label.encode(), parties.get("apu", "").encode(), parties.get("apv", "").encode()]
    info = b"".join(len(text).to_bytes(4) + text for text in texts) + (8 * length).to_bytes(4)
    rounds = [hashlib.sha256(number.to_bytes(4) + shared + info).digest() for number in (1, 2)]
    header = {"epk": epk} | {name: encode(value.encode()) for name, value in parties.items()}
    return header, b"".join(rounds)[:length]


def stretch(password: bytes, algorithm: str, count: int) -> tuple[dict[str, Any], bytes]:
    """What the header says, and the key that wraps. Source: RFC 7518 section 4.8."""
    salt, digest = os.urandom(8), "sha" + algorithm[8:11]
    derived = hashlib.pbkdf2_hmac(digest, password, algorithm.encode() + b"\0" + salt, count, int(digest[3:]) // 16)
    return {"p2c": count, "p2s": encode(salt)}, derived
