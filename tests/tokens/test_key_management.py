"""Key management: which key opens which algorithm, and what is refused before any work."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from gateway.tokens.base64url import decode_text, encode
from gateway.tokens.decrypt import (
    decrypt,
    decryption_key_from_secret,
)
from gateway.tokens.key_management import DecryptionKey, DecryptionRules
from tests.tokens.decryption import NO_KEY, RSA, SECRET, WRAP, jwe, refusal, wrapped
from tests.tokens.minting import rsa_key
from tests.tokens.sealing import agree, seal, stretch, wrap_with_gcm


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256"])
def test_rsa_oaep(algorithm: str) -> None:
    """Both OAEP variants open, each with its own hash."""
    digest = SHA1() if algorithm == "RSA-OAEP" else SHA256()
    key = os.urandom(32)
    sealed = rsa_key("enc").public_key().encrypt(key, padding.OAEP(padding.MGF1(digest), digest, None))
    assert decrypt(jwe(seal({"alg": algorithm, "enc": "A256GCM"}, sealed, key, b"x")), [RSA]) == b"x"


@pytest.mark.parametrize("size", [16, 24, 32])
@pytest.mark.parametrize("suffix", ["KW", "GCMKW"])
def test_wrapped_keys(suffix: str, size: int) -> None:
    """AES key wrap, plain and GCM, opens with a secret of its own length only, and notices any change."""
    algorithm, secret, key = f"A{size * 8}{suffix}", os.urandom(size), os.urandom(16)
    header, encrypted = ({}, aes_key_wrap(secret, key)) if suffix == "KW" else wrap_with_gcm(secret, key)
    header |= {"alg": algorithm, "enc": "A128GCM"}
    assert decrypt(jwe(seal(header, encrypted, key, b"x")), [DecryptionKey(None, secret)]) == b"x"
    changed = bytes([encrypted[0] ^ 1]) + encrypted[1:]
    assert refusal(seal(header, changed, key, b"x"), DecryptionKey(None, secret)) == NO_KEY
    longer = os.urandom(32 if size < 32 else 16)
    header, encrypted = ({}, aes_key_wrap(longer, key)) if suffix == "KW" else wrap_with_gcm(longer, key)
    header |= {"alg": algorithm, "enc": "A128GCM"}
    assert refusal(seal(header, encrypted, key, b"x"), DecryptionKey(None, longer)) == NO_KEY


@pytest.mark.parametrize(("vector", "tag"), [(12, 15), (12, 17), (11, 16), (13, 16)])
def test_lengths_of_a_gcm_wrap(vector: int, tag: int) -> None:
    """Vector and tag have their one length each, also where together with the encrypted key they would open."""
    key, nonce = os.urandom(16), os.urandom(vector)
    sealed = AESGCM(SECRET).encrypt(nonce, key, None)
    header = {"alg": "A128GCMKW", "enc": "A128GCM", "iv": encode(nonce), "tag": encode(sealed[-tag:])}
    assert refusal(seal(header, sealed[:-tag], key, b"x"), WRAP) == NO_KEY


PRIVATE: dict[str, ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey] = {
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "X25519": x25519.X25519PrivateKey.generate(),
}


@pytest.mark.parametrize("curve", PRIVATE)
@pytest.mark.parametrize("parties", [{}, {"apu": "Alice", "apv": "Bob"}], ids=["no names", "names"])
@pytest.mark.parametrize(
    ("content", "size"), [("A128GCM", 16), ("A256GCM", 32), ("A256CBC-HS512", 64)], ids=["16", "32", "64"]
)
def test_agreed_content_keys(content: str, size: int, parties: dict[str, str], curve: str) -> None:
    """ECDH-ES gives the content key itself, of any length, on each curve, and then nothing is wrapped beside it."""
    header, key = agree(PRIVATE[curve].public_key(), content, size, **parties)
    header |= {"alg": "ECDH-ES", "enc": content}
    recipient = DecryptionKey(None, PRIVATE[curve])
    assert decrypt(jwe(seal(header, b"", key, b"x")), [recipient]) == b"x"
    assert refusal(seal(header, b"x", key, b"x"), recipient) == NO_KEY
    others = [DecryptionKey(None, private) for name, private in PRIVATE.items() if name != curve]
    assert refusal(seal(header, b"", key, b"x"), *others) == NO_KEY


@pytest.mark.parametrize("curve", PRIVATE)
@pytest.mark.parametrize(("wrap", "size"), [("A128KW", 16), ("A192KW", 24), ("A256KW", 32)])
def test_agreed_wrapping_keys(wrap: str, size: int, curve: str) -> None:
    """With a key wrap behind it, ECDH-ES gives the key that wraps."""
    header, wrapping = agree(PRIVATE[curve].public_key(), f"ECDH-ES+{wrap}", size)
    header |= {"alg": f"ECDH-ES+{wrap}", "enc": "A256GCM"}
    key = os.urandom(32)
    text = seal(header, aes_key_wrap(wrapping, key), key, b"x")
    assert decrypt(jwe(text), [DecryptionKey(None, PRIVATE[curve])]) == b"x"


def test_published_agreement() -> None:
    """The example of RFC 7518, appendix C, gives the key that is printed there."""
    bob = ec.derive_private_key(
        int.from_bytes(decode_text("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw")), ec.SECP256R1()
    )
    epk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
        "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
    }
    header = {"alg": "ECDH-ES", "enc": "A128GCM", "apu": "QWxpY2U", "apv": "Qm9i", "epk": epk}
    text = seal(header, b"", decode_text("VqqN6vgjbSBcIijNcacQGg"), b"x")
    assert decrypt(jwe(text), [DecryptionKey(None, bob)]) == b"x"


@pytest.mark.parametrize("algorithm", ["PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW"])
@pytest.mark.parametrize(("count", "opens"), [(999, False), (1_000, True), (5_000, True), (5_001, False)])
def test_pbes2(algorithm: str, count: int, opens: bool) -> None:
    """Where PBES2 is configured it opens from 1,000 iterations to the configured number, both included."""
    key, recipient, rules = os.urandom(16), DecryptionKey(None, SECRET), DecryptionRules(max_pbes2_iterations=5_000)
    header, wrapping = stretch(SECRET, algorithm, count)
    text = seal(header | {"alg": algorithm, "enc": "A128GCM"}, aes_key_wrap(wrapping, key), key, b"x")
    if opens:
        assert decrypt(jwe(text), [recipient], rules) == b"x"
    else:
        assert refusal(text, recipient, rules=rules) == NO_KEY


def test_rsa1_5() -> None:
    """Where RSA1_5 is configured it opens, with a key that does not name another algorithm."""
    key, rules = os.urandom(16), DecryptionRules(rsa1_5=True)
    sealed = rsa_key("enc").public_key().encrypt(key, padding.PKCS1v15())
    text = seal({"alg": "RSA1_5", "enc": "A128GCM"}, sealed, key, b"x")
    assert decrypt(jwe(text), [RSA], rules) == b"x"
    assert refusal(text, replace(RSA, algorithm="RSA-OAEP"), rules=rules) == NO_KEY


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
