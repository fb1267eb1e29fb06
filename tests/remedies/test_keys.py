"""The usual reasons for a signature that no key verifies."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.remedies.audience import GRAPH
from gateway.remedies.facts import Facts, first
from gateway.remedies.keys import UNKNOWN_KEY, unknown_key
from tests.remedies.covering import unused

TENANT = "6a7f5b0a-6d4b-4e1e-9f0c-0d5f3b1d7a11"
V2 = f"https://login.microsoftonline.com/{TENANT}/v2.0"
RS256 = {"alg": "RS256", "kid": "k"}
ACCEPTED = frozenset({"https://issuer.example"})

CASES: list[tuple[dict[str, Any], str]] = [
    ({"header": {**RS256, "nonce": "n"}}, "Microsoft Graph"),
    ({"header": RS256, "found": (GRAPH,)}, "Microsoft Graph"),
    ({"header": RS256, "keys_missing": True}, "503"),
    ({"header": {"alg": "none"}}, "unsigned"),
    ({"header": {"alg": "HS256"}, "claims": {"iss": "https://contoso.auth0.com/"}}, "signing algorithm to RS256"),
    ({"header": {"alg": "HS512"}, "claims": {"iss": "https://issuer.example"}}, "shared secret"),
    ({"header": RS256, "claims": {"iss": "http://localhost:8090/x"}}, "emulator"),
    ({"header": RS256, "claims": {"iss": "https://contoso.okta.com"}}, "organization authorization server"),
    ({"header": RS256, "claims": {"iss": "https://other.example"}, "issuers": ACCEPTED}, "other.example issued it"),
    ({"header": RS256, "claims": {"iss": V2}, "issuers": ACCEPTED}, "the keys of https://issuer.example are"),
    ({"header": RS256, "claims": {"iss": V2}, "issuers": frozenset({V2})}, "?appid="),
    ({"header": RS256, "claims": {"iss": V2.replace("6a7f", "6a7e")}, "issuers": frozenset({V2})}, "?appid="),
    ({"header": RS256, "claims": {"iss": f"https://contoso.b2clogin.com/{TENANT}/v2.0/"}}, "keys for each user flow"),
    ({"header": {"alg": "RS256"}}, "does not name its key"),
    ({"header": RS256, "claims": {"iss": "https://issuer.example"}, "issuers": ACCEPTED}, ""),
    ({"header": RS256}, ""),
]


@pytest.mark.parametrize(("known", "said"), CASES)
def test_keys(known: dict[str, Any], said: str) -> None:
    """Each usual reason for an unknown key has its remedy; where nothing is known, nothing is guessed."""
    hint = first(UNKNOWN_KEY, Facts(**known))
    assert said in hint
    assert bool(said) == bool(hint)


def test_no_remedy_is_hidden() -> None:
    """Each remedy decides at least one case."""
    assert unused(UNKNOWN_KEY, [Facts(**known) for known, _ in CASES]) == []


@pytest.mark.parametrize(
    ("reason", "said"),
    [("TokenSignatureInvalid", "altered, cut"), ("TokenSignatureKeyNotFound", "another environment")],
)
def test_in_general(reason: str, said: str) -> None:
    """A known key and an unknown one call for different remedies."""
    assert said in unknown_key(Facts(reason=reason))
