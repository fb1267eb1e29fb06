"""A validator on published keys, and the rules and tokens that explain is asked about."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.tokens.issuer import Issuer
from gateway.tokens.registry import IssuerRegistry
from gateway.tokens.rules import RequiredClaim, ScopeOrRole, TokenRules
from gateway.tokens.validator import KeySources, TokenValidator
from tests.tokens.minting import (
    METADATA_URL,
    Clock,
    Site,
    entra_site,
)

GRAPH = "00000003-0000-0000-c000-000000000000"


def issuer(site: Site) -> Issuer:
    """An issuer after one attempt to fetch."""
    made = IssuerRegistry(site, Clock()).issuer(METADATA_URL)
    asyncio.run(made.refresh())
    return made


def validator(site: Site | None = None, **rules: Any) -> TokenValidator:
    """On published keys."""
    return TokenValidator(TokenRules(**rules), KeySources(issuers=(issuer(site or entra_site()),)))


RULES: dict[str, Any] = {
    "audiences": frozenset({"api"}),
    "required_claims": (RequiredClaim("roles", ("A",), "any"),),
    "types": frozenset({"jwt"}),
    "max_lifetime_s": 7_200,
    "denied_ids": frozenset({"bad"}),
    "client_ids": frozenset({"c"}),
    "scope_or_role": ScopeOrRole(frozenset({"read"}), frozenset({"A"})),
}


GOOD: dict[str, Any] = {"roles": ["A"], "azp": "c"}
