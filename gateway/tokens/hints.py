"""What usually is behind a refused check: the evidence in the words of ``gateway.remedies``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from gateway.errors import TokenError
from gateway.remedies.audience import AUDIENCE
from gateway.remedies.claims import CLAIM, client, scope_or_role
from gateway.remedies.facts import Facts, first
from gateway.remedies.issuer import ISSUER
from gateway.remedies.keys import UNKNOWN_KEY, unknown_key
from gateway.remedies.lifetime import LIFETIME
from gateway.remedies.token_form import TokenForm, form_of
from gateway.tokens.accepted_issuers import Publisher
from gateway.tokens.checks import TokenEvidence
from gateway.tokens.claims import is_satisfied
from gateway.tokens.compact import Jws, is_unreadable
from gateway.tokens.descriptions import published_issuers, stated_issuers
from gateway.tokens.jwt import claim_values
from gateway.tokens.rules import RequiredClaim, TokenRules


def hint_for(check: str, evidence: TokenEvidence) -> str:
    """A hint for a check that failed; empty when there is none."""
    return HINTS[check](evidence) if check in HINTS else ""


def hint_for_key(
    jws: Jws, error: TokenError, issuer_is_down: bool, rules: TokenRules, publishers: Sequence[Publisher]
) -> str:
    """A hint for a signature that no key verifies."""
    facts = Facts(
        reason=error.reason,
        found=_audiences(jws),
        claims=jws.payload,
        header=jws.header,
        issuers=rules.issuers | stated_issuers(publishers),
        keys_missing=issuer_is_down,
    )
    return first((*UNKNOWN_KEY, unknown_key), facts)


def form_for(token: str, error: TokenError) -> TokenForm | None:
    """What *token* is instead of a JWT; None if it is one, with a member that is not accepted."""
    return form_of(token) if is_unreadable(error) else None


def identity_note(jws: Jws) -> str:
    """A warning if ``sub`` may be mistaken for the caller's object id; empty if it is that id."""
    subject, object_id = jws.payload.get("sub"), jws.payload.get("oid")
    if object_id is None or subject == object_id:
        return ""
    return "sub is not the object id of this user: it differs for every client application. The object id is in oid."


def _audiences(jws: Jws) -> tuple[str, ...]:
    return claim_values(jws.payload["aud"]) if "aud" in jws.payload else ()


def _lifetime(evidence: TokenEvidence) -> str:
    return first(LIFETIME, Facts(claims=evidence.jws.payload, now=evidence.now))


def _audience(evidence: TokenEvidence) -> str:
    expected = tuple(sorted(evidence.rules.audiences or ()))
    facts = Facts(expected=expected, found=_audiences(evidence.jws), claims=evidence.jws.payload)
    return first(AUDIENCE, facts)


def _issuer(evidence: TokenEvidence) -> str:
    expected = tuple(sorted(evidence.rules.issuers | published_issuers(evidence)))
    return first(ISSUER, Facts(expected=expected, claims=evidence.jws.payload))


def _client(evidence: TokenEvidence) -> str:
    payload = evidence.jws.payload
    return client(Facts(found=claim_values(payload.get("azp", payload.get("appid", "")))))


def _required(evidence: TokenEvidence) -> str:
    return next(filter(None, (first(CLAIM, facts) for facts in _unsatisfied(evidence))), "")


def _unsatisfied(evidence: TokenEvidence) -> Iterator[Facts]:
    payload = evidence.jws.payload
    for claim in evidence.rules.required_claims:
        if claim.name not in payload or not is_satisfied(claim, payload[claim.name]):
            yield _claim_facts(claim, evidence.jws)


def _claim_facts(claim: RequiredClaim, jws: Jws) -> Facts:
    values = claim_values(jws.payload[claim.name]) if claim.name in jws.payload else ()
    return Facts(claim=claim.name, expected=claim.values, found=values, claims=jws.payload, separator=claim.separator)


HINTS: Mapping[str, Callable[[TokenEvidence], str]] = {
    "lifetime": _lifetime,
    "audience": _audience,
    "issuer": _issuer,
    "client application": _client,
    "scope or role": lambda evidence: scope_or_role(Facts(claims=evidence.jws.payload)),
    "required claims": _required,
}
