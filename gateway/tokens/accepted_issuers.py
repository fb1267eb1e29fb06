"""
Which issuers a key may sign for. A key is bound to the metadata that published it; issuers are compared byte for byte.

Templates with ``{tenantid}`` (Entra's common and organizations metadata) are bound to the token's ``tid`` and to the
key's own ``issuer`` member.

Source: OpenID Connect Discovery 1.0 section 4.3; RFC 8725 section 3.8; reference/apim-policies.md sections 2.6 and 2.9;
corpus/entra/issuer-rules.json.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from gateway.errors import TokenError
from gateway.tokens.keys import Key
from gateway.tokens.keyset import KeySet, Signer
from gateway.tokens.rules import Payload

TENANT = "{tenantid}"
CONSUMER_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"  # all personal Microsoft accounts
GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Publisher(Protocol):
    """A metadata document, as far as this module cares."""

    @property
    def stated_issuer(self) -> str | None:
        """Issuer, or template, that the metadata states; None while it is not known."""
        ...

    def owns(self, issuer: str, payload: Payload) -> bool:
        """Whether the metadata states *issuer*."""
        ...


def check_issuer(payload: Payload, listed: frozenset[str], publishers: Sequence[Publisher], signer: Signer) -> None:
    """
    Refuse a token whose ``iss`` the key that signed it may not speak for.

    Args:
        listed: The policy's ``<issuers>``.
        publishers: All the policy's metadata documents.
    """
    if not listed and not publishers:
        return  # neither issuers nor metadata: APIM does not check
    issuer = payload.get("iss")
    if not isinstance(issuer, str) or not _may_sign(issuer, payload, listed, publishers, signer):
        raise TokenError("TokenIssuerNotAllowed", "Issuer validation failed. Access denied.")
    if signer.key is not None and not _is_key_of(signer.key, signer.keyset, issuer, payload):
        raise TokenError("TokenIssuerNotAllowed", "Issuer validation failed: the key serves another. Access denied.")


def _may_sign(
    issuer: str, payload: Payload, listed: frozenset[str], publishers: Sequence[Publisher], signer: Signer
) -> bool:
    own = signer.keyset.issuer
    if own is not None and matches(own, issuer, payload):
        return True
    owned_by_other = any(publisher.owns(issuer, payload) for publisher in publishers)
    # An inline key may speak for every accepted issuer; a published one, beside its own metadata, only for listed
    # issuers that no other metadata owns.
    if owned_by_other:
        return own is None
    return any(matches(accepted, issuer, payload) for accepted in listed)


def matches(accepted: str, issuer: str, payload: Payload) -> bool:
    """Whether *issuer* is *accepted*, or the tenant's form of the template *accepted*."""
    if TENANT not in accepted:
        return issuer == accepted
    tenant = payload.get("tid")
    return isinstance(tenant, str) and bool(GUID.fullmatch(tenant)) and accepted.replace(TENANT, tenant) == issuer


def _is_key_of(key: Key, keyset: KeySet, issuer: str, payload: Payload) -> bool:
    own = keyset.issuer if key.issuer is None else key.issuer
    if own is not None and TENANT in own:
        # Entra signs for personal accounts with keys that name their tenant, so a template never speaks for it.
        return payload.get("tid") != CONSUMER_TENANT
    return key.issuer is None or issuer == key.issuer or _same_tenant(key.issuer, issuer)


def _same_tenant(own: str, issuer: str) -> bool:
    # The v1 and v2 issuers of one tenant share their keys; which of the two is accepted was decided before.
    tenant, other = GUID.search(own), GUID.search(issuer)
    return tenant is not None and other is not None and tenant.group() == other.group()
