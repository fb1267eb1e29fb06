"""The usual reasons for an audience that is not accepted."""

from __future__ import annotations

import pytest

from gateway.remedies.audience import AUDIENCE, GRAPH
from gateway.remedies.facts import Claims, Facts, first
from tests.remedies.covering import unused

GUID = "6a7f5b0a-6d4b-4e1e-9f0c-0d5f3b1d7a11"
URI = "api://orders"
ENTRA: Claims = {"iss": f"https://login.microsoftonline.com/{GUID}/v2.0", "scp": "read"}
AUTH0: Claims = {"iss": "https://contoso.eu.auth0.com/", "scope": "read"}
OKTA: Claims = {"iss": "https://contoso.okta.com", "scp": ["read"]}
OKTA_CUSTOM: Claims = {"iss": "https://contoso.okta.com/oauth2/default", "scp": ["read"]}
KEYCLOAK: Claims = {"iss": "https://sso.contoso.com/realms/main", "scope": "read"}
COGNITO: Claims = {"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc", "scope": "read"}

CASES: list[tuple[str, str, Claims, str]] = [
    (URI, GRAPH, ENTRA, "Microsoft Graph"),
    (URI, "https://graph.microsoft.com", ENTRA, "Microsoft Graph"),
    (URI, "https://management.azure.com/", ENTRA, "Azure Resource Manager"),
    (URI, "https://vault.azure.net", ENTRA, f"Name your own API in the request: scope={URI}/.default"),
    (URI, "https://contoso.operations.dynamics.com", ENTRA, "Dynamics 365"),
    (URI, GUID, {"iss": ENTRA["iss"], "nonce": "n"}, "This is an ID token"),
    (URI, "client", {**COGNITO, "token_use": "id"}, "This is an ID token"),
    (URI, "client", {"iss": KEYCLOAK["iss"], "typ": "ID"}, "This is an ID token"),
    (URI, "client", {"iss": OKTA["iss"], "at_hash": "x"}, "This is an ID token"),
    (f"{URI}/.default", URI, ENTRA, "is a scope, not an audience"),
    (URI, "microsoft:identityserver:6731de76", {}, "resource={identifier"),
    (URI, "https://contoso.okta.com", OKTA, "organization authorization server"),
    (URI, "api://default", OKTA_CUSTOM, "setting of the authorization server"),
    (URI, "API://Orders", ENTRA, "differ in case only"),
    (f"api://{GUID}", GUID, ENTRA, f"accept the audience {GUID} too"),
    (URI, GUID, ENTRA, f"If {GUID} is the client id of {URI}"),
    (GUID, f"api://{GUID}", ENTRA, "v1 tokens carry the App ID URI: accept"),
    (GUID, URI, ENTRA, f"if {URI} is this API"),
    (GUID, f"spn:{GUID}", ENTRA, "spn: in front"),
    (URI, "https://contoso.eu.auth0.com/userinfo", AUTH0, "for Auth0's own API"),
    (URI, "https://contoso.eu.auth0.com/api/v2/", AUTH0, "audience={API identifier}"),
    (URI, "https://other", AUTH0, f"audience={URI}"),
    (URI, "", COGNITO, "require the claim client_id"),
    (URI, "1-a.apps.googleusercontent.com", {"iss": "https://accounts.google.com"}, "OAuth client's id"),
    (URI, "account", KEYCLOAK, "Audience mapper"),
    (URI, "", ENTRA, "The token has no aud"),
    (URI, "api://stock", ENTRA, ""),
    (URI, "api://stock", {}, ""),
]


def facts(expected: str, found: str, claims: Claims) -> Facts:
    """One audience against one."""
    return Facts(expected=(expected,), found=(found,) if found else (), claims=claims)


@pytest.mark.parametrize(("expected", "found", "claims", "said"), CASES)
def test_audiences(expected: str, found: str, claims: Claims, said: str) -> None:
    """Each usual mistake with an audience has its remedy; where nothing is known, nothing is guessed."""
    hint = first(AUDIENCE, facts(expected, found, claims))
    assert said in hint
    assert bool(said) == bool(hint)


def test_no_remedy_is_hidden() -> None:
    """Each remedy decides at least one case."""
    assert unused(AUDIENCE, [facts(*case[:3]) for case in CASES]) == []
