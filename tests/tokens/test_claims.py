"""Claim checks decide as APIM does, with its reasons and messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import TokenError
from gateway.tokens.claims import (
    check_audience,
    check_client,
    check_lifetime,
    check_required_claims,
    shown,
)
from gateway.tokens.rules import RequiredClaim, TokenRules

Check = Callable[[dict[str, Any], TokenRules, float], None]


def verdict(check: Check, payload: dict[str, Any], now: float = 1000, **rules: Any) -> str:
    """'accepted', or the reason."""
    try:
        check(payload, TokenRules(**rules), now)
    except TokenError as error:
        return error.reason
    return "accepted"


LIFETIMES: list[tuple[dict[str, Any], dict[str, Any], float, str]] = [
    ({"exp": 1000}, {}, 1000, "accepted"),
    ({"exp": 999}, {}, 1000, "TokenExpired"),
    ({"exp": 1001, "nbf": 1001}, {}, 1000, "JwtInvalid"),
    ({}, {}, 1000, "JwtInvalid"),
    ({}, {"require_expiration_time": False}, 1000, "accepted"),
    ({"exp": 999}, {"require_expiration_time": False}, 1000, "TokenExpired"),
    ({"exp": 500, "nbf": 600}, {}, 550, "JwtInvalid"),
    ({"exp": 500, "nbf": 600}, {}, 700, "JwtInvalid"),
    ({"exp": 1000, "nbf": 1000}, {}, 1000, "accepted"),
    ({"nbf": 600}, {"require_expiration_time": False}, 700, "accepted"),
    ({"exp": 1000}, {}, 1000.001, "TokenExpired"),
    ({"exp": 1000.9}, {}, 1000.5, "TokenExpired"),
    ({"exp": 2000, "nbf": 1000}, {}, 1000, "accepted"),
    ({"exp": 2000, "nbf": 1000.9}, {}, 1000, "accepted"),
    ({"exp": 2000, "nbf": 1001}, {}, 1000.999, "JwtInvalid"),
    ({"exp": 995}, {"clock_skew_s": 5}, 1000, "accepted"),
    ({"exp": 994}, {"clock_skew_s": 5}, 1000, "TokenExpired"),
    ({"exp": 2000, "nbf": 1005}, {"clock_skew_s": 5}, 1000, "accepted"),
    ({"exp": 2000, "nbf": 1006}, {"clock_skew_s": 5}, 1000, "JwtInvalid"),
    ({"exp": 2000, "iat": 9000}, {}, 1000, "accepted"),
    ({"exp": 0}, {}, 1000, "TokenExpired"),
]


@pytest.mark.parametrize(("payload", "rules", "now", "expected"), LIFETIMES, ids=str)
def test_lifetime(payload: dict[str, Any], rules: dict[str, Any], now: float, expected: str) -> None:
    """Lifetimes at and around every boundary."""
    assert verdict(check_lifetime, payload, now, **rules) == expected


AUDIENCES: list[tuple[Any, set[str], bool]] = [
    ("api://x", {"api://x"}, True),
    ("api://x/", {"api://x"}, True),
    ("api://x", {"api://x/"}, True),
    ("api://x//", {"api://x"}, False),
    ("api://x//", {"api://x/"}, True),
    ("api://X", {"api://x"}, False),
    ("api://x ", {"api://x"}, False),
    ("api://xy", {"api://x"}, False),
    ("x", {"api://x"}, False),
    ("", {"api://x"}, False),
    ("", {"/"}, True),
    (["a", "b"], {"b"}, True),
    (["a", "b"], {"a,b"}, False),
    ([], {"a"}, False),
    ("a", {"a", "b"}, True),
    ("a", set(), False),
]


@pytest.mark.parametrize(
    ("audience", "accepted", "passes"),
    AUDIENCES,
    ids=lambda value: str(sorted(value)) if isinstance(value, set) else str(value),
)
def test_audience(audience: Any, accepted: set[str], passes: bool) -> None:
    """Audiences are compared byte for byte, one final slash forgiven."""
    expected = "accepted" if passes else "TokenAudienceNotAllowed"
    assert verdict(check_audience, {"aud": audience}, audiences=frozenset(accepted)) == expected


def test_audience_missing() -> None:
    """A token without aud fails where audiences are listed, empty ones too, and passes where none are."""
    for accepted in ("a", "", "/"):
        assert verdict(check_audience, {}, audiences=frozenset({accepted})) == "TokenAudienceNotAllowed"
    assert verdict(check_audience, {}) == "accepted"


CLAIMS: list[tuple[RequiredClaim, Any, str]] = [
    (RequiredClaim("scp", ("read",), "any"), "read write", "TokenClaimValueNotAllowed"),
    (RequiredClaim("scp", ("read",), "any", " "), "read write", "accepted"),
    (RequiredClaim("roles", ("A", "B")), ["A"], "TokenClaimValueNotAllowed"),
    (RequiredClaim("roles", ("A", "B")), ["B", "A", "C"], "accepted"),
    (RequiredClaim("roles", ("A", "B"), "any"), ["B"], "accepted"),
    (RequiredClaim("roles", ("A,B",), "any"), ["A"], "TokenClaimValueNotAllowed"),
    (RequiredClaim("roles", ("A,B",), "any", ","), ["A"], "TokenClaimValueNotAllowed"),
    (RequiredClaim("admin", ("true",)), True, "accepted"),
    (RequiredClaim("admin", ("True",)), True, "TokenClaimValueNotAllowed"),
    (RequiredClaim("level", ("3",)), 3, "accepted"),
    (RequiredClaim("tid"), "x", "accepted"),
    (RequiredClaim("tid"), None, "accepted"),
    (RequiredClaim("roles", ("reader",)), ["Reader"], "TokenClaimValueNotAllowed"),
    (RequiredClaim("roles", ("Read",)), ["Reader"], "TokenClaimValueNotAllowed"),
    (RequiredClaim("roles", ("A",)), [], "TokenClaimValueNotAllowed"),
    (RequiredClaim("g", ("a", "b"), "all", ","), ["a,x", "y,b"], "accepted"),
    (RequiredClaim("o", ('{"x":1}',)), {"x": 1}, "accepted"),
    (RequiredClaim("aud", ("api",)), "api", "accepted"),
]


@pytest.mark.parametrize(("claim", "value", "expected"), CLAIMS, ids=str)
def test_required_claim(claim: RequiredClaim, value: Any, expected: str) -> None:
    """``match`` and ``separator`` work as in APIM."""
    assert verdict(check_required_claims, {claim.name: value}, required_claims=(claim,)) == expected


def test_missing_claims_are_all_named() -> None:
    """The message lists every missing claim, before any value is looked at."""
    rules = TokenRules(required_claims=(RequiredClaim("a", ("x",)), RequiredClaim("b"), RequiredClaim("c")))
    with pytest.raises(TokenError) as refused:
        check_required_claims({"a": "wrong"}, rules, 0)
    assert refused.value.reason == "TokenClaimNotFound"
    assert refused.value.message == "JWT token is missing the following claims: b, c Access denied."


def test_every_claim_must_hold() -> None:
    """Claims are joined with and."""
    claims = (RequiredClaim("a", ("x",)), RequiredClaim("b", ("y",)))
    assert verdict(check_required_claims, {"a": "x", "b": "z"}, required_claims=claims) == "TokenClaimValueNotAllowed"


def test_value_message_is_one_printable_line() -> None:
    """A hostile claim value cannot break a log line or a header."""
    rules = TokenRules(required_claims=(RequiredClaim("a", ("x",)),))
    with pytest.raises(TokenError) as refused:
        check_required_claims({"a": "1\r\nSet-Cookie: x\0\u202e"}, rules, 0)
    assert refused.value.message == "Claim a value of 1??Set-Cookie: x?? is not allowed. Access denied."
    assert shown("x" * 500) == "x" * 120 + "..."


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"azp": "c1"}, "accepted"),
        ({"appid": "c1"}, "accepted"),
        ({"azp": "c2"}, "TokenClaimValueNotAllowed"),
        ({"azp": "c2", "appid": "c1"}, "TokenClaimValueNotAllowed"),
        ({"azp": ["c1"]}, "TokenClaimValueNotAllowed"),
        ({}, "TokenClaimNotFound"),
    ],
    ids=str,
)
def test_client(payload: dict[str, Any], expected: str) -> None:
    """The caller is azp, or appid in v1 tokens."""
    assert verdict(check_client, payload, client_ids=frozenset({"c1"})) == expected
    assert verdict(check_client, payload) == "accepted"


MESSAGES: list[tuple[Check, dict[str, Any], dict[str, Any], str]] = [
    (check_lifetime, {}, {}, "Lifetime validation failed. The token has no expiration time."),
    (check_lifetime, {"exp": 999}, {}, "Lifetime validation failed. The token is expired."),
    (check_lifetime, {"exp": 9999, "nbf": 1001}, {}, "Lifetime validation failed. The token is not yet valid."),
    (check_lifetime, {"exp": 900, "nbf": 901}, {}, "Lifetime validation failed. The token ends before it begins."),
    (check_audience, {"aud": "b"}, {"audiences": frozenset("a")}, "Audience validation failed."),
    (check_client, {}, {"client_ids": frozenset("a")}, "JWT token is missing the following claims: azp, appid"),
    (check_client, {"azp": "b"}, {"client_ids": frozenset("a")}, "Claim azp value of b is not allowed."),
    (check_client, {"appid": "b"}, {"client_ids": frozenset("a")}, "Claim appid value of b is not allowed."),
]


@pytest.mark.parametrize(("check", "payload", "rules", "message"), MESSAGES, ids=[message for *_, message in MESSAGES])
def test_messages(check: Check, payload: dict[str, Any], rules: dict[str, Any], message: str) -> None:
    """Each refusal has its own text: on-error sections and logs tell them apart by it."""
    with pytest.raises(TokenError) as refused:
        check(payload, TokenRules(**rules), 1000)
    assert refused.value.message == f"{message} Access denied."


@pytest.mark.parametrize(
    ("value", "text"),
    [("x" * 120, "x" * 120), ("x" * 121, "x" * 120 + "..."), (["a", "b"], "a,b"), ([], ""), (True, "true")],
    ids=["just fits", "one too many", "list", "empty", "flag"],
)
def test_shown_values(value: object, text: str) -> None:
    """Up to 120 characters whole, several values with commas."""
    assert shown(value) == text
