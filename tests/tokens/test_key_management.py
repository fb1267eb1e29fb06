"""Key management: which key opens which algorithm, and what is refused before any work."""

from __future__ import annotations

import os
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, x25519
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from gateway.tokens.base64url import encode
from gateway.tokens.decrypt import (
    decrypt,
    decryption_key_from_secret,
)
from gateway.tokens.key_management import DecryptionKey, DecryptionRules
from tests.tokens.decryption import NO_KEY, RSA, SECRET, WRAP, jwe, refusal, wrapped
from tests.tokens.minting import rsa_key
from tests.tokens.sealing import seal


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256"])
def test_rsa_oaep(algorithm: str) -> None:
    """Both OAEP variants open, each with its own hash."""
    digest = SHA1() if algorithm == "RSA-OAEP" else SHA256()
    key = os.urandom(32)
    sealed = rsa_key("enc").public_key().encrypt(key, padding.OAEP(padding.MGF1(digest), digest, None))
    assert decrypt(jwe(seal({"alg": algorithm, "enc": "A256GCM"}, sealed, key, b"x")), [RSA]) == b"x"


@pytest.mark.parametrize(("algorithm", "opens"), [(None, True), ("A128KW", True), ("RSA-OAEP", False), ("dir", False)])
def test_a_key_opens_only_what_its_own_algorithm_is_for(algorithm: str | None, opens: bool) -> None:
    """A decryption key that names an algorithm is not tried on tokens of another."""
    key = DecryptionKey("w", SECRET, algorithm)
    if opens:
        assert decrypt(jwe(wrapped("inside")), [key]) == b"inside"
    else:
        assert refusal(wrapped("inside"), key) == NO_KEY


@pytest.mark.parametrize("count", [0, 999, 10_001, -1, "5000", True, None], ids=repr)
def test_pbes2_iterations_are_bounded(count: Any) -> None:
    """Where PBES2 is configured, its count is checked before it is used."""
    header = {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": count, "p2s": "AAAA"}
    assert (
        refusal(seal(header, b"x" * 24, SECRET, b"x"), WRAP, rules=DecryptionRules(max_pbes2_iterations=10_000))
        == NO_KEY
    )


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "dir", "enc": "A128GCM"},
        {"alg": "A256KW", "enc": "A128GCM"},
        {"alg": "A128GCMKW", "enc": "A128GCM"},
        {"alg": "A128GCMKW", "enc": "A128GCM", "iv": "AA", "tag": "AA"},
        {"alg": "RSA-OAEP", "enc": "A128GCM"},
        {"alg": "ECDH-ES", "enc": "A128GCM"},
        {"alg": "ECDH-ES", "enc": "A128GCM", "epk": "x"},
        {"alg": "ECDH-ES", "enc": "A128GCM", "epk": {"kty": "EC", "crv": "P-256"}},
        {"alg": "ECDH-ES", "enc": "A128GCM", "epk": {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}},
        {"alg": "ECDH-ES+A128KW", "enc": "A128GCM", "epk": {"kty": "OKP", "crv": "X25519", "x": "AA"}},
    ],
    ids=str,
)
def test_malformed_key_management(header: dict[str, Any]) -> None:
    """Missing, odd or unsuited members of the header are the same failure as a wrong key."""
    keys = [WRAP, RSA, DecryptionKey(None, ec.generate_private_key(ec.SECP256R1()))]
    keys.append(DecryptionKey(None, x25519.X25519PrivateKey.generate()))
    assert refusal(seal(header, b"not empty", SECRET, b"x"), *keys) == NO_KEY


def test_invalid_curve_point() -> None:
    """An epk off the curve is refused before the private key meets it."""
    epk = {"kty": "EC", "crv": "P-256", "x": encode(b"\1" * 32), "y": encode(b"\2" * 32)}
    text = seal({"alg": "ECDH-ES", "enc": "A128GCM", "epk": epk}, b"", SECRET, b"x")
    assert refusal(text, DecryptionKey(None, ec.generate_private_key(ec.SECP256R1()))) == NO_KEY


@pytest.mark.parametrize("text", ["", "AAAA", "not base64", "é"])
def test_bad_secrets(text: str) -> None:
    """A secret that cannot be a decryption key is a mistake at load."""
    with pytest.raises(ValueError):
        decryption_key_from_secret(text)
