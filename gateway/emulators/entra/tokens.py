"""
Compact JWS with any algorithm and any key. A library would refuse to create the tokens that a gateway has to refuse.

Source: RFC 7515 section 7.1; RFC 8725 section 2.1 for the wrong ones.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from jwt.algorithms import get_default_algorithms

from gateway.emulators.entra.keys import SigningKey

Key = SigningKey | bytes | Any  # Any: a private key of the cryptography library, for EC and Ed25519


def sign(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    """
    The compact form of a token.

    Args:
        header: Its ``alg`` selects the algorithm; ``none`` leaves the signature empty.
        key: A signing key, the bytes of an HMAC secret, or a private key object.

    Raises:
        ValueError: The algorithm is not known.
    """
    signing_input = f"{segment(header)}.{segment(claims)}"
    algorithm = get_default_algorithms().get(str(header["alg"]))
    if algorithm is None:
        raise ValueError(f"unknown algorithm {header['alg']}")
    private = key.private if isinstance(key, SigningKey) else key
    signature = b"" if header["alg"] == "none" else algorithm.sign(signing_input.encode(), private)
    return f"{signing_input}.{_base64url(signature)}"


def segment(document: Mapping[str, Any]) -> str:
    """One base64url part of a compact token."""
    return _base64url(json.dumps(document, separators=(",", ":")).encode())


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
