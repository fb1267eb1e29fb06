"""Keys know what they may verify."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.tokens.base64url import encode
from gateway.tokens.keys import (
    EDWARDS_ALGORITHMS,
    HMAC_ALGORITHMS,
    RSA_ALGORITHMS,
    key_from_certificate,
    key_from_modulus,
    key_from_secret,
    public_key,
)
from tests.tokens.minting import SECRET, private_key, rsa_key


def certificate() -> x509.Certificate:
    """A self-signed certificate that ended long ago."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "partner")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(rsa_key().public_key())
    builder = (
        builder.serial_number(1).not_valid_before(dt.datetime(2000, 1, 1)).not_valid_after(dt.datetime(2001, 1, 1))
    )
    return builder.sign(rsa_key(), hashes.SHA256())


def test_secret() -> None:
    """Base64 text, also wrapped over lines as people paste it, becomes an HMAC key that never shows in a repr."""
    key = key_from_secret(" " + base64.encodebytes(SECRET).decode() + "\n", "id")
    assert (key.material, key.kid, key.algorithms) == (SECRET, "id", HMAC_ALGORITHMS)
    assert "x00" not in repr(key)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("not base64!", "not Base64"),
        ("YWJj_-==", "not Base64"),
        ("AAAA", "24 bits"),
        ("", "0 bits"),
        ("é", "not Base64"),
    ],
)
def test_bad_secrets(text: str, why: str) -> None:
    """A secret that is not Base64, or too short, is a mistake at load."""
    with pytest.raises(ValueError, match=why):
        key_from_secret(text)


def test_modulus() -> None:
    """n and e in base64url become an RSA key."""
    numbers = rsa_key().public_key().public_numbers()
    key = key_from_modulus(encode(numbers.n.to_bytes(256, "big")), "AQAB", "k")
    assert (key.kid, key.algorithms) == ("k", RSA_ALGORITHMS)
    with pytest.raises(ValueError, match="base64url"):
        key_from_modulus("a+b=", "AQAB")


@pytest.mark.parametrize("form", [Encoding.PEM, Encoding.DER])
def test_certificate(form: Encoding) -> None:
    """PEM and DER both load; an ended certificate too, because APIM does not look at its dates."""
    key = key_from_certificate(certificate().public_bytes(form))
    assert key.kid == key.x5t
    assert key.fingerprint == public_key(rsa_key().public_key()).fingerprint


def test_certificate_that_is_none() -> None:
    """Garbage is a ValueError."""
    with pytest.raises(ValueError):
        key_from_certificate(b"garbage")


@pytest.mark.parametrize(
    ("algorithm", "allowed"),
    [
        ("ES256", {"ES256"}),
        ("ES384", {"ES384"}),
        ("ES512", {"ES512"}),
        ("EdDSA", EDWARDS_ALGORITHMS),
        ("Ed448", EDWARDS_ALGORITHMS),
    ],
)
def test_curves(algorithm: str, allowed: set[str]) -> None:
    """A curve serves its own algorithm alone."""
    assert public_key(private_key(algorithm).public_key()).algorithms == allowed


@pytest.mark.parametrize(
    "material", [ec.generate_private_key(ec.SECP256K1()).public_key(), dsa.generate_private_key(1024).public_key(), "x"]
)
def test_types_without_algorithm(material: object) -> None:
    """Other curves and types verify nothing."""
    with pytest.raises(ValueError, match="no supported"):
        public_key(material)
