"""Encrypted tokens (JWE): decryption to the signed token inside."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import TokenError
from gateway.tokens.compact import Jwe, Jws


@dataclass(frozen=True, slots=True)
class DecryptionKey:
    """A key that opens encrypted tokens."""


def decrypted(jwe: Jwe, keys: tuple[DecryptionKey, ...], max_bytes: int) -> Jws:
    """The signed token inside *jwe*; TokenError ``JwtInvalid`` when there is none."""
    raise TokenError("JwtInvalid", "Decryption failed. No key opens the token. Access denied.")
