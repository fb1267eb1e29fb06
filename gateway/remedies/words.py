"""
One sentence about a refusal, and what to do: the same in console, log, ``gateway explain`` and ``gateway test``.

Nothing is decided here. Where no cause is known, none is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.remedies.audience import AUDIENCE
from gateway.remedies.claims import CLAIM
from gateway.remedies.facts import Facts, first, listed, moment
from gateway.remedies.issuer import ISSUER
from gateway.remedies.keys import UNKNOWN_KEY, unknown_key
from gateway.remedies.lifetime import LIFETIME
from gateway.remedies.requests import remedy_for

Sentence = Callable[[Facts], str]


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
    sentence = _SENTENCES.get(facts.reason, _generally)
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

GENERAL: Mapping[str, Sentence] = {
    "TokenSignatureKeyNotFound": unknown_key,
    "TokenSignatureInvalid": unknown_key,
    "TokenAudienceNotAllowed": lambda facts: (
        f"Request the token for {listed(facts.expected)}." if facts.expected else ""
    ),
    "TokenIssuerNotAllowed": lambda facts: (
        f"Let the client request its token from {listed(facts.expected)}." if facts.expected else ""
    ),
    "TokenClaimNotFound": lambda facts: f"Let the issuer put {_claims(facts)} into the token, or do not require it.",
    "TokenClaimValueNotAllowed": lambda facts: f"Grant the caller {listed(facts.expected)}." if facts.expected else "",
    "JwtInvalid": lambda _: "Request a new token and send it unchanged.",
}


def _claims(facts: Facts) -> str:
    return facts.claim or listed(facts.expected, "and") or "the claim"


def _contrast(what: str, verb: str = "accepted here") -> Sentence:
    """``The token's audience is a, and b is accepted here.``"""

    def sentence(facts: Facts) -> str:
        clause = f"{what} is {listed(facts.found, 'and')}" if facts.found else f"{what} is missing"
        are = "is" if len(facts.expected) == 1 else "are"
        return f"{clause}, and {listed(facts.expected)} {are} {verb}." if facts.expected else f"{clause}."

    return sentence


def _expired(facts: Facts) -> str:
    expires = facts.claims.get("exp")
    if isinstance(expires, int | float):
        return f"The token ended at {moment(expires)}, and the request came at {moment(facts.now)}."
    return "The token has expired."


def _missing_claim(facts: Facts) -> str:
    return f"The token has no claim {_claims(facts)}, which is required here."


def _wrong_claim(facts: Facts) -> str:
    return _contrast(f"The token's claim {facts.claim}".rstrip(), "required here")(facts)


def _unknown_key(facts: Facts) -> str:
    kid = f"key {facts.found[0]}" if facts.found else "a key without a name"
    return f"The token is signed with {kid}, which is not among the keys that are accepted here."


def _generally(facts: Facts) -> str:
    message = facts.message.removesuffix(" Access denied.").rstrip(".")
    sides = (("Expected", listed(facts.expected)), ("Found", listed(facts.found, "and")))
    contrast = "".join(f" {label}: {text}." for label, text in sides if text)
    return f"{message or facts.reason or f'The answer was {facts.status}'}.{contrast}"


def _own_answer(facts: Facts) -> str:
    by = f" of the policy {facts.source}" if facts.source else ""
    return f"The answer {facts.status} is the decision{by}, not an error."


_SENTENCES: Mapping[str, Sentence] = {
    "TokenNotPresent": lambda facts: (
        f"A token was expected in {listed(facts.expected)}, and there is none."
        if facts.expected
        else "The request has no token where one is expected."
    ),
    "TokenExpired": _expired,
    "TokenAudienceNotAllowed": _contrast("The token's audience"),
    "TokenIssuerNotAllowed": _contrast("The token's issuer"),
    "TokenSignatureKeyNotFound": _unknown_key,
    "TokenClaimNotFound": _missing_claim,
    "TokenClaimValueNotAllowed": _wrong_claim,
    "CallerIpNotAllowed": _contrast("The caller's address", "allowed"),
    "CallerIpBlocked": _contrast("The caller's address", "blocked"),
    "HeaderValueNotAllowed": _contrast("The header's value"),
    "": _own_answer,
}
