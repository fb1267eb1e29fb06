"""
The strict compact parser in front of everything: text to a JWS or JWE, or TokenError ``JwtInvalid``.

Whatever reaches a library from here is bounded, has one spelling and one JSON reading, and is of the right types.

Source: RFC 7515 section 7.1, RFC 7516 section 7.1, RFC 8725 sections 2.4, 2.7 and 3.3; size limit IDX10209.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from gateway.errors import TokenError
from gateway.remedies.token_form import form_of
from gateway.tokens.base64url import decode
from gateway.tokens.registered import check_header, check_payload
from gateway.tokens.strict_json import parse_object

MAX_TOKEN_BYTES = 256_000
MAX_CACHED_HEADERS = 1_024
MAX_CACHED_HEADER_BYTES = 2_048
_LOOKED_AT = 128  # characters of a text that is not a token: it must cost a flood of them little
_UNREADABLE = ("base64url", "JSON", "parts")  # of messages about a text that is not a token at all


@dataclass(slots=True)  # not frozen: made per request, and freezing costs a call per field
class Jws:
    """
    A parsed signed token; nothing is verified yet.

    Attributes:
        header: Protected header, types checked.
        payload: Claims, types of the registered ones checked.
        signing_input: The bytes that the signature covers: the first two parts with the dot between them, ASCII.
        signature: Raw bytes; empty in an unsigned token.
    """

    header: Mapping[str, object]
    payload: dict[str, object]
    signing_input: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Jwe:
    """A parsed encrypted token; *associated_data* is the header part as sent (RFC 7516 section 5.1, step 14)."""

    header: Mapping[str, object]
    associated_data: bytes
    encrypted_key: bytes
    initialization_vector: bytes
    ciphertext: bytes
    tag: bytes


def too_long(token: str, max_bytes: int) -> TokenError:
    """*token* is longer than *max_bytes*."""
    message = f"JWT is longer than {max_bytes} bytes."
    return TokenError("JwtInvalid", message, expected={"at_most_bytes": max_bytes}, found={"bytes": len(token)})


def parse(token: str, max_bytes: int = MAX_TOKEN_BYTES) -> Jws | Jwe:
    """
    Parse *token*.

    Raises:
        TokenError: ``JwtInvalid``: too long, not 3 or 5 parts, not exactly base64url, or a bad header or payload.
    """
    if len(token) > max_bytes:
        raise too_long(token, max_bytes)
    raw = token.encode("ascii", "replace")  # a replaced character is "?", which no part may contain
    parts = raw.split(b".")
    try:
        if len(parts) == 3:
            return _parse_jws(raw, parts)
        if len(parts) == 5:
            return _parse_jwe(parts)
        raise TokenError("JwtInvalid", "JWT is not well formed: it has neither three nor five parts.")
    except TokenError as error:
        if is_unreadable(error):
            error.expected, error.found = "a JWT", form_of(token, _LOOKED_AT, len(parts)).description
        raise


def is_unreadable(error: TokenError) -> bool:
    """Whether *error* is about a text that is not a token at all, rather than about a token's member."""
    return _names_the_form(error.message)


@lru_cache(maxsize=64)  # these messages are few
def _names_the_form(message: str) -> bool:
    return any(word in message for word in _UNREADABLE)


def _parse_jws(raw: bytes, parts: list[bytes]) -> Jws:
    header = read_header(parts[0])
    payload = parse_object(_decode(parts[1], "payload"), "payload")
    check_payload(payload)
    signature = _decode(parts[2], "signature")
    return Jws(header, payload, raw[: len(raw) - len(parts[2]) - 1], signature)


def _parse_jwe(parts: list[bytes]) -> Jwe:
    header = read_header(parts[0])
    if "enc" not in header:
        raise TokenError("JwtInvalid", "JWT is not well formed: header of an encrypted token has no enc.")
    key, vector, ciphertext, tag = (_decode(part, "encrypted part") for part in parts[1:])
    return Jwe(header, parts[0], key, vector, ciphertext, tag)


def read_header(part: bytes) -> Mapping[str, object]:
    """The header that *part* encodes. Issuers repeat the same few headers, so parsed ones are cached by their text."""
    header = _headers.get(part)
    if header is None:
        members = parse_object(_decode(part, "header"), "header")
        check_header(members)
        header = MappingProxyType(members)
        _remember(part, header)
    return header


_headers: dict[bytes, Mapping[str, object]] = {}


def _remember(part: bytes, header: Mapping[str, object]) -> None:
    # Clearing the full table is enough: a flood of headers costs other callers one decoding of a few microseconds.
    if len(part) > MAX_CACHED_HEADER_BYTES:
        return
    if len(_headers) >= MAX_CACHED_HEADERS:
        _headers.clear()
    _headers[part] = header


def _decode(part: bytes, what: str) -> bytes:
    try:
        return decode(part)
    except ValueError:
        raise TokenError("JwtInvalid", f"JWT is not well formed: {what} is not base64url.") from None
