"""
Tokens for somebody else.

Source: Microsoft identity platform "Access tokens" and "ID tokens"; Auth0 "Audience"; Okta "Authorization servers";
Keycloak "Audience support"; Cognito "Using the access token"; AD FS "OpenID Connect/OAuth concepts".
"""

from __future__ import annotations

from gateway.remedies.facts import Facts, Remedy, listed
from gateway.remedies.providers import AUTH0, COGNITO, GOOGLE, KEYCLOAK, OKTA, is_guid, provider_of, split

GRAPH = "00000003-0000-0000-c000-000000000000"
_GRAPH = frozenset({GRAPH, "https://graph.microsoft.com", "https://graph.microsoft.com/"})
_AZURE = {
    "https://management.azure.com": "Azure Resource Manager",
    "https://management.core.windows.net": "Azure Resource Manager",
    "https://vault.azure.net": "Azure Key Vault",
    "https://storage.azure.com": "Azure Storage",
    "https://database.windows.net": "Azure SQL",
    "https://servicebus.azure.net": "Azure Service Bus",
    "https://eventhubs.azure.net": "Azure Event Hubs",
    "https://api.botframework.com": "the Bot Framework",
}
_DYNAMICS = (".dynamics.com", ".dynamics.cn")
_ID_TOKEN_ONLY = frozenset({"nonce", "at_hash", "c_hash"})


def is_for_graph(facts: Facts) -> bool:
    """Whether the token is one for Microsoft Graph."""
    return not _GRAPH.isdisjoint(facts.found)


def _graph(facts: Facts) -> str:
    if not is_for_graph(facts):
        return ""
    return "This is a token for Microsoft Graph. Ask for a scope of your own API, as in api://{client id}/.default."


def _azure(facts: Facts) -> str:
    service = next((_AZURE[audience.rstrip("/")] for audience in facts.found if audience.rstrip("/") in _AZURE), "")
    service = service or ("Dynamics 365" if any(_is_dynamics(audience) for audience in facts.found) else "")
    if not service:
        return ""
    wanted = next((wanted for wanted in facts.expected), "api://{client id}")
    return f"This is a token for {service}. Name your own API in the request: scope={wanted}/.default."


def _is_dynamics(audience: str) -> bool:
    parts = split(audience)
    return parts is not None and (parts.hostname or "").endswith(_DYNAMICS)


def is_id_token(facts: Facts) -> bool:
    """Whether the token looks like an ID token: made for the client that signed a user in, not for an API."""
    claims = facts.claims
    if claims.get("token_use") == "id" or str(claims.get("typ")).upper() == "ID":
        return True
    return "scp" not in claims and "scope" not in claims and not _ID_TOKEN_ONLY.isdisjoint(claims)


def _id_token(facts: Facts) -> str:
    if not is_id_token(facts):
        return ""
    return (
        "This is an ID token, which is for the client itself. Send the access token, requested for a scope of the API."
    )


def _scope_as_audience(facts: Facts) -> str:
    scope = next((wanted for wanted in facts.expected if wanted.endswith("/.default")), "")
    return f"{scope} is a scope, not an audience: in the policy, drop /.default." if scope else ""


def _guid_for_uri(facts: Facts) -> str:
    """Entra v2 tokens carry the API's client id, whatever was requested."""
    guids = [audience for audience in facts.found if is_guid(audience)]
    if not guids:
        return ""
    if f"api://{guids[0]}" in facts.expected:
        return f"v2 tokens carry the client id without api://: accept the audience {guids[0]} too."
    names = [wanted for wanted in facts.expected if wanted.startswith("api://")]
    if not names:
        return ""
    return (
        f"v2 tokens carry the API's client id, never its App ID URI. If {guids[0]} is the client id of {names[0]}, "
        "accept it too."
    )


def _uri_for_guid(facts: Facts) -> str:
    for audience in facts.found:
        if audience.startswith("spn:"):
            return f"Tokens of the oldest form carry spn: in front: accept the audience {audience} too."
        if audience.startswith("api://") and audience.removeprefix("api://") in facts.expected:
            return f"v1 tokens carry the App ID URI: accept the audience {audience} too."
        if audience.startswith("api://") and all(is_guid(wanted) for wanted in facts.expected):
            return f"v1 tokens carry the App ID URI: if {audience} is this API, accept that audience too."
    return ""


def _spelling(facts: Facts) -> str:
    by_lower = {wanted.lower().rstrip("/"): wanted for wanted in facts.expected}
    for audience in facts.found:
        wanted = by_lower.get(audience.lower().rstrip("/"))
        if wanted is not None:
            return f"Audiences are compared character by character: {audience} and {wanted} differ in case only."
    return ""


def _auth0(facts: Facts) -> str:
    if provider_of(facts.issuer) != AUTH0:
        return ""
    if any(audience.endswith(("/userinfo", "/api/v2/")) for audience in facts.found):
        return "This token is for Auth0's own API. Add audience={API identifier} to the request for the token."
    return f"Auth0 puts the API's identifier there: request the token with audience={listed(facts.expected)}."


def _okta(facts: Facts) -> str:
    issuer = split(facts.issuer)
    if issuer is None or provider_of(facts.issuer) != OKTA:
        return ""
    if not issuer.path.startswith("/oauth2/"):
        return (
            "This token is from Okta's organization authorization server and for Okta itself. Request it from a custom "
            "one, as in https://DOMAIN/oauth2/default."
        )
    return "In Okta the audience is a setting of the authorization server (Security, API): accept that one here."


def _keycloak(facts: Facts) -> str:
    if "account" not in facts.found and provider_of(facts.issuer) != KEYCLOAK:
        return ""
    return "Keycloak adds an API's audience only through a mapper: add an Audience mapper to the client's scopes."


def _cognito(facts: Facts) -> str:
    if provider_of(facts.issuer) != COGNITO or facts.found:
        return ""
    return "Access tokens of Cognito have no aud: leave audiences out, and require the claim client_id instead."


def _google(facts: Facts) -> str:
    if provider_of(facts.issuer) != GOOGLE:
        return ""
    return "Google's ID tokens carry the OAuth client's id: accept the client that asks for them."


def _ad_fs(facts: Facts) -> str:
    if not any(
        audience.startswith(("microsoft:identityserver:", "urn:microsoft:userinfo")) for audience in facts.found
    ):
        return ""
    return "AD FS issues this without a resource: request the token with resource={identifier of the Web API}."


def _missing(facts: Facts) -> str:
    return "The token has no aud. Let the issuer set one for this API." if facts.claims and not facts.found else ""


AUDIENCE: tuple[Remedy, ...] = (
    _graph, _azure, _id_token, _scope_as_audience, _ad_fs, _okta, _spelling, _guid_for_uri, _uri_for_guid, _auth0,
    _cognito, _google, _keycloak, _missing,
)  # fmt: skip
