"""The usual reasons for a claim that is missing or has another value."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.remedies.claims import CLAIM, client, scope_or_role
from gateway.remedies.facts import Facts, first
from tests.remedies.covering import unused

CASES: list[tuple[dict[str, Any], str]] = [
    ({"claim": "Roles", "claims": {"roles": ["A"]}}, "the token has roles"),
    ({"claim": "scp", "claims": {"scope": "read"}}, "writes scopes into scope"),
    ({"claim": "scope", "claims": {"scp": "read"}}, "writes scopes into scp"),
    ({"claim": "groups", "claims": {"_claim_names": {"groups": "src1"}}}, "more groups than fit"),
    ({"claim": "groups", "claims": {"hasgroups": "true"}}, "more groups than fit"),
    ({"claim": "roles", "claims": {"realm_access": {"roles": ["A"]}}}, "Keycloak nests roles"),
    ({"claim": "roles", "claims": {"iss": "https://sso.example/realms/main"}}, "Keycloak nests roles"),
    ({"claim": "roles", "claims": {"cognito:groups": ["A"]}}, "cognito:groups"),
    ({"claim": "roles", "claims": {"iss": "https://contoso.auth0.com/"}}, "claim permissions"),
    ({"claim": "roles", "claims": {"sub": "s"}}, "No app role was granted"),
    ({"claim": "scp", "claims": {"sub": "s"}}, "ask for roles"),
    ({"claim": "oid", "claims": {"sub": "s"}}, "profile scope"),
    ({"claim": "appid", "claims": {"azp": "c"}}, "v2.0 tokens carry the client in azp"),
    ({"claim": "scp", "claims": {"scp": "a b"}, "found": ("a b",), "expected": ("a",)}, 'separator=" "'),
    ({"claim": "roles", "claims": {"roles": []}, "found": ("Batch.start",), "expected": ("Batch.Start",)}, "case only"),
    ({"claim": "scp", "claims": {"scp": ""}, "found": ("Read",), "expected": ("api://orders/Read",)}, "require Read"),
    ({"claim": "r", "claims": {"r": "a"}, "found": ("a",), "expected": ("a,b",)}, "A value with commas"),
    ({"claim": "r", "claims": {"r": "a"}, "found": ("a",), "expected": ("b",)}, ""),
    ({"claim": "r", "claims": {"sub": "s"}, "expected": ("b",)}, ""),
    ({"claim": "scp", "claims": {"scp": "a b"}, "found": ("a b",), "expected": ("c",), "separator": " "}, ""),
]


@pytest.mark.parametrize(("known", "said"), CASES)
def test_claims(known: dict[str, Any], said: str) -> None:
    """Each usual mistake with a claim has its remedy; where nothing is known, nothing is guessed."""
    hint = first(CLAIM, Facts(**known))
    assert said in hint
    assert bool(said) == bool(hint)


def test_no_remedy_is_hidden() -> None:
    """Each remedy decides at least one case."""
    assert unused(CLAIM, [Facts(**known) for known, _ in CASES]) == []


def test_scope_or_role() -> None:
    """A user's token lacks a scope, an application's a role."""
    assert "scp lacks" in scope_or_role(Facts(claims={"scp": "read"}))
    assert "No app role" in scope_or_role(Facts(claims={"azp": "c"}))


def test_client() -> None:
    """An application that is not listed can be listed."""
    assert "client-application-ids" in client(Facts(found=("c",)))
    assert client(Facts()) == ""
