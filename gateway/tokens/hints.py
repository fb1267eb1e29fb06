"""
What usually is behind a refusal, above all with Microsoft Entra ID.

Source: Microsoft identity platform, "Access tokens" and "Access token claims reference".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.tokens.checks import TokenEvidence
from gateway.tokens.compact import Jws
from gateway.tokens.descriptions import published_issuers
from gateway.tokens.entra import GUID
from gateway.tokens.jwt import claim_values
from gateway.tokens.rules import Payload, RequiredClaim

GRAPH = "00000003-0000-0000-c000-000000000000"
GRAPH_AUDIENCES = frozenset({GRAPH, "https://graph.microsoft.com", "https://graph.microsoft.com/"})


def hint_for(check: str, evidence: TokenEvidence) -> str:
    """A hint for a check that failed; empty when there is none."""
    return HINTS[check](evidence) if check in HINTS else ""


def hint_for_key(jws: Jws, issuer_is_down: bool) -> str:
    """A hint for a signature that no key verifies."""
    if "nonce" in jws.header or _is_for_graph(jws):
        return "This is a token for Microsoft Graph: no other API can verify it. Ask for a token for your own API."
    if issuer_is_down:
        return "An issuer's keys could not be fetched; the gateway answers 503 until they are."
    if "login.microsoftonline.com" in str(jws.payload.get("iss")) or "sts.windows.net" in str(jws.payload.get("iss")):
        return "An application with its own signing key or claims mapping needs ?appid={client id} at the metadata URL."
    return ""


def identity_note(jws: Jws) -> str:
    """A warning if ``sub`` may be mistaken for the caller's object id; empty if it is that id."""
    subject, object_id = jws.payload.get("sub"), jws.payload.get("oid")
    if object_id is None or subject == object_id:
        return ""
    return "sub is not the object id of this user: it differs for every client application. The object id is in oid."


def _is_for_graph(jws: Jws) -> bool:
    return "aud" in jws.payload and not GRAPH_AUDIENCES.isdisjoint(claim_values(jws.payload["aud"]))


def _lifetime(evidence: TokenEvidence) -> str:
    expires, starts = evidence.jws.payload.get("exp"), evidence.jws.payload.get("nbf")
    if isinstance(expires, int | float) and expires < evidence.now:
        return f"It expired {evidence.now - expires:.0f} s ago."
    if isinstance(starts, int | float) and starts > evidence.now:
        return f"It begins in {starts - evidence.now:.0f} s. Without clock-skew no difference of clocks is tolerated."
    return ""


def _audience(evidence: TokenEvidence) -> str:
    if _is_for_graph(evidence.jws):
        return "This is a token for Microsoft Graph. Ask for a scope of your own API, as in api://{client id}/.default."
    audiences = claim_values(evidence.jws.payload.get("aud", ""))
    accepted = evidence.rules.audiences or frozenset()
    for audience in audiences:
        if f"api://{audience}" in accepted:
            return f"v2 tokens carry the client id without api://: accept the audience {audience} too."
        if audience.removeprefix("api://") in accepted:
            return f"v1 tokens carry the App ID URI: accept the audience {audience} too."
    return ""


def _issuer(evidence: TokenEvidence) -> str:
    issuer = evidence.jws.payload.get("iss")
    if not isinstance(issuer, str):
        return ""
    accepted = evidence.rules.issuers | published_issuers(evidence)
    if issuer + "/" in accepted or issuer.removesuffix("/") in accepted:
        return "Issuers are compared exactly; here only the final slash differs."
    tenant = GUID.search(issuer)
    if tenant is None:
        return ""
    if any(tenant.group() in accepted_issuer for accepted_issuer in accepted):
        return _version_hint(issuer)
    return "The token comes from another tenant." if accepted else ""


def _version_hint(issuer: str) -> str:
    if issuer.startswith("https://sts."):
        return (
            f"This is a v1.0 token, and v2.0 is accepted. The API's registration decides the version: set "
            f"requestedAccessTokenVersion to 2, or accept the issuer {issuer} too."
        )
    if issuer.endswith("/v2.0"):
        return (
            f"This is a v2.0 token, and v1.0 is accepted. Use the v2.0 metadata URL, or accept the issuer {issuer} too."
        )
    return "The token comes from another tenant."


def _required(evidence: TokenEvidence) -> str:
    payload = evidence.jws.payload
    hints = (_claim_hint(claim, payload) for claim in evidence.rules.required_claims)
    return next(filter(None, hints), "")


_MISSING_CLAIMS = {
    "roles": "No app role was granted: assign one to the caller and, for applications, give admin consent.",
    "scp": "Tokens of applications have no scp; ask for roles, or let a user sign in.",
    "oid": "oid is missing: v2.0 user tokens have it only with the profile scope.",
}


def _claim_hint(claim: RequiredClaim, payload: Payload) -> str:
    if claim.name not in payload:
        return _MISSING_CLAIMS.get(claim.name, "")
    if claim.separator:
        return ""
    if claim.name in {"scp", "scope"} and " " in str(payload[claim.name]):
        return f'{claim.name} is one text of several scopes: add separator=" " to the claim.'
    if any("," in value for value in claim.values):
        return "A value with commas is one value; the separator splits the token's claim, never the policy's text."
    return ""


def _scope_or_role(evidence: TokenEvidence) -> str:
    is_user = "scp" in evidence.jws.payload
    return (
        "This is a user's token: its scp lacks the scope." if is_user else "No app role was granted to the application."
    )


HINTS: Mapping[str, Callable[[TokenEvidence], str]] = {
    "lifetime": _lifetime,
    "audience": _audience,
    "issuer": _issuer,
    "scope or role": _scope_or_role,
    "required claims": _required,
}
