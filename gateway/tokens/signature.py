"""
Signature checks: an allow-list, strict pairing of algorithm and key; PyJWT's algorithm objects do the mathematics.

Source: RFC 7515 section 5.2, RFC 7518 section 3, RFC 8037 section 3.1, RFC 8725 sections 3.1 to 3.3.
"""

from __future__ import annotations

from collections.abc import Mapping

from jwt.algorithms import Algorithm, get_default_algorithms

from gateway.tokens.keys import CURVE_ALGORITHMS, EDWARDS_ALGORITHMS, HMAC_ALGORITHMS, RSA_ALGORITHMS, Key

ALGORITHMS: frozenset[str] = RSA_ALGORITHMS.union(HMAC_ALGORITHMS, EDWARDS_ALGORITHMS, *CURVE_ALGORITHMS.values())
CHECKS: Mapping[str, Algorithm] = {
    name: algorithm for name, algorithm in get_default_algorithms().items() if name in ALGORITHMS
}


def is_signed_by(key: Key, algorithm: str, signing_input: bytes, signature: bytes) -> bool:
    """Whether *key* may use *algorithm* and made *signature* over *signing_input*; never raises."""
    if algorithm not in key.algorithms:
        return False
    try:
        return CHECKS[algorithm].verify(signing_input, key.material, signature)
    except Exception:
        return False
