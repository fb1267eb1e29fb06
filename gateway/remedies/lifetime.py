"""Tokens that are too old, too young, or dated in another unit. Source: RFC 7519 sections 4.1.4 and 4.1.5."""

from __future__ import annotations

from gateway.remedies.facts import Facts, Remedy, span

_IN_MILLISECONDS = 100_000_000_000  # seconds until the year 5138; milliseconds since 1973
_SKEW_S = 300
_DAY_S = 86_400
_FRESH = "Let the client request a token shortly before the old one expires, instead of keeping one."


def _number(facts: Facts, name: str) -> float | None:
    value = facts.claims.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _milliseconds(facts: Facts) -> str:
    names = [name for name in ("exp", "nbf", "iat") if (_number(facts, name) or 0) > _IN_MILLISECONDS]
    if not names:
        return ""
    return f"{names[0]} is in milliseconds. NumericDate counts seconds: let the issuer divide it by 1,000."


def _expired(facts: Facts) -> str:
    expires = _number(facts, "exp")
    if expires is None or expires >= facts.now:
        return ""
    ago = facts.now - expires
    if ago < _SKEW_S:
        return f"It expired {span(ago)} ago. {_FRESH} If clocks differ, clock-skew tolerates it."
    if ago > _DAY_S:
        return f"It expired {span(ago)} ago: it was probably copied from somewhere. {_FRESH}"
    return f"It expired {span(ago)} ago. {_FRESH}"


def _not_yet(facts: Facts) -> str:
    starts = _number(facts, "nbf")
    if starts is None or starts <= facts.now:
        return ""
    if starts - facts.now < _SKEW_S:
        return (
            f"It begins in {span(starts - facts.now)}: the issuer's clock is ahead of this machine's. Synchronise "
            "them; clock-skew tolerates a difference."
        )
    return f"It begins in {span(starts - facts.now)}. Compare the clocks, and the issuer's not-before setting."


def _endless(facts: Facts) -> str:
    if "exp" in facts.claims or not facts.claims:
        return ""
    return 'It has no exp. Let the issuer set one; only require-expiration-time="false" accepts tokens without an end.'


LIFETIME: tuple[Remedy, ...] = (_milliseconds, _expired, _not_yet, _endless)
