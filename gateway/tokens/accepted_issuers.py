"""
Which issuers a key may sign for. A key is bound to the metadata that published it; issuers are compared byte for byte.

Templates with ``{tenantid}`` (Entra's common and organizations metadata) are bound to the token's ``tid`` and to the key's
own ``issuer`` member.

Source: OpenID Connect Discovery 1.0 section 4.3; RFC 8725 section 3.8; reference/apim-policies.md sections 2.6 and 2.9;
corpus/entra/issuer-rules.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway.errors import TokenError
from gateway.tokens.keys import Key
from gateway.tokens.keyset import KeySet
from gateway.tokens.rules import Payload

TENANT = "{tenantid}"
CONSUMER_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"  # all personal Microsoft accounts
GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def check_issuer(
    payload: Payload, listed: frozenset[str], sets: Iterable[KeySet], signer: KeySet, key: Key | None
) -> None:
    """
    Refuse a token whose ``iss`` the key that signed it may not speak for.

    Args:
        listed: The policy's ``<issuers>``.
        sets: Key sets of all the policy's metadata documents.
        signer: The set that *key* came from; None for *key* when the token is unsigned.
    """
    owners = [each for each in sets if each.issuer is not None]
    if not listed and not owners:
        return  # neither issuers nor metadata: APIM does not check
    issuer = payload.get("iss")
    if not isinstance(issuer, str) or not _may_sign(issuer, payload, listed, owners, signer):
        raise TokenError("TokenIssuerNotAllowed", "Issuer validation failed. Access denied.")
    if key is not None and not _is_key_of(key, issuer, payload):
        raise TokenError("TokenIssuerNotAllowed", "Issuer validation failed: the key serves another. Access denied.")


def _may_sign(issuer: str, payload: Payload, listed: frozenset[str], owners: list[KeySet], signer: KeySet) -> bool:
    if signer.issuer is not None and matches(signer.issuer, issuer, payload):
        return True
    owned_by_other = any(owner is not signer and matches(str(owner.issuer), issuer, payload) for owner in owners)
    # An inline key may speak for every accepted issuer; a published one for its own metadata and for listed issuers that
    # no other metadata owns.
    if signer.issuer is None and owned_by_other:
        return True
    return not owned_by_other and any(matches(accepted, issuer, payload) for accepted in listed)


def matches(accepted: str, issuer: str, payload: Payload) -> bool:
    """Whether *issuer* is *accepted*, or the tenant's form of the template *accepted*."""
    if TENANT not in accepted:
        return issuer == accepted
    tenant = payload.get("tid")
    return isinstance(tenant, str) and bool(GUID.fullmatch(tenant)) and accepted.replace(TENANT, tenant) == issuer


def _is_key_of(key: Key, issuer: str, payload: Payload) -> bool:
    own = key.issuer
    if own is None:
        return True
    if TENANT in own:
        # Entra signs for personal accounts with keys that name their tenant, so a template key never speaks for it.
        return payload.get("tid") != CONSUMER_TENANT
    return issuer == own or _same_tenant(own, issuer)


def _same_tenant(own: str, issuer: str) -> bool:
    # The v1 and v2 issuers of one tenant share their keys; which of the two is accepted was decided before.
    tenant, other = GUID.search(own), GUID.search(issuer)
    return tenant is not None and other is not None and tenant.group() == other.group()
