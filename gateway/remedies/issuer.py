"""
Tokens of another issuer, and of the right one by another name.

Source: Microsoft identity platform "Access tokens"; Azure AD B2C "Overview of tokens" and "b2clogin.com"; Auth0
"Custom domains"; Keycloak "Hostname"; Google "OpenID Connect"; AD FS "OpenID Connect/OAuth flows".
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.remedies.facts import Facts, Remedy, listed
from gateway.remedies.providers import (
    AD_FS,
    AUTH0,
    B2C,
    COGNITO,
    ENTRA_V1,
    ENTRA_V2,
    EXTERNAL_ID,
    GOOGLE,
    KEYCLOAK,
    LOCAL,
    OKTA,
    provider_of,
    split,
    tenant_of,
)

PERSONAL_ACCOUNTS = "9188040d-6c67-4c5b-b112-36a304b66dad"


def _placeholder(facts: Facts) -> str:
    if not any("{tenant" in wanted.lower() or "/TENANT/" in wanted for wanted in facts.expected):
        return ""
    return "The accepted issuer still has a placeholder for the tenant: replace it by the tenant's GUID."


def _spelling(facts: Facts) -> str:
    issuer = facts.issuer
    for wanted in facts.expected:
        if issuer.rstrip("/") == wanted.rstrip("/"):
            return f"Issuers are compared character by character; only the final slash differs: write {issuer}."
        if issuer.lower().rstrip("/") == wanted.lower().rstrip("/"):
            return f"Issuers are compared character by character; only upper and lower case differ: write {issuer}."
        if issuer.partition("://")[2] == wanted.partition("://")[2] != "":
            return f"Issuers are compared character by character; only the scheme differs: write {issuer}."
    return ""


def _google(facts: Facts) -> str:
    if provider_of(facts.issuer) != GOOGLE:
        return ""
    return f"Google signs as accounts.google.com with and without https://: accept the issuer {facts.issuer} too."


def _version(facts: Facts) -> str:
    """The commonest of Entra's: the API's registration determines the version, not the URL that the client asked."""
    provider, same_tenant = provider_of(facts.issuer), set(_providers_of_tenant(facts))
    if provider == ENTRA_V1 and ENTRA_V1 not in same_tenant and ENTRA_V2 in same_tenant:
        return (
            "This is a v1.0 token, and v2.0 is accepted. The API's registration decides the version: set "
            f"requestedAccessTokenVersion to 2, or accept the issuer {facts.issuer} too."
        )
    if provider == ENTRA_V2 and ENTRA_V2 not in same_tenant and ENTRA_V1 in same_tenant:
        return (
            "This is a v2.0 token, and v1.0 is accepted. Use the v2.0 metadata URL, or accept the issuer "
            f"{facts.issuer} too."
        )
    return ""


def _providers_of_tenant(facts: Facts) -> Iterator[str]:
    tenant = tenant_of(facts.issuer)
    return (provider_of(wanted) for wanted in facts.expected if tenant and tenant_of(wanted) == tenant)


def _b2c(facts: Facts) -> str:
    if B2C not in {provider_of(facts.issuer), *map(provider_of, facts.expected)}:
        return ""
    issuer, same = split(facts.issuer), {tenant_of(wanted) for wanted in facts.expected}
    if issuer is None or tenant_of(facts.issuer) not in same:
        return ""
    return (
        f"It is the same B2C tenant under another address. Use the metadata at https://{issuer.hostname}/…/v2.0/"
        f".well-known/openid-configuration for the user flow that signed the user in, or accept {facts.issuer} too."
    )


def _external_id(facts: Facts) -> str:
    if EXTERNAL_ID not in {provider_of(facts.issuer), *map(provider_of, facts.expected)}:
        return ""
    if ENTRA_V2 in map(provider_of, [facts.issuer, *facts.expected]):
        return "External ID signs at TENANT.ciamlogin.com, not at login.microsoftonline.com: use the metadata there."
    return "External ID signs with the tenant's GUID in host and path, whichever name the metadata was fetched by."


def _personal(facts: Facts) -> str:
    if tenant_of(facts.issuer) != PERSONAL_ACCOUNTS:
        return ""
    return "A personal Microsoft account signed in. Let people choose a work account, or accept that tenant too."


def _cloud(facts: Facts) -> str:
    own, hosts = split(facts.issuer), _hosts_of_tenant(facts)
    if own is None or provider_of(facts.issuer) not in {ENTRA_V1, ENTRA_V2} or own.hostname in {None, *hosts}:
        return ""
    place = f"at another host of Microsoft's, {own.hostname}"
    return f"It is the same tenant {place}: use that cloud's metadata URL." if hosts else ""


def _hosts_of_tenant(facts: Facts) -> set[str]:
    tenant = tenant_of(facts.issuer)
    accepted = [split(wanted) for wanted in facts.expected if tenant and tenant_of(wanted) == tenant]
    return {parts.hostname for parts in accepted if parts and parts.hostname}


def _other_tenant(facts: Facts) -> str:
    tenant = tenant_of(facts.issuer)
    if not tenant or not facts.expected or not any(tenant_of(wanted) for wanted in facts.expected):
        return ""
    return "The token comes from another tenant. Sign in to the accepted one, or accept this tenant on purpose."


def _auth0(facts: Facts) -> str:
    if AUTH0 not in {provider_of(facts.issuer), *map(provider_of, facts.expected)}:
        return ""
    return "Auth0 signs by the domain that was asked, with a final slash: the tenant's and a custom domain differ."


def _okta(facts: Facts) -> str:
    if provider_of(facts.issuer) != OKTA:
        return ""
    return "Okta's authorization servers are different issuers: https://DOMAIN, …/oauth2/default and …/oauth2/{id}."


def _keycloak(facts: Facts) -> str:
    if provider_of(facts.issuer) != KEYCLOAK:
        return ""
    own, other = split(facts.issuer), next((split(wanted) for wanted in facts.expected if split(wanted)), None)
    if own and other and own.path.removeprefix("/auth") == other.path.removeprefix("/auth"):
        return (
            "It is the same realm under another address: Keycloak signs by the host that the client used, and before "
            "version 17 below /auth. Set its hostname option, or accept this issuer too."
        )
    return "The token comes from another realm or another Keycloak."


def _cognito(facts: Facts) -> str:
    if provider_of(facts.issuer) != COGNITO:
        return ""
    return (
        "The token comes from another user pool or region: the issuer is https://cognito-idp.REGION.amazonaws.com/POOL."
    )


def _ad_fs(facts: Facts) -> str:
    if provider_of(facts.issuer) != AD_FS:
        return ""
    return (
        "AD FS signs access tokens as access_token_issuer of its metadata, …/adfs/services/trust: accept that one too."
    )


def _local(facts: Facts) -> str:
    if provider_of(facts.issuer) != LOCAL:
        return ""
    return "The token comes from an issuer on the client's own machine, such as an emulator."


def _missing(facts: Facts) -> str:
    return "" if facts.issuer or not facts.claims else "The token has no iss, so nobody vouches for it."


def _other(facts: Facts) -> str:
    wanted = sorted({provider_of(wanted) for wanted in facts.expected} - {""})
    provider = provider_of(facts.issuer)
    return f"The token comes from {provider}, and {listed(wanted)} is accepted." if provider and wanted else ""


ISSUER: tuple[Remedy, ...] = (
    _missing, _placeholder, _spelling, _google, _version, _b2c, _external_id, _personal, _cloud, _other_tenant, _auth0,
    _okta, _keycloak, _cognito, _ad_fs, _local, _other,
)  # fmt: skip
