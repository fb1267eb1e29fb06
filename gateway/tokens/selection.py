"""
Which key to try on a token.

In a published set the ``kid`` is a filter: the issuer names its keys, and an unknown name must not cost a verification
per key. Among the policy's own keys it is a hint, as in APIM: the key of that id first, then all of the right type.

Source: RFC 7515 section 4.1.4; docs/adr/0018-kid-filters-published-keys.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

from gateway.errors import TokenError
from gateway.telemetry.requests.plain import Plain, PlainMembers, plain, plain_members
from gateway.tokens.accepted_issuers import matches
from gateway.tokens.compact import Jws
from gateway.tokens.keys import Key
from gateway.tokens.keyset import MAX_NAMED, KeySet, KeySource, Signer
from gateway.tokens.rules import TokenRules
from gateway.tokens.signature import is_signed_by

MAX_TRIED = 16  # keys tried on one token, so that a token without kid takes a bounded time
Offer = tuple[KeySource, KeySet]


class KeyNotFound(TokenError):
    """No source has a key for this token; a fetch may find it."""

    def __init__(self) -> None:
        super().__init__("TokenSignatureKeyNotFound", "Signature validation failed. No key matches. Access denied.")


def key_id(jws: Jws) -> str | None:
    """``kid``, or else the ``x5t`` of Entra's v1 tokens and of tokens signed with certificates."""
    name = jws.header.get("kid", jws.header.get("x5t"))
    return name if isinstance(name, str) else None


def check_algorithm(jws: Jws, rules: TokenRules) -> None:
    """Check that the header's ``alg`` is allowed and that the token is signed if it must be."""
    algorithm = jws.header["alg"]
    if algorithm == "none":
        if rules.require_signed_tokens or jws.signature:
            message = "Signature validation failed. The token is unsigned. Access denied."
            raise TokenError(
                "TokenSignatureInvalid", message, expected="a signature", found={"kid": key_id(jws), "alg": "none"}
            )
    elif algorithm not in rules.algorithms:
        message = "Signature validation failed. The token's algorithm is not allowed. Access denied."
        raise TokenError("JwtInvalid", message, expected={"alg": sorted(rules.algorithms)}, found={"alg": algorithm})


def find_signer(jws: Jws, offers: Sequence[Offer]) -> Signer:
    """
    The key that made the token's signature.

    Raises:
        KeyNotFound: No key matches the token's ``kid``.
        TokenError: ``TokenSignatureInvalid``: keys were tried, and none of them verifies it.
    """
    algorithm, kid = str(jws.header["alg"]), key_id(jws)
    if algorithm == "none":
        return Signer(None, offers[0][1], offers[0][0])
    signer = _signer(jws, kid, algorithm, offers)
    if signer is not None:
        return signer
    if not _is_known(kid, offers):
        error = KeyNotFound()
        error.expected, error.found = _known_ids(offers), _named_key(kid, jws.header["alg"])
        raise error
    message = "Signature validation failed. Keys were tried, none matches. Access denied."
    raise TokenError("TokenSignatureInvalid", message, expected=_known_ids(offers), found=_named_key(kid, algorithm))


def _signer(jws: Jws, kid: str | None, algorithm: str, offers: Sequence[Offer]) -> Signer | None:
    """The first of at most ``MAX_TRIED`` keys that verifies the token: those that it names, then the others."""
    ordered = offers if len(offers) == 1 else sorted(offers, key=lambda offer: not _speaks_for(offer[1], jws))
    named = _named(kid, algorithm, ordered)[:MAX_TRIED]
    signer = _verifying(jws, algorithm, named)
    if signer is None:
        signer = _verifying(jws, algorithm, _unnamed(kid, algorithm, ordered)[: MAX_TRIED - len(named)])
    return signer


def _verifying(jws: Jws, algorithm: str, candidates: Sequence[tuple[Key, Offer]]) -> Signer | None:
    for key, (source, keyset) in candidates:
        if is_signed_by(key, algorithm, jws.signing_input, jws.signature):
            return Signer(key, keyset, source)
    return None


@lru_cache(maxsize=256)
def _named_key(kid: str | None, algorithm: object) -> PlainMembers:
    """What the header says about the signature."""
    return plain_members({"kid": kid, "alg": algorithm})


def _known_ids(offers: Sequence[Offer]) -> Plain:
    """The kids of the keys at hand, sorted."""
    if len(offers) == 1:
        return offers[0][1].shown_ids
    return plain(sorted(islice({kid for _, keyset in offers for kid in keyset.by_kid}, MAX_NAMED)))


def _is_known(kid: str | None, offers: Sequence[Offer]) -> bool:
    if kid is None:
        return any(keyset.keys for _, keyset in offers)
    return any(kid in keyset.by_kid for _, keyset in offers)


def _named(kid: str | None, algorithm: str, offers: Sequence[Offer]) -> list[tuple[Key, Offer]]:
    """The keys with the token's kid that may use *algorithm*."""
    if kid is None:
        return []
    return [(key, offer) for offer in offers for key in offer[1].by_kid.get(kid, ()) if algorithm in key.algorithms]


def _unnamed(kid: str | None, algorithm: str, offers: Sequence[Offer]) -> list[tuple[Key, Offer]]:
    """The other keys that may be tried."""
    return [(key, offer) for offer in offers for key in offer[1].keys if _is_fallback(key, kid, algorithm, offer[1])]


def _is_fallback(key: Key, kid: str | None, algorithm: str, keyset: KeySet) -> bool:
    if algorithm not in key.algorithms:
        return False
    return kid is None or key.kid is None or (keyset.issuer is None and kid not in (key.kid, key.x5t))


def _speaks_for(keyset: KeySet, jws: Jws) -> bool:
    issuer = jws.payload.get("iss")
    return keyset.issuer is not None and isinstance(issuer, str) and matches(keyset.issuer, issuer, jws.payload)
