"""
Claims that are missing or have another value.

Source: Microsoft identity platform "Access token claims reference" and "App roles"; Auth0 "RBAC"; Okta "Scopes";
Keycloak "Roles in tokens"; Cognito "Using the access token"; RFC 9068 section 2.2.3.
"""

from __future__ import annotations

from gateway.remedies.facts import Facts, Remedy
from gateway.remedies.providers import AUTH0, COGNITO, KEYCLOAK, provider_of

_MISSING = {
    "roles": "No app role was granted: assign one to the caller and, for applications, give admin consent.",
    "scp": "Tokens of applications have no scp; ask for roles, or let a user sign in.",
    "oid": "oid is missing: v2.0 user tokens have it only with the profile scope.",
    "groups": "Groups are an optional claim: add it to the API's registration, or use app roles.",
    "upn": "upn is an optional claim of v2.0 tokens: add it to the API's registration, or use oid.",
    "appid": "v2.0 tokens carry the client in azp, v1.0 tokens in appid: require the one of your tokens.",
    "azp": "v1.0 tokens carry the client in appid, v2.0 tokens in azp: require the one of your tokens.",
    "email": "email is an optional claim, and not verified for guests: use oid, which never changes.",
    "idtyp": "idtyp is an optional claim: add it to the API's registration.",
    "tid": "Only tokens of Microsoft Entra have tid.",
}
_NESTED = "Keycloak nests roles in realm_access: add a mapper that writes them into a claim of its own, roles."
_GROUPS = "Cognito writes groups into cognito:groups: require that claim."
_ROLES_ELSEWHERE = {  # by a claim that gives it away, or by provider
    "realm_access": _NESTED,
    "resource_access": _NESTED,
    "cognito:groups": _GROUPS,
    KEYCLOAK: _NESTED,
    COGNITO: _GROUPS,
    AUTH0: "Auth0 writes permissions into the claim permissions, if RBAC is on for the API; roles need an Action.",
}
_SCOPES = frozenset({"scp", "scope"})


def _other_spelling(facts: Facts) -> str:
    near = [name for name in facts.claims if name.lower() == facts.claim.lower() and name != facts.claim]
    if facts.claim in facts.claims or not near:
        return ""
    return f"Names of claims are compared character by character: the token has {near[0]}."


def _scope_under_another_name(facts: Facts) -> str:
    other = "scope" if facts.claim == "scp" else "scp"
    if facts.claim not in _SCOPES or facts.claim in facts.claims or other not in facts.claims:
        return ""
    return f"This issuer writes scopes into {other}: require that claim."


def _overage(facts: Facts) -> str:
    if facts.claim != "groups" or not {"_claim_names", "hasgroups"} & set(facts.claims):
        return ""
    return "The user has more groups than fit into a token: use app roles, or groups assigned to the application only."


def _nested_roles(facts: Facts) -> str:
    if facts.claim in facts.claims or facts.found or facts.claim != "roles":
        return ""
    where = next((_ROLES_ELSEWHERE[name] for name in _ROLES_ELSEWHERE if name in facts.claims), "")
    return where or _ROLES_ELSEWHERE.get(provider_of(facts.issuer), "")


def _missing(facts: Facts) -> str:
    return "" if facts.claim in facts.claims or facts.found else _MISSING.get(facts.claim, "")


def _several_scopes(facts: Facts) -> str:
    values = " ".join(facts.found)
    if facts.separator or facts.claim not in _SCOPES or " " not in values:
        return ""
    return f'{facts.claim} is one text of several scopes: add separator=" " to the claim.'


def _case(facts: Facts) -> str:
    held = {text.lower(): text for text in facts.found}
    differing = [wanted for wanted in facts.expected if held.get(wanted.lower(), wanted) != wanted]
    if not differing:
        return ""
    wanted = differing[0]
    return f"Values are compared character by character: {held[wanted.lower()]} and {wanted} differ in case only."


def _full_scope(facts: Facts) -> str:
    """The client asks for api://…/Read, and the token then has Read."""
    for wanted in facts.expected:
        if "/" in wanted and wanted.rpartition("/")[2] in " ".join(facts.found).split():
            return f"Tokens carry the short name of a scope: require {wanted.rpartition('/')[2]}."
    return ""


def _commas(facts: Facts) -> str:
    if facts.separator or facts.claim not in facts.claims or not any("," in wanted for wanted in facts.expected):
        return ""
    return "A value with commas is one value; the separator splits the token's claim, never the policy's text."


CLAIM: tuple[Remedy, ...] = (
    _other_spelling, _scope_under_another_name, _overage, _nested_roles, _missing, _several_scopes, _case, _full_scope,
    _commas,
)  # fmt: skip


def scope_or_role(facts: Facts) -> str:
    """Where one of several scopes or roles would do."""
    if "scp" in facts.claims or "scope" in facts.claims:
        return "This is a user's token: its scp lacks the scope."
    return "No app role was granted to the application."


def client(facts: Facts) -> str:
    """Where another application calls."""
    return "Add the calling application to client-application-ids, if it may call this API." if facts.found else ""
