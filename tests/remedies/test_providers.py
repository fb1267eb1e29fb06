"""Which service an issuer belongs to."""

from __future__ import annotations

import pytest

from gateway.remedies.providers import is_guid, provider_of, split, tenant_of

TENANT = "6a7f5b0a-6d4b-4e1e-9f0c-0d5f3b1d7a11"

CASES = {
    f"https://sts.windows.net/{TENANT}/": "Entra ID v1.0",
    f"https://login.microsoftonline.com/{TENANT}/v2.0": "Entra ID v2.0",
    f"https://login.microsoftonline.us/{TENANT}/v2.0": "Entra ID v2.0",
    f"https://login.microsoftonline.com/{TENANT}/v2.0/": "Azure AD B2C",
    f"https://contoso.b2clogin.com/{TENANT}/v2.0/": "Azure AD B2C",
    f"https://{TENANT}.ciamlogin.com/{TENANT}/v2.0": "Entra External ID",
    "https://contoso.eu.auth0.com/": "Auth0",
    "https://contoso.okta.com/oauth2/default": "Okta",
    "https://dev-1.oktapreview.com": "Okta",
    "https://sso.contoso.com/realms/main": "Keycloak",
    "https://sso.contoso.com/auth/realms/main": "Keycloak",
    "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc": "Amazon Cognito",
    "https://accounts.google.com": "Google",
    "accounts.google.com": "Google",
    "http://fs.contoso.com/adfs/services/trust": "AD FS",
    "https://fs.contoso.com/adfs": "AD FS",
    "https://token.actions.githubusercontent.com": "GitHub Actions",
    "http://127.0.0.1:8090/tenant/v2.0": "a local emulator",
    "https://auth0.com.evil.example/": "",
    "https://okta.com.evil.example": "",
    "https://issuer.example": "",
    "": "",
    "https://[": "",
    "not a URL": "",
}


@pytest.mark.parametrize(("issuer", "provider"), CASES.items())
def test_providers(issuer: str, provider: str) -> None:
    """Each provider is known by its issuers, and no other host is taken for one."""
    assert provider_of(issuer) == provider


def test_tenants() -> None:
    """The tenant is the GUID in the path, or in the host of External ID."""
    issuers = [
        f"https://sts.windows.net/{TENANT.upper()}/",
        f"https://{TENANT}.ciamlogin.com/",
        "https://issuer.example/x",
    ]
    assert list(map(tenant_of, [*issuers, "not a URL"])) == [TENANT, TENANT, "", ""]


def test_guids() -> None:
    """Only the form with hyphens is one."""
    assert is_guid(TENANT.upper())
    assert not is_guid(TENANT.replace("-", ""))
    assert not is_guid("orders")


def test_split() -> None:
    """Only absolute HTTP URLs are split."""
    assert [split(text) is None for text in ("https://a/b", "ftp://a", "https://", "a/b")] == [False, True, True, True]
