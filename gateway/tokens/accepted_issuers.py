"""
Which issuers a key may sign for. A key is bound to the metadata that published it; issuers are compared byte for byte.

Templates with ``{tenantid}`` (Entra's common and organizations metadata) are bound to the token's ``tid`` and to the
key's own ``issuer`` member.

Source: OpenID Connect Discovery 1.0 section 4.3; RFC 8725 section 3.8; Microsoft identity platform, "Access tokens",
"Validate the issuer".
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
    """A metadata document, as far as this module uses it."""

    @property
    def stated_issuer(self) -> str | None:
        """The issuer, or issuer template, that the metadata states; None while it is unknown."""
        ...

    def owns(self, issuer: str, payload: Payload) -> bool:
        """Whether the metadata states *issuer*."""
        ...


class IssuerUndecided(TokenError):
    """It is unknown which metadata owns the token's issuer until all metadata has been read; a fetch may decide it."""


def check_issuer(payload: Payload, listed: frozenset[str], publishers: Sequence[Publisher], signer: Signer) -> None:
    """
    Refuse a token if the key that signed it may not sign for its ``iss``.

    Args:
        listed: The policy's ``<issuers>``. They add to what concrete metadata states, and select from the tenants of
            a template.
        publishers: All the policy's metadata documents.

    Raises:
        IssuerUndecided: Metadata that has not been read yet may own the issuer.
        TokenError: ``TokenIssuerNotAllowed``.
    """
    if not listed and not publishers:
        return  # neither issuers nor metadata: APIM does not check
    issuer = payload.get("iss")
    if not isinstance(issuer, str) or not _may_sign(issuer, payload, listed, publishers, signer):
        message = "Issuer validation failed. Access denied."
        raise TokenError("TokenIssuerNotAllowed", message, expected=_accepted(listed, publishers), found=issuer)
    if signer.key is not None and not _is_key_of(signer.key, signer.keyset, issuer, payload):
        message = "Issuer validation failed: the key belongs to another issuer. Access denied."
        raise TokenError(
            "TokenIssuerNotAllowed", message, expected="a key of the issuer that the token names", found=issuer
        )


def _accepted(listed: frozenset[str], publishers: Sequence[Publisher]) -> list[str]:
    """The issuers, or issuer templates, that the policy accepts; sorted."""
    return sorted({*listed, *filter(None, (publisher.stated_issuer for publisher in publishers))})


def _may_sign(
    issuer: str, payload: Payload, listed: frozenset[str], publishers: Sequence[Publisher], signer: Signer
) -> bool:
    own = signer.keyset.issuer
    if is_own(issuer, payload, signer):
        return not _is_choice(own, listed) or _is_listed(issuer, payload, listed)
    is_listed = _is_listed(issuer, payload, listed)
    owners = tuple(filter(lambda publisher: publisher.owns(issuer, payload), publishers))
    if own is None:  # an inline key may sign for every accepted issuer
        return is_listed or _is_stated(owners, listed)
    if not (is_listed or owners):
        return False
    return _is_foreign(issuer, own, owners, publishers) and is_listed


def _is_listed(issuer: str, payload: Payload, listed: frozenset[str]) -> bool:
    return any(matches(accepted, issuer, payload) for accepted in listed)


def _is_choice(stated: str | None, listed: frozenset[str]) -> bool:
    """Whether *listed* issuers select from the tenants of a template, instead of being added to what is *stated*."""
    return bool(listed) and TENANT in str(stated)


def _is_foreign(issuer: str, own: str, owners: Sequence[Publisher], publishers: Sequence[Publisher]) -> bool:
    """
    Whether no metadata owns *issuer*, so that a published key may sign for it if it is listed.

    Metadata that has not been read yet may state any listed issuer, unless that belongs to the key's *own* tenant.
    """
    if any(owner.stated_issuer is not None for owner in owners):
        return False
    if owners or not (_same_tenant(own, issuer) or all(publisher.stated_issuer for publisher in publishers)):
        raise _undecided()
    return True


def _is_stated(owners: Sequence[Publisher], listed: frozenset[str]) -> bool:
    """Whether metadata that has been read states the issuer; if issuers are listed, a template does not count."""
    stated = [owner.stated_issuer for owner in owners if owner.stated_issuer is not None]
    if owners and not stated:
        raise _undecided()
    return not all(_is_choice(issuer, listed) for issuer in stated)


def _undecided() -> IssuerUndecided:
    return IssuerUndecided("TokenIssuerNotAllowed", "Issuer validation failed: its keys are missing. Access denied.")


def is_own(issuer: object, payload: Payload, signer: Signer) -> bool:
    """Whether the metadata that published the signer's key states *issuer*, so that no other metadata matters."""
    own = signer.keyset.issuer
    return own is not None and isinstance(issuer, str) and matches(own, issuer, payload)


def matches(accepted: str, issuer: str, payload: Payload) -> bool:
    """Whether *issuer* is *accepted*, or the tenant's form of the template *accepted*."""
    if TENANT not in accepted:
        return issuer == accepted
    tenant = payload.get("tid")
    return isinstance(tenant, str) and bool(GUID.fullmatch(tenant)) and accepted.replace(TENANT, tenant) == issuer


def _is_key_of(key: Key, keyset: KeySet, issuer: str, payload: Payload) -> bool:
    own = keyset.issuer if key.issuer is None else key.issuer
    if own is not None and TENANT in own:
        # Entra signs for personal accounts with keys that name their tenant, so a template never covers it.
        return payload.get("tid") != CONSUMER_TENANT
    return key.issuer is None or issuer == key.issuer or _same_tenant(key.issuer, issuer)


def _same_tenant(own: str, issuer: str) -> bool:
    # The v1 and v2 issuers of one tenant share their keys; which of them is accepted has already been decided.
    tenant, other = GUID.search(own), GUID.search(issuer)
    return tenant is not None and other is not None and tenant.group() == other.group()
