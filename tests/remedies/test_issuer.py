"""The usual reasons for an issuer that is not accepted."""

from __future__ import annotations

import pytest

from gateway.remedies.facts import Facts, first
from gateway.remedies.issuer import ISSUER, PERSONAL_ACCOUNTS
from tests.remedies.covering import unused

TENANT, OTHER = "6a7f5b0a-6d4b-4e1e-9f0c-0d5f3b1d7a11", "0f0c2d4e-91b2-4a57-8c3d-5e6f7a8b9c0d"
V1, V2 = f"https://sts.windows.net/{TENANT}/", f"https://login.microsoftonline.com/{TENANT}/v2.0"
B2C = f"https://contoso.b2clogin.com/{TENANT}/v2.0/"
AUTH0, OKTA = "https://contoso.eu.auth0.com/", "https://contoso.okta.com"
REALM = "https://sso.contoso.com/realms/main"
POOL = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc"
AD_FS = "https://fs.contoso.com/adfs"

CASES: list[tuple[str, str, str]] = [
    (V2, "", "no iss"),
    ("https://login.microsoftonline.com/{tenantid}/v2.0", V2, "placeholder"),
    ("https://login.microsoftonline.com/TENANT/v2.0", V2, "placeholder"),
    (V2, V2 + "/", "final slash"),
    (V2, V2.replace("microsoft", "Microsoft"), "case differ"),
    (REALM, REALM.replace("https", "http"), "only the scheme differs"),
    ("https://accounts.google.com", "accounts.google.com", "with and without https://"),
    (V2, V1, "requestedAccessTokenVersion"),
    (V1, V2, "This is a v2.0 token"),
    (B2C, f"https://contoso.b2clogin.com/tfp/{TENANT}/b2c_1_signin/v2.0/", "same B2C tenant"),
    (B2C, f"https://login.contoso.com/{TENANT}/v2.0/", "same B2C tenant"),
    (V2, f"https://{TENANT}.ciamlogin.com/{TENANT}/v2.0", "External ID signs at"),
    (
        f"https://contoso.ciamlogin.com/{TENANT}/v2.0",
        f"https://{TENANT}.ciamlogin.com/{TENANT}/v2.0",
        "tenant's GUID in",
    ),
    (V2, f"https://login.microsoftonline.com/{PERSONAL_ACCOUNTS}/v2.0", "personal Microsoft account"),
    (V2, f"https://login.microsoftonline.us/{TENANT}/v2.0", "another host of Microsoft's"),
    (V2, V2.replace(TENANT, OTHER), "another tenant"),
    (V2, V1.replace(TENANT, OTHER), "another tenant"),
    (AUTH0, "https://login.contoso.com/", "a custom domain differ"),
    (OKTA + "/oauth2/default", OKTA, "different issuers"),
    (REALM, "http://keycloak:8080/auth/realms/main", "same realm under another address"),
    (REALM, "https://sso.contoso.com/realms/test", "another realm"),
    (POOL, POOL.replace("abc", "def"), "another user pool"),
    (AD_FS, "http://fs.contoso.com/adfs/services/trust", "access_token_issuer"),
    ("https://issuer.example", "http://127.0.0.1:8090/tenant", "client's own machine"),
    (V2, "https://token.actions.githubusercontent.com", "comes from GitHub Actions, and Entra ID v2.0 is accepted"),
    (V2, "https://issuer.example", ""),
    ("https://issuer.example", "https://other.example", ""),
    ("https://issuer.example", "not a URL", ""),
    ("https://issuer.example", "https://[", ""),
]


def facts(expected: str, issuer: str) -> Facts:
    """One issuer against one."""
    return Facts(expected=(expected,), found=(issuer,), claims={"iss": issuer, "sub": "s"})


@pytest.mark.parametrize(("expected", "issuer", "said"), CASES)
def test_issuers(expected: str, issuer: str, said: str) -> None:
    """Each usual mistake with an issuer has its remedy; where nothing is known, nothing is guessed."""
    hint = first(ISSUER, facts(expected, issuer))
    assert said in hint
    assert bool(said) == bool(hint)


def test_both_versions_are_accepted() -> None:
    """Where v1 and v2 of a tenant are accepted, a token of another tenant is not called one of the wrong version."""
    other = V1.replace(TENANT, OTHER)
    assert "another tenant" in first(ISSUER, Facts(expected=(V1, V2), claims={"iss": other}))


def test_no_remedy_is_hidden() -> None:
    """Each remedy decides at least one case."""
    assert unused(ISSUER, [facts(*case[:2]) for case in CASES]) == []
