"""A hint for each of the usual mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.tokens.explain import Explanation, explain
from gateway.tokens.keys import public_key
from gateway.tokens.rules import RequiredClaim, ScopeOrRole, TokenRules
from gateway.tokens.validator import KeySources, TokenValidator
from tests.tokens.explaining import GRAPH, validator
from tests.tokens.minting import (
    NOW,
    OTHER_TENANT,
    TENANT,
    V1,
    V2,
    Site,
    entra_site,
    rsa_key,
    token,
)


def hint(told: Explanation, name: str) -> str:
    """The hint of one step."""
    return next(step.hint for step in told.steps if step.name == name)


HINT_CASES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("lifetime", {}, {"exp": NOW - 7}, "expired 7 s ago"),
    ("lifetime", {}, {"nbf": NOW + 7}, "begins in 7 s"),
    ("lifetime", {}, {"exp": None}, "no exp"),
    ("audience", {"audiences": frozenset({f"api://{TENANT}"})}, {"aud": TENANT}, "v2 tokens carry the client id"),
    ("audience", {"audiences": frozenset({TENANT})}, {"aud": f"api://{TENANT}"}, "v1 tokens carry the App ID URI"),
    ("audience", {"audiences": frozenset({"api"})}, {"aud": GRAPH}, "Microsoft Graph"),
    ("audience", {"audiences": frozenset({"api"})}, {"aud": "x"}, ""),
    ("issuer", {}, {"iss": V1}, "v1.0 token"),
    ("issuer", {}, {"iss": V2 + "/"}, "final slash"),
    ("issuer", {}, {"iss": V2.replace(TENANT, OTHER_TENANT), "tid": OTHER_TENANT}, "another tenant"),
    ("issuer", {}, {"iss": "https://x.example"}, ""),
    ("issuer", {}, {"iss": None}, "no iss"),
    ("client application", {"client_ids": frozenset({"c"})}, {"azp": "d"}, "client-application-ids"),
    ("required claims", {"required_claims": (RequiredClaim("roles"),)}, {}, "No app role"),
    ("required claims", {"required_claims": (RequiredClaim("scp"),)}, {}, "no scp"),
    ("required claims", {"required_claims": (RequiredClaim("scp", ("a",)),)}, {"scp": "a b"}, 'separator=" "'),
    ("required claims", {"required_claims": (RequiredClaim("scope", ("a",)),)}, {"scope": "a b"}, 'separator=" "'),
    ("required claims", {"required_claims": (RequiredClaim("scope", ("b",)),)}, {"scope": "a"}, ""),
    ("required claims", {"required_claims": (RequiredClaim("oid"),)}, {"oid": None}, "profile scope"),
    ("required claims", {"required_claims": (RequiredClaim("r", ("a,b",)),)}, {"r": "a"}, "one value"),
    ("required claims", {"required_claims": (RequiredClaim("r", ("a",)),)}, {"r": "b"}, ""),
    ("scope or role", {"scope_or_role": ScopeOrRole(frozenset({"a"}))}, {"scp": "b"}, "user's token"),
    ("scope or role", {"scope_or_role": ScopeOrRole(frozenset({"a"}))}, {}, "No app role"),
    ("type", {"types": frozenset({"at+jwt"})}, {}, ""),
]


@pytest.mark.parametrize(("name", "rules", "changes", "expected"), HINT_CASES)
def test_hints(name: str, rules: dict[str, Any], changes: dict[str, Any], expected: str) -> None:
    """The usual mistakes with Entra are named; where nothing is known, nothing is guessed."""
    found = hint(explain(validator(**rules), token(**changes), NOW), name)
    assert expected in found
    assert bool(expected) == bool(found)


def test_v2_token_where_v1_is_accepted() -> None:
    """The mirror image of the commonest mistake."""
    keys = KeySources(inline=(public_key(rsa_key().public_key()),))
    told = explain(TokenValidator(TokenRules(issuers=frozenset({V1})), keys), token(), NOW)
    assert "v2.0 token" in hint(told, "issuer")


def test_a_tenant_where_no_issuer_is_known() -> None:
    """If no issuer is accepted, there is no hint about another tenant."""
    keys = KeySources(inline=(public_key(rsa_key().public_key()),))
    assert hint(explain(TokenValidator(TokenRules(), keys), token(), NOW), "issuer") == ""


KEY_HINTS = [
    (entra_site(), {"header": {"nonce": "x", "kid": "k9"}}, "Microsoft Graph"),
    (entra_site(), {"header": {"kid": "k9"}, "aud": GRAPH}, "Microsoft Graph"),
    (entra_site(), {"header": {"kid": "k9"}}, "?appid="),
    (entra_site(), {"header": {"kid": "k9"}, "iss": "https://x.example"}, ""),
    (Site(), {}, "503"),
]


@pytest.mark.parametrize(("site", "changes", "expected"), KEY_HINTS)
def test_key_hints(site: Site, changes: dict[str, Any], expected: str) -> None:
    """A signature that no key made has its own usual causes."""
    assert expected in hint(explain(validator(site), token(**changes), NOW), "signature")


@pytest.mark.parametrize(("changes", "warned"), [({}, True), ({"oid": "s1"}, False), ({"oid": None}, False)])
def test_subject_is_not_the_object_id(changes: dict[str, Any], warned: bool) -> None:
    """Where sub and oid differ, a note says which one is the object id."""
    assert bool(explain(validator(), token(**changes), NOW).note) is warned
