"""Compact tokens: what is signed here verifies elsewhere, and wrong ones can be made."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.emulators.entra.keys import shared_key
from gateway.emulators.entra.tokens import Key, segment, sign

EC = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    ("alg", "signing", "verifying"),
    [
        ("RS256", shared_key(0), shared_key(0).private.public_key()),
        ("PS384", shared_key(0), shared_key(0).private.public_key()),
        ("ES256", EC, EC.public_key()),
        ("HS256", b"k" * 32, b"k" * 32),
    ],
)
def test_verifies(alg: str, signing: Key, verifying: Any) -> None:
    """An independent library accepts the signature."""
    token = sign({"alg": alg}, {"sub": "a"}, signing)
    assert jwt.decode(token, verifying, [alg]) == {"sub": "a"}


def test_none() -> None:
    """An unsigned token has an empty third part."""
    assert sign({"alg": "none"}, {"sub": "a"}, b"") == f"{segment({'alg': 'none'})}.{segment({'sub': 'a'})}."


def test_confusion() -> None:
    """The public key can be abused as an HMAC secret, which libraries refuse to do."""
    token = sign({"alg": "HS256"}, {}, b"-----BEGIN PUBLIC KEY-----")
    assert token.count(".") == 2


def test_unknown_algorithm() -> None:
    """An unknown algorithm is refused by name."""
    with pytest.raises(ValueError, match="unknown algorithm XS1"):
        sign({"alg": "XS1"}, {}, b"")
