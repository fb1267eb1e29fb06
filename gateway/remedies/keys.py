"""
Signatures that no key verifies.

Source: RFC 7515 section 4.1.4; Microsoft identity platform "Access tokens", signing keys of an application; Auth0
"Signing algorithms"; Azure AD B2C, keys per user flow.
"""

from __future__ import annotations

from gateway.remedies.audience import is_for_graph
from gateway.remedies.facts import Facts, Remedy, listed, text_of
from gateway.remedies.providers import AUTH0, B2C, ENTRA_V1, ENTRA_V2, LOCAL, OKTA, provider_of, split


def _graph(facts: Facts) -> str:
    if "nonce" not in facts.header and not is_for_graph(facts):
        return ""
    return "This is a token for Microsoft Graph: no other API can verify it. Ask for a token for your own API."


def _down(facts: Facts) -> str:
    if not facts.keys_missing:
        return ""
    return "An issuer's keys could not be fetched; the gateway answers 503 until they are."


def _unsigned(facts: Facts) -> str:
    if facts.header.get("alg") != "none":
        return ""
    return "The token is unsigned (alg none): anybody can make one. Let the issuer sign it."


def _shared_secret(facts: Facts) -> str:
    if not text_of(facts.header.get("alg")).startswith("HS"):
        return ""
    if provider_of(facts.issuer) == AUTH0:
        return "Auth0 signed it with a shared secret (HS256): set the API's signing algorithm to RS256."
    return (
        "It is signed with a shared secret, and published keys never are: let the issuer use RS256 or ES256, or name "
        "the secret in issuer-signing-keys."
    )


def _local(facts: Facts) -> str:
    if provider_of(facts.issuer) != LOCAL:
        return ""
    return "The token was made by an issuer on the client's own machine, such as an emulator that has restarted since."


def _other_issuer(facts: Facts) -> str:
    if not facts.issuer or not facts.issuers or facts.issuer in facts.issuers:
        return ""
    if provider_of(facts.issuer) in {ENTRA_V1, ENTRA_V2} and not _hosts(facts).isdisjoint({facts.issuer.split("/")[2]}):
        return ""  # Entra signs for all tenants of a cloud with the same keys
    return f"{facts.issuer} issued it, and its keys are not used here: the keys of {listed(sorted(facts.issuers))} are."


def _hosts(facts: Facts) -> set[str]:
    return {parts.netloc for issuer in facts.issuers if (parts := split(issuer)) is not None}


def _own_key(facts: Facts) -> str:
    if facts.reason == "TokenSignatureInvalid" or provider_of(facts.issuer) not in {ENTRA_V1, ENTRA_V2}:
        return ""
    return (
        "If the application has its own signing key or claims mapping, add ?appid={client id} to the metadata URL; "
        "otherwise the token is from another environment, or older than the keys."
    )


def _user_flow(facts: Facts) -> str:
    if provider_of(facts.issuer) != B2C:
        return ""
    return "B2C has keys for each user flow: use the metadata URL of the flow that signed the user in."


def _okta(facts: Facts) -> str:
    issuer = split(facts.issuer)
    if issuer is None or provider_of(facts.issuer) != OKTA or issuer.path.startswith("/oauth2/"):
        return ""
    return "Okta's organization authorization server signs for Okta only. Use a custom one, as in /oauth2/default."


def _no_kid(facts: Facts) -> str:
    if not facts.header or "kid" in facts.header or "x5t" in facts.header:
        return ""
    return "The token does not name its key (kid), and none of the accepted keys made it."


UNKNOWN_KEY: tuple[Remedy, ...] = (
    _graph, _down, _unsigned, _shared_secret, _local, _okta, _other_issuer, _user_flow, _own_key, _no_kid,
)  # fmt: skip


def unknown_key(facts: Facts) -> str:
    """The usual remedy where no cause is known."""
    if facts.reason == "TokenSignatureInvalid":
        return (
            "The key is known, and the signature is not its own: the token was altered, cut, or signed by an impostor."
        )
    return (
        "If the issuer has just begun to use a new key, the gateway fetches it by itself within seconds; otherwise the "
        "token is from another environment."
    )
