"""Encrypted tokens open only with the right key, and every failure looks the same."""

from __future__ import annotations

import itertools
import os
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import TokenError
from gateway.tokens.base64url import encode
from gateway.tokens.compact import Jwe
from gateway.tokens.decrypt import (
    MAX_TRIED,
    decrypt,
    decryption_key_from_private,
)
from gateway.tokens.jwt import Jwt
from gateway.tokens.key_management import DecryptionKey, DecryptionRules
from gateway.tokens.keys import public_key
from gateway.tokens.rules import TokenRules
from gateway.tokens.validator import KeySources, TokenValidator
from tests.tokens.decryption import NO_KEY, RSA, SECRET, WRAP, jwe, refusal, wrapped
from tests.tokens.minting import NOW, part, rsa_key, token
from tests.tokens.sealing import seal


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


def test_a_private_key_and_its_id() -> None:
    """The key of a certificate opens what is encrypted to it, under the id that it was given."""
    key = decryption_key_from_private(rsa_key("enc"), "r")
    assert (key.kid, key.material, key.algorithm) == ("r", rsa_key("enc"), None)
    assert decryption_key_from_private(rsa_key("enc")).kid is None


def test_rollover() -> None:
    """The key with the token's kid is tried first, then the others, up to a limit."""
    others = [DecryptionKey(str(number), os.urandom(16)) for number in range(MAX_TRIED)]
    assert decrypt(jwe(wrapped(b"x", kid="w")), [*others, WRAP]) == b"x"
    assert decrypt(jwe(wrapped(b"x")), [*others[1:], WRAP]) == b"x"
    assert refusal(wrapped(b"x"), *others, WRAP) == NO_KEY


@given(
    st.lists(st.binary(max_size=30).map(encode), min_size=4, max_size=4), st.sampled_from(["dir", "A128KW", "RSA-OAEP"])
)
def test_any_parts_fail_alike(parts: list[str], algorithm: str) -> None:
    """No made-up token opens, and none raises anything but TokenError."""
    head = part({"alg": algorithm, "enc": "A128CBC-HS256"})
    assert refusal(".".join([head, *parts]), WRAP, RSA) == NO_KEY
