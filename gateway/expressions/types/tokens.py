"""Jwt and BasicAuthCredentials, and the string helpers that read them. Nothing here verifies anything."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from gateway.expressions import primitives as p
from gateway.expressions.clr import array_of
from gateway.expressions.collections import strings
from gateway.expressions.moments import DateTime, from_python
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null
from gateway.expressions.types.dictionaries import View
from gateway.expressions.values import Ref
from gateway.tokens.jwt import Jwt, read_unverified, without_scheme

_CLAIMS = (p.STRING, array_of(p.STRING))


def _moment(value: datetime | None) -> DateTime | None:
    return None if value is None else from_python(value)


_JWT: dict[str, Callable[[Jwt], object]] = {
    "string Algorithm": attrgetter("algorithm"),
    "IEnumerable<string> Audiences": lambda token: strings(token.audiences),
    "IReadOnlyDictionary<string, string[]> Claims": lambda token: View(token.claims, _CLAIMS, strings),
    "DateTime? ExpirationTime": lambda token: _moment(token.expiration_time),
    "string Id": attrgetter("id"),
    "string Issuer": attrgetter("issuer"),
    "DateTime? IssuedAt": lambda token: _moment(token.issued_at),
    "DateTime? NotBefore": lambda token: _moment(token.not_before),
    "string Subject": attrgetter("subject"),
    "string Type": attrgetter("type"),
}
JWT = define("Microsoft.Azure.ApiManagement.Jwt", _JWT)
represent(Jwt, JWT)


@dataclass(frozen=True, slots=True)
class BasicAuthCredentials:
    """User and password of a Basic header; the password is not in its repr."""

    user_id: str
    password: str

    def __repr__(self) -> str:
        return f"BasicAuthCredentials({self.user_id!r}, …)"


def read_basic(text: str | None) -> BasicAuthCredentials | None:
    """
    The credentials of a whole ``Basic …`` header value, or null.

    Source: RFC 7617 §2 (ISO-8859-1 unless a charset is agreed; a user id has no colon).
    """
    payload = without_scheme((text or "").strip(), "Basic")
    if payload is None:
        return None
    try:
        shown = base64.b64decode(payload, validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return None
    user, colon, password = shown.partition(":")
    return BasicAuthCredentials(user, password) if colon else None


def _try(read: Callable[[str], object]) -> Callable[[str | None, Ref], bool]:
    def attempt(text: str | None, out: Ref) -> bool:
        out.value = read(text) if text else None
        return out.value is not None

    return attempt


def _as_jwt(text: str | None) -> Jwt | None:
    if text is None:
        raise argument_null("input")
    return read_unverified(text)


BASIC = define("Microsoft.Azure.ApiManagement.BasicAuthCredentials", {
    "string UserId": lambda value: value.user_id,
    "string Username": lambda value: value.user_id,
    "string Password": lambda value: value.password,
})  # fmt: skip
represent(BasicAuthCredentials, BASIC)
define("Microsoft.Azure.ApiManagement.TokenExtensions", {
    "ext Jwt AsJwt(string input)": _as_jwt,
    "ext bool TryParseJwt(string input, out Jwt result)": _try(read_unverified),
    "ext BasicAuthCredentials AsBasic(string input)": read_basic,
    "ext bool TryParseBasic(string input, out BasicAuthCredentials result)": _try(read_basic),
}, kind="static")  # fmt: skip
