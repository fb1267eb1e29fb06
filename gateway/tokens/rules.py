"""
What a token must satisfy, frozen at load; one object per validate-jwt element and per set of evaluated expressions.

Source: APIM "validate-jwt"; extensions are ours and off by default.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from gateway.tokens.compact import MAX_TOKEN_BYTES
from gateway.tokens.signature import ALGORITHMS

MAX_VARIANTS = 1_024
_serial = itertools.count(1)


@dataclass(frozen=True, slots=True)
class RequiredClaim:
    """
    One ``<claim>`` of ``<required-claims>``.

    Attributes:
        values: Accepted values; if empty, the claim only has to exist.
        match: ``all``: every listed value must be in the token; ``any``: at least one.
        separator: Splits the TOKEN's values, never the listed ones; if empty, they are not split.
    """

    name: str
    values: tuple[str, ...] = ()
    match: Literal["all", "any"] = "all"
    separator: str = ""


@dataclass(frozen=True, slots=True)
class ScopeOrRole:
    """An extension: one of *scopes* in ``scp`` or ``scope`` (delegated), or one of *roles* in ``roles`` (app-only)."""

    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TokenRules:
    """
    Rules for one token; equal rules may be shared, each object has its own identity in the verified-token cache.

    Attributes:
        issuers: ``<issuers>``, in addition to the metadata's. If there are neither, the issuer is not checked.
        audiences: ``<audiences>``; None: not checked.
        client_ids: Accepted ``appid`` (v1) or ``azp`` (v2); None: not checked. For validate-azure-ad-token.
        required_claims: All of them must be satisfied.
        clock_skew_s: Seconds of tolerance for ``exp`` and ``nbf``; APIM's default is none.
        require_expiration_time: A token without ``exp`` is refused. An existing ``exp`` is always checked.
        require_signed_tokens: ``alg: none`` is refused. An existing signature is always checked.
        algorithms: Extension: allow-list of ``alg``.
        types: Extension: accepted header ``typ``, lower case, without ``application/``; empty: any.
        max_lifetime_s: Extension: greatest ``exp - iat`` (``nbf`` if there is no ``iat``) in seconds.
        denied_ids: Extension: refused ``jti`` (or Entra's ``uti``).
        scope_or_role: Extension: see ``ScopeOrRole``.
        confirmation: Extension: tokens bound to a key (``cnf``): ``refuse``; ``certificate``: accepted with the client
            certificate they are bound to (RFC 8705); ``ignore``: accepted as APIM does.
        require_bound: Extension: with ``certificate``, tokens that are not bound are refused.
        max_token_bytes: Greatest length of a token.
    """

    issuers: frozenset[str] = frozenset()
    audiences: frozenset[str] | None = None
    client_ids: frozenset[str] | None = None
    required_claims: tuple[RequiredClaim, ...] = ()
    clock_skew_s: float = 0.0
    require_expiration_time: bool = True
    require_signed_tokens: bool = True
    algorithms: frozenset[str] = ALGORITHMS
    types: frozenset[str] = frozenset()
    max_lifetime_s: float | None = None
    denied_ids: frozenset[str] = frozenset()
    scope_or_role: ScopeOrRole | None = None
    confirmation: Literal["refuse", "certificate", "ignore"] = "refuse"
    require_bound: bool = False
    max_token_bytes: int = MAX_TOKEN_BYTES
    identity: bytes = field(init=False, repr=False, compare=False)
    _variants: dict[object, TokenRules] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "identity", next(_serial).to_bytes(8, "big"))

    def with_values(self, **values: object) -> TokenRules:
        """
        These rules with the values of this request's expressions; equal values return the same object again.

        The values must be hashable, like the fields: frozensets and tuples.
        """
        key = tuple(values.items())
        variant = self._variants.get(key)
        if variant is None:
            if len(self._variants) >= MAX_VARIANTS:  # an expression over request data must not fill memory
                self._variants.clear()
            variant = self._variants[key] = replace(self, **values)  # type: ignore[arg-type]
        return variant


Payload = Mapping[str, object]
