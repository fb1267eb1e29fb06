"""
JSON Web Keys: from a published key set to usable keys, with tolerance per key.

Source: RFC 7517 sections 4 and 5, RFC 7518 section 6, RFC 8037 section 2.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.tokens.base64url import decode_text
from gateway.tokens.keys import Key, key_from_modulus, public_key, secret_key
from gateway.tokens.strict_json import BYTE_ORDER_MARK
from gateway.tokens.weak_rsa import MIN_RSA_BITS

MAX_KEYS = 512  # Entra had 42 in five months; further keys of a larger set are ignored
CURVES: Mapping[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class OddMembers(dict[str, object]):
    """An object with a duplicate member: it is unclear which value applies, so nothing is read from it."""


def read_key_set(body: bytes) -> Mapping[str, object]:
    """
    The JSON object of a published key set. Only its outer form must be right: ``published_keys`` leaves out odd keys.

    Raises:
        ValueError: It is not a JSON object, or has a duplicate member. RecursionError: It is nested too deeply.
    """
    text = body.removeprefix(BYTE_ORDER_MARK).decode("utf-8", "replace")
    document = json.loads(text, object_pairs_hook=_members, parse_int=_odd_number, parse_float=_odd_number)
    if not isinstance(document, dict) or isinstance(document, OddMembers):
        raise ValueError("the key set is not a JSON object")
    return document


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else OddMembers(members)


def _odd_number(text: str) -> None:
    # No member in use is a number, and converting a very long one would take long or fail.
    return None


def published_keys(
    jwks: Mapping[str, object], warn: Callable[[str, str], None], min_rsa_bits: int = MIN_RSA_BITS
) -> tuple[Key, ...]:
    """
    The keys of a published JWK Set that may verify signatures.

    An odd key is left out and reported through ``warn(name, reason)``; an encryption key is left out silently.

    Raises:
        ValueError: There is no ``keys`` array.
    """
    members = jwks.get("keys")
    if not isinstance(members, list):
        raise ValueError("the key set has no keys array")
    if len(members) > MAX_KEYS:
        warn("(set)", f"only the first {MAX_KEYS} of {len(members)} keys are used")
    keys = (_published_key(jwk, warn, min_rsa_bits) for jwk in members[:MAX_KEYS])
    return tuple(key for key in keys if key is not None)


def _published_key(jwk: object, warn: Callable[[str, str], None], min_rsa_bits: int) -> Key | None:
    if not isinstance(jwk, dict):
        warn("(unnamed)", "it is not an object")
        return None
    if isinstance(jwk, OddMembers):
        warn(_name(jwk), "it has a duplicate member")
        return None
    if jwk.get("use", "sig") == "enc":
        return None
    try:
        if not PRIVATE_MEMBERS.isdisjoint(jwk):
            raise ValueError("it publishes secret members")
        return key_from_jwk(jwk, min_rsa_bits)
    except Exception as error:
        warn(_name(jwk), str(error) or type(error).__name__)
        return None


def _name(jwk: Mapping[str, object]) -> str:
    kid = jwk.get("kid")
    return ascii(kid[:64]) if isinstance(kid, str) else "(unnamed)"


def key_from_jwk(jwk: Mapping[str, object], min_rsa_bits: int = MIN_RSA_BITS) -> Key:
    """
    One key, its public part only; ``use``, ``key_ops`` and ``alg`` narrow what it may verify.

    Raises:
        ValueError: It may not verify signatures, or is malformed, weak or of an unknown type.
    """
    if jwk.get("use", "sig") != "sig":
        raise ValueError("its use is not sig")
    if "key_ops" in jwk and "verify" not in _texts(jwk["key_ops"], "key_ops"):
        raise ValueError("its key_ops do not name verify")
    builder = KINDS.get(_text(jwk, "kty"))
    if builder is None:
        raise ValueError("its kty is not supported")
    key = replace(
        builder(jwk, min_rsa_bits),
        kid=_optional(jwk, "kid"),
        issuer=_optional(jwk, "issuer"),
        x5t=_optional(jwk, "x5t"),
    )
    return _narrowed(key, _optional(jwk, "alg"))


def _narrowed(key: Key, algorithm: str | None) -> Key:
    if algorithm is None:
        return key
    if algorithm not in key.algorithms:
        raise ValueError("its alg does not suit its type, or is not supported")
    return replace(key, algorithms=frozenset({algorithm}))


def _rsa(jwk: Mapping[str, object], min_rsa_bits: int) -> Key:
    if "n" in jwk or "e" in jwk:
        return key_from_modulus(_text(jwk, "n"), _text(jwk, "e"), min_rsa_bits=min_rsa_bits)
    chain = _texts(jwk.get("x5c"), "x5c")
    certificate = x509.load_der_x509_certificate(base64.b64decode(chain[0], validate=True))
    return public_key(certificate.public_key(), min_rsa_bits=min_rsa_bits)


def _ec(jwk: Mapping[str, object], _min_rsa_bits: int) -> Key:
    curve = CURVES.get(_text(jwk, "crv"))
    if curve is None:
        raise ValueError("its curve is not supported")
    x, y = decode_text(_text(jwk, "x")), decode_text(_text(jwk, "y"))
    if not len(x) == len(y) == (curve.key_size + 7) // 8:
        raise ValueError("its coordinates have a wrong length")
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), curve)
    return public_key(numbers.public_key())


def _okp(jwk: Mapping[str, object], _min_rsa_bits: int) -> Key:
    x = decode_text(_text(jwk, "x"))
    match _text(jwk, "crv"):
        case "Ed25519":
            return public_key(Ed25519PublicKey.from_public_bytes(x))
        case "Ed448":
            return public_key(Ed448PublicKey.from_public_bytes(x))
    raise ValueError("its curve is not supported")


def _oct(jwk: Mapping[str, object], _min_rsa_bits: int) -> Key:
    return secret_key(decode_text(_text(jwk, "k")))


KINDS: Mapping[str, Callable[[Mapping[str, object], int], Key]] = {"RSA": _rsa, "EC": _ec, "OKP": _okp, "oct": _oct}


def _optional(jwk: Mapping[str, object], name: str) -> str | None:
    return _text(jwk, name) if name in jwk else None


def _text(jwk: Mapping[str, object], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise ValueError(f"its member {name} is missing or not text")
    return value


def _texts(value: object, name: str) -> Sequence[str]:
    if not isinstance(value, list) or not value or not all(isinstance(element, str) for element in value):
        raise ValueError(f"its member {name} is not a list of text")
    return value
