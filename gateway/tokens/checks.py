"""
The checks of a token, in order, by name: one table behind both verification and ``gateway explain``.

Source: IdentityModel's JsonWebTokenHandler for the order; APIM's own claim checks come last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.tokens.accepted_issuers import Publisher, check_issuer
from gateway.tokens.claims import check_audience, check_client, check_lifetime, check_required_claims
from gateway.tokens.compact import Jws
from gateway.tokens.extensions import (
    check_binding,
    check_denied_id,
    check_max_lifetime,
    check_scope_or_role,
    check_type,
)
from gateway.tokens.keyset import Signer
from gateway.tokens.rules import TokenRules


@dataclass(slots=True)
class TokenEvidence:
    """Everything that a check may use, after the signature has been verified with *signer*."""

    jws: Jws
    rules: TokenRules
    now: float
    publishers: Sequence[Publisher]
    signer: Signer
    certificate: bytes | None = None


Check = Callable[[TokenEvidence], None]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("lifetime", lambda e: check_lifetime(e.jws.payload, e.rules, e.now)),
    ("audience", lambda e: check_audience(e.jws.payload, e.rules, e.now)),
    ("issuer", lambda e: check_issuer(e.jws.payload, e.rules.issuers, e.publishers, e.signer)),
    ("type", lambda e: check_type(e.jws.header.get("typ"), e.rules)),
    ("maximum lifetime", lambda e: check_max_lifetime(e.jws.payload, e.rules, e.now)),
    ("deny-list", lambda e: check_denied_id(e.jws.payload, e.rules, e.now)),
    ("binding", lambda e: check_binding(e.jws.payload, e.rules, e.certificate)),
    ("client application", lambda e: check_client(e.jws.payload, e.rules, e.now)),
    ("scope or role", lambda e: check_scope_or_role(e.jws.payload, e.rules, e.now)),
    ("required claims", lambda e: check_required_claims(e.jws.payload, e.rules, e.now)),
)

# Checks that never fail while their rule is not set. A check that is not listed here always runs.
_ASKED_FOR: Mapping[str, Callable[[TokenRules], object]] = {
    "audience": lambda rules: rules.audiences is not None,
    "maximum lifetime": lambda rules: rules.max_lifetime_s is not None,
    "deny-list": lambda rules: rules.denied_ids,
    "binding": lambda rules: rules.confirmation != "ignore",
    "client application": lambda rules: rules.client_ids is not None,
    "scope or role": lambda rules: rules.scope_or_role is not None,
    "required claims": lambda rules: rules.required_claims,
}


def checks_for(rules: TokenRules) -> tuple[Check, ...]:
    """The checks that can fail under *rules*, in order; the first failure is raised as TokenError."""
    return tuple(check for name, check in CHECKS if name not in _ASKED_FOR or _ASKED_FOR[name](rules))
