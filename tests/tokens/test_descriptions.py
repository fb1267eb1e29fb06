"""What each check expected and what it found."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.tokens.explain import explain
from gateway.tokens.rules import RequiredClaim
from tests.tokens.explaining import GOOD, RULES, validator
from tests.tokens.minting import (
    NOW,
    token,
)


def test_expected_and_found() -> None:
    """A failed step shows what was wanted and what was there."""
    told = explain(validator(**RULES), token(**GOOD, aud="x"), NOW)
    (step,) = [step for step in told.steps if step.decisive]
    assert (step.name, step.expected, step.found, step.reason) == ("audience", "api", "x", "TokenAudienceNotAllowed")


ROLES = RequiredClaim("roles", ("A", "B"), "any")
SPLIT = RequiredClaim("scp", ("read",), separator=" ")
WORDS: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    (
        "lifetime",
        {},
        {"nbf": NOW - 60, "exp": NOW + 60},
        "nbf <= 2027-01-15T08:00:00+00:00 <= exp",
        "nbf 2027-01-15T07:59:00+00:00, exp 2027-01-15T08:01:00+00:00",
    ),
    (
        "lifetime",
        {"clock_skew_s": 90.0},
        {"nbf": None, "exp": NOW},
        "nbf <= 2027-01-15T08:00:00+00:00 <= exp, 90 s of skew",
        "nbf (none), exp 2027-01-15T08:00:00+00:00",
    ),
    ("audience", {"audiences": frozenset({"b", "a"})}, {"aud": ["x", "a"]}, "a or b", "x,a"),
    ("client application", {"client_ids": frozenset({"c"})}, {"azp": "d", "appid": "e"}, "c", "azp d"),
    ("client application", {"client_ids": frozenset({"c"})}, {"appid": "e"}, "c", "appid e"),
    ("client application", {"client_ids": frozenset({"c"})}, {}, "c", "appid (none)"),
    ("maximum lifetime", {"max_lifetime_s": 7_200}, {"iat": None}, "at most 7200 s", "iat (none)"),
    ("deny-list", {"denied_ids": frozenset({"a", "b"})}, {"jti": "c"}, "none of 2 denied ids", "c"),
    ("deny-list", {}, {}, "", "(none)"),
    ("binding", {}, {}, "cnf: refuse", "not bound"),
    ("binding", {"confirmation": "ignore"}, {"cnf": {}}, "cnf: ignore", "bound"),
    ("required claims", {"required_claims": (ROLES,)}, {"roles": "A"}, "roles has any of A, B", "roles A"),
    (
        "required claims",
        {"required_claims": (RequiredClaim("oid"), SPLIT)},
        {"oid": None, "scp": "read"},
        "oid is present; scp has all of read, split at ' '",
        "oid (none); scp read",
    ),
]


@pytest.mark.parametrize(("name", "rules", "claims", "expected", "found"), WORDS)
def test_words(name: str, rules: dict[str, Any], claims: dict[str, Any], expected: str, found: str) -> None:
    """Rules and claims are shown as they are, what is missing as missing."""
    told = explain(validator(**rules), token(**claims), NOW)
    (step,) = [step for step in told.steps if step.name == name]
    assert (step.expected, step.found) == (expected, found)
