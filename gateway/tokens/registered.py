"""
Types of the registered header and claim members. A wrong type is refused, whether or not a rule reads the member.

Source: RFC 7515 section 4.1, RFC 7516 section 4.1, RFC 7519 section 4.1, RFC 7797 section 6, RFC 7800 section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.errors import TokenError

LATEST = 253_402_300_799  # 9999-12-31T23:59:59Z, the last moment that DateTime can hold
MAX_KID_CHARS = 512
NUMBER = (int, float)  # a tuple, because isinstance is several times slower with a union
UNSAFE_IN_KID = frozenset("\"'`\\<>")


def check_header(header: Mapping[str, object]) -> None:
    """Refuse (``JwtInvalid``) a header with a member of the wrong type, or an extension that we do not implement."""
    if "alg" not in header:
        raise TokenError("JwtInvalid", "JWT is not well formed: header has no alg.")
    # No critical extension is implemented, so any crit names one that is not understood: RFC 7515 section 4.1.11.
    for name in ("crit", "b64"):
        if name in header:
            raise TokenError("JwtInvalid", f"JWT header member {name} is not supported.")
    _check("header", header, HEADER)


def check_payload(payload: Mapping[str, object]) -> None:
    """Refuse (``JwtInvalid``) a payload with a registered claim of the wrong type."""
    if not _is_usual(payload):
        _check("claim", payload, PAYLOAD)


def _is_usual(payload: Mapping[str, object]) -> bool:
    """Whether its registered claims have the types that almost all tokens have, which are right."""
    get = payload.get
    return (
        type(get("iss", "")) is str
        and type(get("sub", "")) is str
        and type(get("aud", "")) is str
        and type(get("jti", "")) is str
        and "cnf" not in payload
        and _has_usual_dates(get)
    )


def _has_usual_dates(get: Callable[[str, object], object]) -> bool:
    return _is_usual_date(get("exp", 0)) and _is_usual_date(get("nbf", 0)) and _is_usual_date(get("iat", 0))


def _is_usual_date(value: object) -> bool:
    return type(value) is int and 0 <= value <= LATEST


def is_numeric_date(value: object) -> bool:
    """Seconds since the epoch, fractions allowed, from 1970 up to the end of year 9999."""
    return isinstance(value, NUMBER) and not isinstance(value, bool) and 0 <= value <= LATEST


def _check(kind: str, members: Mapping[str, object], types: Mapping[str, Callable[[object], bool]]) -> None:
    for name, is_right in types.items():
        if name in members and not is_right(members[name]):
            raise TokenError("JwtInvalid", f"JWT is not well formed: {kind} {name} has a wrong type or value.")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(element, str) for element in value)


def _is_text_or_texts(value: object) -> bool:
    return isinstance(value, str) or _is_texts(value)


def _is_key_id(value: object) -> bool:
    """Whether it is text that no log or lookup can mistake for a path, a query or a line end."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_KID_CHARS
        and value.isprintable()
        and UNSAFE_IN_KID.isdisjoint(value)
        and ".." not in value
    )


HEADER: Mapping[str, Callable[[object], bool]] = {
    "alg": _is_text,
    "enc": _is_text,
    "zip": _is_text,
    "typ": _is_text,
    "cty": _is_text,
    "kid": _is_key_id,
    "jku": _is_text,
    "x5u": _is_text,
    "x5t": _is_text,
    "x5t#S256": _is_text,
    "jwk": _is_object,
    "x5c": _is_texts,
}

PAYLOAD: Mapping[str, Callable[[object], bool]] = {
    "iss": _is_text,
    "sub": _is_text,
    "aud": _is_text_or_texts,
    "exp": is_numeric_date,
    "nbf": is_numeric_date,
    "iat": is_numeric_date,
    "jti": _is_text,
    "cnf": _is_object,
}
