"""Signatures verify with the right key and algorithm, and nothing ever raises."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.tokens.base64url import decode_text
from gateway.tokens.keys import HMAC_ALGORITHMS, Key, public_key, secret_key
from gateway.tokens.signature import ALGORITHMS, CHECKS, is_signed_by
from tests.tokens.minting import private_key, public_part, rsa_key, token


def verifying(algorithm: str) -> Key:
    """The key that verifies what private_key(algorithm) signs."""
    material = public_part(private_key(algorithm))
    return secret_key(material) if isinstance(material, bytes) else public_key(material)


def split(text: str) -> tuple[bytes, bytes]:
    """(signing input, signature)."""
    signing_input, _, signature = text.rpartition(".")
    return signing_input.encode(), decode_text(signature)


def test_allow_list() -> None:
    """RS, PS and ES with 256, 384 and 512 bits, HS likewise, EdDSA; each has PyJWT's check behind it."""
    families = {f"{family}{bits}" for family in ("RS", "PS", "ES", "HS") for bits in (256, 384, 512)}
    assert families | {"EdDSA"} == ALGORITHMS == set(CHECKS)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_each_algorithm(algorithm: str) -> None:
    """A good signature verifies; with one bit changed, over other text or cut short it does not."""
    key = verifying(algorithm)
    message, signature = split(token(algorithm))
    assert is_signed_by(key, algorithm, message, signature)
    assert not is_signed_by(key, algorithm, message, bytes([signature[0] ^ 1]) + signature[1:])
    assert not is_signed_by(key, algorithm, message + b"x", signature)
    assert not is_signed_by(key, algorithm, message, signature[:-1])
    assert not is_signed_by(key, algorithm, message, b"")


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
@pytest.mark.parametrize("other", ["RS256", "ES256", "ES384", "EdDSA", "HS256"])
def test_pairing(algorithm: str, other: str) -> None:
    """A key of another type or curve never verifies."""
    key = verifying(other)
    expected = algorithm in key.algorithms and algorithm[:2] == other[:2]
    assert is_signed_by(key, algorithm, *split(token(algorithm))) in {expected, algorithm in key.algorithms}
    if algorithm not in key.algorithms:
        assert not is_signed_by(key, algorithm, *split(token(algorithm)))


@pytest.mark.parametrize("form", ["PEM", "DER", "PKCS1"])
@pytest.mark.parametrize("algorithm", sorted(HMAC_ALGORITHMS))
def test_public_key_is_never_a_secret(form: str, algorithm: str) -> None:
    """HMAC made with a public key's bytes, in any encoding, is refused under that key."""
    public = rsa_key().public_key()
    encodings = {
        "PEM": (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "PKCS1": (Encoding.PEM, PublicFormat.PKCS1),
    }
    signature = hmac.new(
        public.public_bytes(*encodings[form]), b"a.b", getattr(hashlib, f"sha{algorithm[2:]}")
    ).digest()
    assert not is_signed_by(public_key(public), algorithm, b"a.b", signature)


N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # order of P-256


@pytest.mark.parametrize(
    ("r", "s"), [(0, 0), (0, 1), (1, 0), (N, N), (N, 1), (N + 1, 1), (2**256 - 1, 2**256 - 1)], ids=str
)
def test_ecdsa_out_of_range(r: int, s: int) -> None:
    """r and s outside 1..n-1 never verify (CVE-2022-21449)."""
    assert not is_signed_by(verifying("ES256"), "ES256", b"a.b", r.to_bytes(32, "big") + s.to_bytes(32, "big"))


@pytest.mark.parametrize("length", [0, 1, 63, 65, 70, 96, 100_000])
def test_ecdsa_wrong_length(length: int) -> None:
    """A signature of another length, a DER one or a huge one never verifies."""
    assert not is_signed_by(verifying("ES256"), "ES256", b"a.b", b"\1" * length)


def test_key_with_its_own_algorithm() -> None:
    """A key that names one algorithm verifies no other of its type."""
    key = replace(verifying("RS256"), algorithms=frozenset({"PS256"}))
    assert not is_signed_by(key, "RS256", *split(token("RS256")))


def test_objections_of_the_library() -> None:
    """Whatever the library raises is a signature that does not verify."""
    nonsense = Key(None, frozenset({"RS256"}), b"no RSA key", b"")
    assert not is_signed_by(nonsense, "RS256", b"a.b", b"x")


@given(
    st.sampled_from(sorted(ALGORITHMS)), st.sampled_from(["RS256", "ES512", "EdDSA", "HS256"]), st.binary(max_size=300)
)
def test_any_bytes_as_signature(algorithm: str, kind: str, signature: bytes) -> None:
    """No signature raises, and no made-up one verifies."""
    assert is_signed_by(verifying(kind), algorithm, b"a.b", signature) is False
