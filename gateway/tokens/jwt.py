"""
The Jwt object that policy expressions see, and the reader that trusts nothing.

Members follow APIM's ``Jwt`` type. Nothing here verifies: a ``Jwt`` made by ``TokenValidator.verify`` is trustworthy,
one made by ``read_unverified`` (APIM's ``AsJwt``) is a guess.

Source: APIM "Policy expressions", Jwt.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import MappingProxyType

from gateway.errors import TokenError
from gateway.tokens.strict_json import parse_object

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_UNVERIFIED_CHARS = 256_000  # APIM's own limit of a token, 250 x 1,024 (IDX10209)
WHOLE_FLOAT_LIMIT = 1e15  # from here on .NET writes a double with an exponent


@dataclass(frozen=True)
class Jwt:
    """
    One decoded token. Members are derived on first use, so claims that no policy reads cost nothing.

    Attributes:
        header: Protected header of the (innermost) token; read-only.
        payload: Claims as JSON values; read-only. Use ``claims`` for APIM's text form.
    """

    header: Mapping[str, object]
    payload: Mapping[str, object]

    @classmethod
    def of(cls, header: Mapping[str, object], payload: Mapping[str, object]) -> Jwt:
        """A Jwt over read-only views; the caller hands over both mappings and must not change them."""
        return cls(MappingProxyType(header), MappingProxyType(payload))

    @cached_property
    def algorithm(self) -> str | None:
        """Header ``alg``."""
        return _text(self.header.get("alg"))

    @cached_property
    def type(self) -> str | None:
        """Header ``typ``."""
        return _text(self.header.get("typ"))

    @cached_property
    def audiences(self) -> tuple[str, ...]:
        """``aud``, always a tuple."""
        return claim_values(self.payload["aud"]) if "aud" in self.payload else ()

    @cached_property
    def claims(self) -> Mapping[str, tuple[str, ...]]:
        """Every payload claim as text values; names are compared byte for byte."""
        return MappingProxyType({name: claim_values(value) for name, value in self.payload.items()})

    @cached_property
    def expiration_time(self) -> datetime | None:
        """``exp``, UTC."""
        return _moment(self.payload.get("exp"))

    @cached_property
    def issued_at(self) -> datetime | None:
        """``iat``, UTC."""
        return _moment(self.payload.get("iat"))

    @cached_property
    def not_before(self) -> datetime | None:
        """``nbf``, UTC."""
        return _moment(self.payload.get("nbf"))

    @cached_property
    def id(self) -> str | None:
        """``jti``."""
        return _text(self.payload.get("jti"))

    @cached_property
    def issuer(self) -> str | None:
        """``iss``."""
        return _text(self.payload.get("iss"))

    @cached_property
    def subject(self) -> str | None:
        """``sub``: pairwise per client application for Entra users, the object id for Entra applications."""
        return _text(self.payload.get("sub"))


def claim_values(value: object) -> tuple[str, ...]:
    """
    A claim's text values as APIM normalises them: an array has one per element, anything else exactly one.

    Numbers in invariant form, booleans ``true``/``false``, null empty, nested arrays and objects as JSON text.
    """
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list):
        return tuple(_claim_text(element) for element in value)
    return (_claim_text(value),)


def read_unverified(text: str) -> Jwt | None:
    """
    Header and claims of *text* WITHOUT any check of signature or lifetime, or None if it is not a JWT; never raises.

    Takes a bare token or a whole ``Bearer ...`` header value. Base64 padding is forgiven here, and only here.

    Source: APIM "Policy expressions", ``AsJwt``.
    """
    parts = _bare(text).split(".")
    if len(parts) != 3 or len(text) > MAX_UNVERIFIED_CHARS:
        return None
    header, payload = _lenient_object(parts[0]), _lenient_object(parts[1])
    if header is None or payload is None or "alg" not in header:
        return None
    return Jwt.of(header, payload)


def without_scheme(text: str, scheme: str = "Bearer") -> str | None:
    """
    The text after *scheme* (in any letter case) and one or more spaces, or None if the scheme is another one.

    Source: RFC 9110 section 11.1.
    """
    head, space, tail = text.partition(" ")
    return tail.strip(" ") if space and head.lower() == scheme.lower() else None


def _bare(text: str) -> str:
    stripped = text.strip()
    token = without_scheme(stripped)
    return stripped if token is None else token


def _lenient_object(part: str) -> dict[str, object] | None:
    try:
        standard = part.rstrip("=").replace("-", "+").replace("_", "/")
        raw = binascii.a2b_base64(standard + "=" * (-len(standard) % 4), strict_mode=True)
        return parse_object(raw, "part")
    except (ValueError, TokenError):  # ValueError: not Base64, not ASCII
        return None


def _text(value: object) -> str | None:
    return None if value is None else ",".join(claim_values(value))


def _claim_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _number_text(value: int | float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE_FLOAT_LIMIT:
        return str(int(value))
    return str(value).replace("e", "E")


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return EPOCH + timedelta(seconds=int(value))  # fractions are cut off, as APIM's library does
    except (OverflowError, ValueError):
        return None
