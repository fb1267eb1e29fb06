"""Encrypted tokens open only with the right key, and every failure looks the same."""

from __future__ import annotations

import itertools
import os
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, x25519
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import TokenError
from gateway.tokens.base64url import encode
from gateway.tokens.compact import Jwe, parse
from gateway.tokens.content_encryption import CONTENT_ALGORITHMS
from gateway.tokens.decrypt import (
    MAX_TRIED,
    decrypt,
    decrypted,
    decryption_key_from_private,
    decryption_key_from_secret,
)
from gateway.tokens.jwt import Jwt
from gateway.tokens.key_management import DecryptionKey, DecryptionRules
from gateway.tokens.keys import public_key
from gateway.tokens.rules import TokenRules
from gateway.tokens.validator import KeySources, TokenValidator
from tests.tokens.minting import NOW, part, rsa_key, token
from tests.tokens.sealing import seal, seal_content

SECRET = bytes(range(16))
WRAP = DecryptionKey("w", SECRET)
RSA = decryption_key_from_private(rsa_key("enc"), "r")
NO_KEY = "Decryption failed. No key opens the token. Access denied."


def jwe(text: str) -> Jwe:
    """Parsed."""
    parsed = parse(text)
    assert isinstance(parsed, Jwe)
    return parsed


def wrapped(plaintext: bytes | str, content: str = "A128GCM", **header: Any) -> str:
    """Encrypted to WRAP with A128KW."""
    key = os.urandom(CONTENT_ALGORITHMS[content].key_bytes)
    return seal({"alg": "A128KW", "enc": content, **header}, aes_key_wrap(SECRET, key), key, plaintext)


def refusal(text: str, *keys: DecryptionKey, rules: DecryptionRules | None = None) -> str:
    """The message of the refusal."""
    with pytest.raises(TokenError) as refused:
        decrypted(jwe(text), keys, rules or DecryptionRules())
    assert refused.value.reason == "JwtInvalid"
    return refused.value.message


@pytest.mark.parametrize("content", sorted(CONTENT_ALGORITHMS))
def test_content_algorithms(content: str) -> None:
    """Each content encryption opens."""
    assert decrypt(jwe(wrapped(b"hello", content)), [WRAP]) == b"hello"


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256"])
def test_rsa_oaep(algorithm: str) -> None:
    """Both OAEP variants open, each with its own hash."""
    digest = SHA1() if algorithm == "RSA-OAEP" else SHA256()
    key = os.urandom(32)
    sealed = rsa_key("enc").public_key().encrypt(key, padding.OAEP(padding.MGF1(digest), digest, None))
    assert decrypt(jwe(seal({"alg": algorithm, "enc": "A256GCM"}, sealed, key, b"x")), [RSA]) == b"x"


def test_nested_token_passes() -> None:
    """A signed token in an encrypted one goes through the whole validation, and its claims come out."""
    keys = KeySources(inline=(public_key(rsa_key().public_key(), "k1"),), decryption=(RSA, WRAP))
    jwt = TokenValidator(TokenRules(audiences=frozenset({"api"})), keys).verify(wrapped(token(), cty="JWT"), NOW)
    assert isinstance(jwt, Jwt)
    assert (jwt.subject, jwt.algorithm) == ("s1", "RS256")


def test_nested_token_is_checked() -> None:
    """Encryption is no substitute for a signature."""
    keys = KeySources(inline=(public_key(rsa_key("k2").public_key(), "k1"),), decryption=(WRAP,))
    with pytest.raises(TokenError, match="Signature validation failed"):
        TokenValidator(TokenRules(), keys).verify(wrapped(token()), NOW)


FIELDS = ("associated_data", "encrypted_key", "initialization_vector", "ciphertext", "tag")


def altered(good: Jwe, name: str, value: bytes) -> Jwe:
    """*good* with one field replaced."""
    change: dict[str, Any] = {name: value}
    return replace(good, **change)


def changes(content: str) -> Iterator[tuple[str, Jwe]]:
    """A good token with each of its parts altered, cut short and emptied."""
    good = jwe(wrapped(b"x" * 40, content))
    for name in FIELDS:
        value: bytes = getattr(good, name)
        yield f"{content} {name}", altered(good, name, bytes([value[0] ^ 1]) + value[1:])
        yield f"{content} {name} cut", altered(good, name, value[:-1])
        yield f"{content} {name} empty", altered(good, name, b"")


CHANGED = dict(itertools.chain(changes("A128CBC-HS256"), changes("A128GCM")))


@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED)
def test_every_change_is_noticed_alike(changed: Jwe) -> None:
    """Wrong key, vector, text, tag or associated data: one message for all."""
    with pytest.raises(TokenError) as refused:
        decrypt(changed, [WRAP])
    assert refused.value.message == NO_KEY


@pytest.mark.parametrize(("algorithm", "opens"), [(None, True), ("A128KW", True), ("RSA-OAEP", False), ("dir", False)])
def test_a_key_opens_only_what_its_own_algorithm_is_for(algorithm: str | None, opens: bool) -> None:
    """A decryption key that names an algorithm is not tried on tokens of another."""
    key = DecryptionKey("w", SECRET, algorithm)
    if opens:
        assert decrypt(jwe(wrapped("inside")), [key]) == b"inside"
    else:
        assert refusal(wrapped("inside"), key) == NO_KEY


def test_bad_padding_under_a_good_tag() -> None:
    """Even the holder of the key learns nothing from bad padding."""
    text = seal_content({"alg": "dir", "enc": "A128CBC-HS256"}, b"", bytes(32), b"y" * 16, pad=False)
    assert refusal(text, DecryptionKey(None, bytes(32))) == NO_KEY


OFF: dict[str, dict[str, Any]] = {
    "RSA1_5": {"alg": "RSA1_5", "enc": "A128GCM"},
    "PBES2": {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2_000_000_000, "p2s": "AAAA"},
    "zip": {"alg": "dir", "enc": "A128GCM", "zip": "DEF"},
    "unknown alg": {"alg": "A128XX", "enc": "A128GCM"},
    "signature alg": {"alg": "RS256", "enc": "A128GCM"},
    "none": {"alg": "none", "enc": "A128GCM"},
    "unknown enc": {"alg": "dir", "enc": "A128CBC"},
}


@pytest.mark.parametrize("header", OFF.values(), ids=OFF)
def test_off_unless_configured(header: dict[str, Any]) -> None:
    """Dangerous and unknown algorithms are refused before any work is done."""
    assert "encryption algorithm is not allowed" in refusal(seal(header, b"", SECRET, b"x"), WRAP, RSA)


@pytest.mark.parametrize("count", [0, 999, 10_001, -1, "5000", True, None], ids=repr)
def test_pbes2_iterations_are_bounded(count: Any) -> None:
    """Where PBES2 is configured, its count is checked before it is used."""
    header = {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": count, "p2s": "AAAA"}
    assert (
        refusal(seal(header, b"x" * 24, SECRET, b"x"), WRAP, rules=DecryptionRules(max_pbes2_iterations=10_000))
        == NO_KEY
    )


def test_zip_bomb() -> None:
    """Where zip is configured, no more than the limit is unpacked."""
    deflate = zlib.compressobj(wbits=-15)
    bomb = deflate.compress(b"0" * 50_000_000) + deflate.flush()
    text = seal({"alg": "dir", "enc": "A128GCM", "zip": "DEF"}, b"", SECRET, bomb)
    assert refusal(text, WRAP, rules=DecryptionRules(max_inflated_bytes=256_000)) == NO_KEY


def test_nesting_is_refused() -> None:
    """An encrypted token in an encrypted one is refused."""
    assert "nesting is refused" in refusal(wrapped(wrapped(b"x")), WRAP)


@pytest.mark.parametrize("inner", [b'{"sub":"s"}', b"\xff\xfe", b"", b"a.b"])
def test_unsigned_inside(inner: bytes) -> None:
    """Claims without a signature inside are refused."""
    assert "not well formed" in refusal(wrapped(inner), WRAP)


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


def test_rollover() -> None:
    """The key with the token's kid is tried first, then the others, up to a limit."""
    others = [DecryptionKey(str(number), os.urandom(16)) for number in range(MAX_TRIED)]
    assert decrypt(jwe(wrapped(b"x", kid="w")), [*others, WRAP]) == b"x"
    assert decrypt(jwe(wrapped(b"x")), [*others[1:], WRAP]) == b"x"
    assert refusal(wrapped(b"x"), *others, WRAP) == NO_KEY


@pytest.mark.parametrize("text", ["", "AAAA", "not base64", "é"])
def test_bad_secrets(text: str) -> None:
    """A secret that cannot be a decryption key is a mistake at load."""
    with pytest.raises(ValueError):
        decryption_key_from_secret(text)


@given(
    st.lists(st.binary(max_size=30).map(encode), min_size=4, max_size=4), st.sampled_from(["dir", "A128KW", "RSA-OAEP"])
)
def test_any_parts_fail_alike(parts: list[str], algorithm: str) -> None:
    """No made-up token opens, and none raises anything but TokenError."""
    head = part({"alg": algorithm, "enc": "A128CBC-HS256"})
    assert refusal(".".join([head, *parts]), WRAP, RSA) == NO_KEY
