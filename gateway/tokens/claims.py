"""
Claim checks: pure functions of (payload, rules, now). Each returns None or raises TokenError with APIM's reason.

Order after the signature: lifetime, audience, issuer (accepted_issuers.py), extensions, and the policy's claims last.

Source: RFC 7519 section 4.1; RFC 8725 sections 3.8 to 3.11; APIM "validate-jwt".
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.errors import TokenError
from gateway.tokens.jwt import claim_values
from gateway.tokens.registered import NUMBER
from gateway.tokens.rules import Payload, RequiredClaim, TokenRules

MAX_SHOWN_CHARS = 120


def check_lifetime(payload: Payload, rules: TokenRules, now: float) -> None:
    """Check ``exp`` and ``nbf`` against *now*, seconds since the epoch; fractions are cut off, and equality passes."""
    expires, starts = seconds(payload, "exp"), seconds(payload, "nbf")
    if expires is None and rules.require_expiration_time:
        message = "Lifetime validation failed. The token has no expiration time. Access denied."
        raise TokenError("JwtInvalid", message, expected={"claim": "exp"})
    if starts is not None:
        _check_start(starts, expires, rules, now)
    if expires is not None and expires < now - rules.clock_skew_s:
        message = "Lifetime validation failed. The token is expired. Access denied."
        raise TokenError("TokenExpired", message, expected=_moment(rules, now), found={"exp": expires})


def _check_start(starts: int, expires: int | None, rules: TokenRules, now: float) -> None:
    if expires is not None and starts > expires:
        message = "Lifetime validation failed. The token ends before it begins. Access denied."
        raise TokenError("JwtInvalid", message, expected="nbf before exp", found={"nbf": starts, "exp": expires})
    if starts > now + rules.clock_skew_s:
        message = "Lifetime validation failed. The token is not yet valid. Access denied."
        raise TokenError("JwtInvalid", message, expected=_moment(rules, now), found={"nbf": starts})


def _moment(rules: TokenRules, now: float) -> dict[str, object]:
    """What times in a token are compared with."""
    return {"now": int(now), "clock_skew_s": rules.clock_skew_s}


def seconds(payload: Payload, name: str) -> int | None:
    """A NumericDate claim in whole seconds; its type was checked by the parser."""
    value = payload.get(name)
    return int(value) if isinstance(value, NUMBER) else None


def check_audience(payload: Payload, rules: TokenRules, now: float) -> None:
    """Check that at least one ``aud`` is accepted, byte for byte except for one final slash."""
    audience = payload.get("aud")
    if rules.audiences is None or (isinstance(audience, str) and audience in rules.audiences):
        return
    audiences = claim_values(audience) if "aud" in payload else ()
    if not any(is_accepted_audience(audience, rules.audiences) for audience in audiences):
        message = "Audience validation failed. Access denied."
        raise TokenError("TokenAudienceNotAllowed", message, expected=sorted(rules.audiences), found=list(audiences))


def is_accepted_audience(audience: str, accepted: frozenset[str]) -> bool:
    """Source: IdentityModel, IgnoreTrailingSlashWhenValidatingAudience."""
    return audience in accepted or audience + "/" in accepted or (audience[-1:] == "/" and audience[:-1] in accepted)


def check_client(payload: Payload, rules: TokenRules, now: float) -> None:
    """Check that the calling application (``azp``, or ``appid`` in v1 tokens) is one of the accepted ones."""
    if rules.client_ids is None:
        return
    name = "azp" if "azp" in payload else "appid"
    if name not in payload:
        raise claim_missing(["azp", "appid"], sorted(rules.client_ids))
    client = payload[name]
    if not isinstance(client, str) or client not in rules.client_ids:
        raise claim_refused(name, sorted(rules.client_ids), payload[name])


def check_required_claims(payload: Payload, rules: TokenRules, now: float) -> None:
    """Check that every required claim exists, and then that each has the required values."""
    missing = [claim.name for claim in rules.required_claims if claim.name not in payload]
    if missing:
        raise claim_missing(missing, _values_of(missing, rules))
    for claim in rules.required_claims:
        if not is_satisfied(claim, payload[claim.name]):
            raise claim_refused(claim.name, claim.values, payload[claim.name], claim.match)


def _values_of(names: list[str], rules: TokenRules) -> tuple[str, ...]:
    """What the only claim of *names* may have; nothing where there are several."""
    values = (claim.values for claim in rules.required_claims if names == [claim.name])
    return next(values, ())


def is_satisfied(claim: RequiredClaim, value: object) -> bool:
    """Whether the token's *value* contains what *claim* requires; the comparison is ordinal and case-sensitive."""
    if not claim.values:
        return True
    held = claim_values(value)
    if claim.separator:
        held = tuple(piece for text in held for piece in text.split(claim.separator))
    combine = all if claim.match == "all" else any
    return combine(wanted in held for wanted in claim.values)


def claim_missing(names: list[str], values: Iterable[str]) -> TokenError:
    """The token does not have the claims *names*; *values*: what the first of them may have."""
    accepted = list(values)
    expected = {"claim": names[0], "values": accepted} if accepted or len(names) == 1 else names
    return TokenError("TokenClaimNotFound", missing_message(names), expected=expected)


def claim_refused(name: str, values: Iterable[str], value: object, match: str = "any") -> TokenError:
    """The token's claim *name* has *value* instead of any (or all) of *values*."""
    expected = {"claim": name, "values": list(values), "match": match}
    return TokenError(
        "TokenClaimValueNotAllowed", value_message(name, value), expected=expected, found=list(claim_values(value))
    )


def missing_message(names: list[str]) -> str:
    """APIM's text for claims that the token lacks."""
    return f"JWT token is missing the following claims: {', '.join(names)} Access denied."


def value_message(name: str, value: object) -> str:
    """APIM's text for a wrong value; short and on one line, because messages are logged and may become headers."""
    return f"Claim {name} value of {shown(value)} is not allowed. Access denied."


def shown(value: object) -> str:
    """A claim's value for a message: printable, at most 120 characters."""
    text = ",".join(claim_values(value))
    safe = "".join(character if character.isprintable() else "?" for character in text[:MAX_SHOWN_CHARS])
    return safe if len(text) <= MAX_SHOWN_CHARS else safe + "..."
