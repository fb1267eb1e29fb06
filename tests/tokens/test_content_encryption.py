"""Content encryption: each algorithm opens, and padding is looked at behind the tag only."""

from __future__ import annotations

import pytest

from gateway.tokens.content_encryption import CONTENT_ALGORITHMS
from gateway.tokens.decrypt import (
    decrypt,
)
from gateway.tokens.key_management import DecryptionKey
from tests.tokens.decryption import NO_KEY, WRAP, jwe, refusal, wrapped
from tests.tokens.sealing import seal_content


@pytest.mark.parametrize("content", sorted(CONTENT_ALGORITHMS))
def test_content_algorithms(content: str) -> None:
    """Each content encryption opens."""
    assert decrypt(jwe(wrapped(b"hello", content)), [WRAP]) == b"hello"


def test_bad_padding_under_a_good_tag() -> None:
    """Even the holder of the key learns nothing from bad padding."""
    text = seal_content({"alg": "dir", "enc": "A128CBC-HS256"}, b"", bytes(32), b"y" * 16, pad=False)
    assert refusal(text, DecryptionKey(None, bytes(32))) == NO_KEY
