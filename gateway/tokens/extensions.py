"""
Checks that APIM lacks; each is off unless its rule is set, save that of the token's kind.

Source: RFC 8725 section 3.11 and RFC 9068 section 4 (typ), RFC 7800 and RFC 8705 section 3 (binding).
"""

from __future__ import annotations

import hashlib

from gateway.errors import TokenError
from gateway.tokens.base64url import encode
from gateway.tokens.claims import claim_missing, claim_refused, seconds
from gateway.tokens.jwt import claim_values
from gateway.tokens.rules import Payload, ScopeOrRole, TokenRules

# Explicit types that pass where the policy accepts any; ID tokens do because APIM accepts them as plain ``JWT``.
USUAL_TYPES = frozenset({"at+jwt", "id_token+jwt"})
_PLAIN = frozenset({"JWT", None})  # what most issuers write
TYPED_SUFFIXES = ("+jwt", "+sd-jwt")
CERTIFICATE_CONFIRMATION = "x5t#S256"


def check_type(typ: object, rules: TokenRules) -> None:
    """
    Check that the header's ``typ``, in any letter case and with or without ``application/``, is accepted.

    If the policy accepts any type, explicitly typed tokens of another kind are still refused: a logout token, a
    DPoP proof or a security event is signed by the same issuer, but was never meant to grant access.
    """
    if not rules.types and typ in _PLAIN:
        return
    kind = str(typ).lower().removeprefix("application/")
    if kind in rules.types if rules.types else not _is_of_another_kind(kind):
        return
    accepted = sorted(rules.types) or sorted(USUAL_TYPES)
    raise TokenError(
        "JwtInvalid",
        "The token's type is not accepted. Access denied.",
        expected={"typ": accepted},
        found={"typ": kind},
    )


def _is_of_another_kind(kind: str) -> bool:
    return kind.endswith(TYPED_SUFFIXES) and kind not in USUAL_TYPES


def check_max_lifetime(payload: Payload, rules: TokenRules, now: float) -> None:
    """Check that ``exp`` minus ``iat`` (or ``nbf``) is at most the limit; a token without these claims is refused."""
    if rules.max_lifetime_s is None:
        return
    expires, issued = seconds(payload, "exp"), seconds(payload, "iat" if "iat" in payload else "nbf")
    if expires is None or issued is None or expires - issued > rules.max_lifetime_s:
        message = "The token's lifetime is longer than accepted. Access denied."
        lifetime = None if expires is None or issued is None else expires - issued
        raise TokenError("JwtInvalid", message, expected={"at_most_s": rules.max_lifetime_s}, found=lifetime)


def check_denied_id(payload: Payload, rules: TokenRules, now: float) -> None:
    """Check that neither ``jti`` nor Entra's ``uti`` is on the deny-list."""
    if not rules.denied_ids:
        return
    ids = [text for name in ("jti", "uti") for text in claim_values(payload.get(name, ""))]
    if not rules.denied_ids.isdisjoint(ids):
        raise TokenError("JwtInvalid", "The token's id is on the deny-list. Access denied.")


def check_scope_or_role(payload: Payload, rules: TokenRules, now: float) -> None:
    """Check that a delegated token has one of the scopes, or any token one of the roles."""
    wanted = rules.scope_or_role
    if wanted is None:
        return
    name = "scp" if "scp" in payload else "scope"
    scopes = {scope for text in claim_values(payload.get(name, "")) for scope in text.split(" ")}
    if wanted.scopes.isdisjoint(scopes) and wanted.roles.isdisjoint(claim_values(payload.get("roles", ""))):
        raise _no_scope_or_role(payload, name, wanted)


def _no_scope_or_role(payload: Payload, scope_claim: str, wanted: ScopeOrRole) -> TokenError:
    held = [claim for claim in (scope_claim, "roles") if claim in payload]
    values = [*sorted(wanted.scopes), *sorted(wanted.roles)]
    return claim_refused(held[0], values, payload[held[0]]) if held else claim_missing(["scp", "roles"], values)


def check_binding(payload: Payload, rules: TokenRules, certificate: bytes | None) -> None:
    """
    Check that a token bound to a key is presented by the holder of that key.

    Args:
        certificate: The client's TLS certificate, DER, or None.
    """
    if rules.confirmation == "ignore" or ("cnf" not in payload and not rules.require_bound):
        return
    bound_to = bound_certificate(payload)
    if rules.confirmation == "refuse" or bound_to is None:
        message = "The token's binding to a key (cnf) cannot be checked here. Access denied."
        raise TokenError("JwtInvalid", message, expected={"confirmation": rules.confirmation})
    if certificate is None or thumbprint(certificate) != bound_to:
        message, shown = "The token is bound to another client certificate. Access denied.", _shown(certificate)
        raise TokenError("JwtInvalid", message, expected={"certificate": bound_to}, found=shown)


def _shown(certificate: bytes | None) -> str:
    return "no certificate" if certificate is None else thumbprint(certificate)


def bound_certificate(payload: Payload) -> str | None:
    """The thumbprint in ``cnf`` if that is its only member; None for unsupported bindings, such as DPoP's."""
    confirmation = payload.get("cnf")
    if not isinstance(confirmation, dict) or set(confirmation) != {CERTIFICATE_CONFIRMATION}:
        return None
    value = confirmation[CERTIFICATE_CONFIRMATION]
    return value if isinstance(value, str) else None


def thumbprint(certificate: bytes) -> str:
    """``x5t#S256`` of a DER certificate."""
    return encode(hashlib.sha256(certificate).digest())
