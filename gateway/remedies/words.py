"""
One sentence about a refusal, and what to do: the same in console, log, ``gateway explain`` and ``gateway test``.

Nothing is decided here. Where no cause is known, none is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.remedies.audience import AUDIENCE
from gateway.remedies.claims import CLAIM
from gateway.remedies.facts import Facts, first, listed
from gateway.remedies.issuer import ISSUER
from gateway.remedies.keys import UNKNOWN_KEY, unknown_key
from gateway.remedies.lifetime import LIFETIME
from gateway.remedies.requests import remedy_for
from gateway.remedies.sentences import Sentence, claim_names, sentence
from gateway.remedies.token_form import remedy_for_form


@dataclass(frozen=True, slots=True)
class Words:
    """
    A refusal, explained.

    Attributes:
        what: One sentence: what was expected and what was found.
        remedy: What to do about it; may be empty.
    """

    what: str
    remedy: str


def in_words(facts: Facts) -> Words:
    """*facts* as a sentence and a remedy."""
    return Words(sentence(facts), remedy(facts))


def remedy(facts: Facts) -> str:
    """What to do: the cause if one is known, or what helps in general."""
    return hint(facts) or GENERAL.get(facts.reason, remedy_for)(facts)


def hint(facts: Facts) -> str:
    """The usual cause of a token's refusal; empty if none is known."""
    known = _CAUSES.get(facts.reason)
    return "" if known is None else first(known, facts)


_CAUSES = {
    "TokenExpired": LIFETIME,
    "TokenAudienceNotAllowed": AUDIENCE,
    "TokenIssuerNotAllowed": ISSUER,
    "TokenSignatureKeyNotFound": UNKNOWN_KEY,
    "TokenSignatureInvalid": UNKNOWN_KEY,
    "TokenClaimNotFound": CLAIM,
    "TokenClaimValueNotAllowed": CLAIM,
}

# Of APIM's one reason for many faults: what to do by what was expected.
_FAULTS: Mapping[str, Sentence] = {
    "nbf": lambda facts: first(LIFETIME, facts),
    "alg": lambda _: "Let the issuer sign with an accepted algorithm; extensions/algorithms names others to accept.",
    "at_most_s": lambda _: "Let the issuer make tokens that end earlier, or raise max-token-lifetime.",
    "at_most_bytes": lambda _: "Let the issuer put less into the token, such as fewer groups.",
    "confirmation": lambda _: "Let the issuer bind the token to the client's certificate (RFC 8705).",
    "certificate": lambda _: "Send the token over a connection with the certificate for which it was issued.",
}


def _invalid_token(facts: Facts) -> str:
    for name, said in _FAULTS.items():
        if name in facts.asked or name in facts.got:
            return said(facts)
    if facts.claim == "exp":
        return first(LIFETIME, facts)
    return remedy_for_form(facts.found[0] if facts.found else "") or "Request a new token and send it unchanged."


def _grant(facts: Facts) -> str:
    if not facts.expected:
        return ""
    wanted = listed(facts.expected)
    if facts.claim in {"scp", "scope"}:
        return f"Let the client request the scope {wanted}, and let a user or an administrator consent to it."
    return f"Assign the role {wanted} to the caller." if facts.claim == "roles" else f"Grant the caller {wanted}."


GENERAL: Mapping[str, Sentence] = {
    "TokenSignatureKeyNotFound": unknown_key,
    "TokenSignatureInvalid": unknown_key,
    "TokenAudienceNotAllowed": lambda facts: (
        f"Request the token for {listed(facts.expected)}." if facts.expected else ""
    ),
    "TokenIssuerNotAllowed": lambda facts: (
        f"Let the client request its token from {listed(facts.expected)}." if facts.expected else ""
    ),
    "TokenClaimNotFound": lambda facts: (
        f"Let the issuer put {claim_names(facts)} into the token, or do not require it."
    ),
    "TokenClaimValueNotAllowed": _grant,
    "JwtInvalid": _invalid_token,
}
