"""
Encrypted tokens (JWE): decryption to the signed token inside.

All failures look alike from outside: one reason, one message, and a wrong key goes the whole way to the tag check.

Source: RFC 7516 sections 5.2 and 11.5; RFC 8725 sections 2.4, 2.7 and 3.11.
"""

from __future__ import annotations

import base64
import os
import zlib
from collections.abc import Sequence

from gateway.errors import TokenError
from gateway.tokens.compact import MAX_TOKEN_BYTES, Jwe, Jws, parse
from gateway.tokens.content_encryption import CONTENT_ALGORITHMS
from gateway.tokens.key_management import DecryptionKey, DecryptionRules, PrivateKey, Recipient, content_key

MAX_TRIED = 8
DEFAULT_RULES = DecryptionRules()


def decryption_key_from_secret(text: str, kid: str | None = None) -> DecryptionKey:
    """
    A shared secret as APIM writes it, Base64 in the standard alphabet.

    Raises:
        ValueError: It is not Base64, or does not have the length of any content or key-wrapping key.
    """
    secret = base64.b64decode("".join(text.split()), validate=True)
    if len(secret) not in {16, 24, 32, 48, 64}:
        raise ValueError(f"the secret has {len(secret)} bytes; a decryption key has 16, 24, 32, 48 or 64")
    return DecryptionKey(kid, secret)


def decryption_key_from_private(private: PrivateKey, kid: str | None = None) -> DecryptionKey:
    """The private key of a certificate entity: RSA, EC or X25519."""
    return DecryptionKey(kid, private)


def decrypted(
    jwe: Jwe,
    keys: Sequence[DecryptionKey],
    rules: DecryptionRules = DEFAULT_RULES,
    max_bytes: int = MAX_TOKEN_BYTES,
) -> Jws:
    """
    The signed token inside *jwe*.

    Raises:
        TokenError: ``JwtInvalid``: its algorithm is off, no key opens it, or its content is not a signed token.
    """
    inner = parse(decrypt(jwe, keys, rules).decode("ascii", "replace"), max_bytes)
    if not isinstance(inner, Jws):
        raise TokenError("JwtInvalid", "The decrypted token is encrypted again; nesting is refused. Access denied.")
    return inner


def decrypt(jwe: Jwe, keys: Sequence[DecryptionKey], rules: DecryptionRules = DEFAULT_RULES) -> bytes:
    """The plaintext of *jwe*. Raises TokenError ``JwtInvalid``."""
    algorithm, content = str(jwe.header["alg"]), CONTENT_ALGORITHMS.get(str(jwe.header["enc"]))
    if content is None or not rules.allows(algorithm) or ("zip" in jwe.header and not rules.max_inflated_bytes):
        raise TokenError("JwtInvalid", "The token's encryption algorithm is not allowed. Access denied.")
    for key in _candidates(jwe, keys):
        recipient = Recipient(key, jwe, algorithm, content.key_bytes, rules)
        try:
            plaintext = content.decrypt(_content_key_or_random(recipient), jwe)
            return _inflate(plaintext, rules) if "zip" in jwe.header else plaintext
        except Exception:  # noqa: S112 - any objection of a library means: this key does not open it
            continue
    raise TokenError("JwtInvalid", "Decryption failed. No key decrypts the token. Access denied.")


def _candidates(jwe: Jwe, keys: Sequence[DecryptionKey]) -> list[DecryptionKey]:
    kid, algorithm = jwe.header.get("kid"), jwe.header["alg"]
    # The ``alg`` of a key for direct encryption is the content encryption algorithm (RFC 7520 section 5.6).
    named = jwe.header["enc"] if algorithm == "dir" else algorithm
    suitable = [key for key in keys if key.algorithm in (None, algorithm, named)]
    return sorted(suitable, key=lambda key: key.kid is None or key.kid != kid)[:MAX_TRIED]


def _content_key_or_random(recipient: Recipient) -> bytes:
    # If unwrapping fails, a random key is used, so that the tag check fails instead and takes the same time.
    random_key = os.urandom(recipient.key_bytes)
    try:
        unwrapped = content_key(recipient)
    except Exception:
        return random_key
    return unwrapped if len(unwrapped) == recipient.key_bytes else random_key


def _inflate(plaintext: bytes, rules: DecryptionRules) -> bytes:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacked = unpacker.decompress(plaintext, rules.max_inflated_bytes)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("too large, or cut off")
    return unpacked
