"""Encrypted tokens for the tests, the keys that open them, and their refusals."""

from __future__ import annotations

import os
from typing import Any

import pytest
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from gateway.errors import TokenError
from gateway.tokens.compact import Jwe, parse
from gateway.tokens.content_encryption import CONTENT_ALGORITHMS
from gateway.tokens.decrypt import (
    decrypted,
    decryption_key_from_private,
)
from gateway.tokens.key_management import DecryptionKey, DecryptionRules
from tests.tokens.minting import rsa_key
from tests.tokens.sealing import seal

SECRET = bytes(range(16))


WRAP = DecryptionKey("w", SECRET)


RSA = decryption_key_from_private(rsa_key("enc"), "r")


NO_KEY = "Decryption failed. No key decrypts the token. Access denied."


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
