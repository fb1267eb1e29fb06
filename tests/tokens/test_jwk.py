"""One odd key never spoils a published set; use, key_ops and alg are honoured."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.tokens.base64url import encode
from gateway.tokens.jwk import MAX_KEYS, key_from_jwk, published_keys, read_key_set
from tests import published
from tests.tokens.minting import jwk, private_key, rsa_key
from tests.tokens.test_keys import certificate

GOOD = jwk(rsa_key())
EC = jwk(private_key("ES256"), "e")


def without(members: dict[str, Any], *names: str) -> dict[str, Any]:
    """*members* without some."""
    return {name: value for name, value in members.items() if name not in names}


def load(*keys: Any) -> tuple[list[str | None], list[tuple[str, str]]]:
    """Key ids that are usable, and the warnings."""
    warnings: list[tuple[str, str]] = []
    found = published_keys({"keys": list(keys)}, lambda name, reason: warnings.append((name, reason)))
    return [key.kid for key in found], warnings


ODD_TEXTS = {
    "byte-order mark": "\ufeff" + json.dumps({"keys": [GOOD]}),
    "duplicate member in a key": '{"keys": [' + json.dumps(GOOD) + ', {"kty": "RSA", "kid": "o", "kid": "p"}]}',
    "huge number in a key": '{"keys": ['
    + json.dumps(GOOD)
    + ', {"kty": "RSA", "kid": "o", "n": '
    + "9" * 9_999
    + "}]}",
    "NaN in a key": '{"keys": [' + json.dumps(GOOD) + ', {"kty": "RSA", "kid": "o", "n": NaN}]}',
}


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_an_odd_text_costs_one_key_at_most(text: str) -> None:
    """A byte-order mark, or one key that JSON readers disagree about, does not take the whole issuer down."""
    found = published_keys(read_key_set(text.encode()), lambda name, reason: None)
    assert [key.kid for key in found] == ["k1"]


@pytest.mark.parametrize("text", ["", "[]", '{"keys": [], "keys": []}', "{", "\ufeff\ufeff{}"])
def test_what_is_not_a_key_set(text: str) -> None:
    """If the document itself is malformed, there is no set to choose keys from."""
    with pytest.raises(ValueError):
        read_key_set(text.encode())


ODD: dict[str, tuple[Any, str]] = {
    "text": ("x", "not an object"),
    "no kty": ({"kid": "o"}, "kty"),
    "post-quantum": ({"kty": "AKP", "kid": "o", "alg": "ML-DSA-44", "pub": "AA"}, "kty is not supported"),
    "kty of a wrong type": ({"kty": ["RSA"]}, "kty"),
    "secp256k1": ({**EC, "crv": "secp256k1"}, "curve"),
    "X25519": ({"kty": "OKP", "crv": "X25519", "x": encode(b"x" * 32)}, "curve"),
    "Ed25519 too short": ({"kty": "OKP", "crv": "Ed25519", "x": "AA"}, "32"),
    "point off the curve": ({**EC, "x": encode(b"\1" * 32)}, ""),
    "coordinate too short": ({**EC, "x": encode(b"\1" * 31)}, "length"),
    "RSA without n": (without(GOOD, "n"), "member n"),
    "RSA n with padding": ({**GOOD, "n": GOOD["n"] + "="}, "base64url"),
    "RSA n of a wrong type": ({**GOOD, "n": 7}, "member n"),
    "RSA too short": (jwk(rsa_key("small", 1024), "o"), "1024 bits"),
    "exponent 1": ({**GOOD, "e": "AQ"}, "exponent"),
    "even exponent": ({**GOOD, "e": "Ag"}, "exponent"),
    "secret published": ({"kty": "oct", "k": encode(b"x" * 32)}, "secret members"),
    "private part published": ({**GOOD, "d": "AA"}, "secret members"),
    "use of something else": ({**GOOD, "use": "tls"}, "use"),
    "key_ops for encryption": ({**GOOD, "key_ops": ["encrypt"]}, "key_ops"),
    "key_ops of a wrong type": ({**GOOD, "key_ops": "verify"}, "key_ops"),
    "alg of another type": ({**GOOD, "alg": "ES256"}, "alg"),
    "alg for encryption": ({**GOOD, "alg": "RSA-OAEP"}, "alg"),
    "alg unknown": ({**GOOD, "alg": "RS1"}, "alg"),
    "alg none": ({**GOOD, "alg": "none"}, "alg"),
    "kid of a wrong type": ({**GOOD, "kid": 1}, "kid"),
    "x5c of a wrong type": ({"kty": "RSA", "x5c": "MII"}, "x5c"),
    "x5c garbage": ({"kty": "RSA", "x5c": ["AAAA"]}, ""),
}


@pytest.mark.parametrize(("odd", "why"), ODD.values(), ids=ODD)
def test_odd_key_is_left_out(odd: Any, why: str) -> None:
    """The odd key is skipped with a warning that says why, and its neighbours work."""
    kids, warnings = load(odd, GOOD)
    assert kids == ["k1"]
    assert len(warnings) == 1
    assert why in warnings[0][1]


def test_encryption_keys_are_left_out_silently() -> None:
    """A key for encryption causes no warning."""
    assert load({**GOOD, "use": "enc"}, EC) == (["e"], [])


@pytest.mark.parametrize(
    ("members", "allowed"),
    [
        ({}, {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        ({"alg": "PS512"}, {"PS512"}),
        ({"key_ops": ["verify"]}, {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ],
    ids=["any of its type", "its alg alone", "key_ops verify"],
)
def test_algorithms(members: dict[str, Any], allowed: set[str]) -> None:
    """Without alg any algorithm of the type is allowed, with alg that one."""
    assert key_from_jwk({**GOOD, **members}).algorithms == allowed


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "ES512", "EdDSA", "Ed448"])
def test_every_type_loads(algorithm: str) -> None:
    """Each supported type loads without use and without kid."""
    assert key_from_jwk(without(jwk(private_key(algorithm), None), "use")).kid is None


def test_certificate_in_place_of_modulus() -> None:
    """x5c alone is as good as n and e."""
    chain = [base64.b64encode(certificate().public_bytes(Encoding.DER)).decode()]
    assert key_from_jwk({"kty": "RSA", "x5c": chain}).fingerprint == key_from_jwk(GOOD).fingerprint


def test_thousands_of_keys_are_cut_off() -> None:
    """A set of thousands of keys costs bounded work and says so."""
    kids, warnings = load(*[EC] * (MAX_KEYS + 1))
    assert len(kids) == MAX_KEYS
    assert warnings == [("(set)", f"only the first {MAX_KEYS} of {MAX_KEYS + 1} keys are used")]


@pytest.mark.parametrize("value", [None, {}, "x"], ids=repr)
def test_set_without_keys(value: Any) -> None:
    """A document without a keys array is no key set."""
    with pytest.raises(ValueError, match="keys array"):
        published_keys({"keys": value}, lambda name, reason: None)


def test_warning_names_are_safe() -> None:
    """A key id in a warning is cut and escaped."""
    _, warnings = load({"kty": "AKP", "kid": "a\r\nb" + "x" * 100})
    assert warnings[0][0] == "'a\\r\\nb" + "x" * 60 + "'"


@published.needs(published.ENTRA)
@pytest.mark.parametrize(
    "path",
    sorted(set(published.ENTRA.glob("jwks*.json")) - set(published.ENTRA.glob("*.history.json"))),
    ids=lambda path: path.name,
)
def test_entra_sets(path: Path) -> None:
    """Every key of Entra's published sets is usable with RS256, and keeps its issuer member."""
    document = json.loads(path.read_text())
    warnings: list[tuple[str, str]] = []
    keys = published_keys(document, lambda name, reason: warnings.append((name, reason)))
    assert all("RS256" in key.algorithms for key in keys)
    assert [key.issuer for key in keys] == [member.get("issuer") for member in document["keys"]]
    assert warnings == []
