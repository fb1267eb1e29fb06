"""Tokens that are too old, too young, or dated in another unit."""

from __future__ import annotations

import pytest

from gateway.remedies.facts import Facts, first
from gateway.remedies.lifetime import LIFETIME
from tests.remedies.covering import unused

NOW = 1_790_000_000.0

CASES: list[tuple[dict[str, object], str]] = [
    ({"exp": NOW * 1000}, "exp is in milliseconds"),
    ({"exp": NOW + 60, "nbf": NOW * 1000}, "nbf is in milliseconds"),
    ({"exp": NOW - 7}, "expired 7 s ago"),
    ({"exp": NOW - 7}, "clock-skew"),
    ({"exp": NOW - 1_800}, "expired 30 minutes ago"),
    ({"exp": NOW - 400_000}, "copied from somewhere"),
    ({"exp": NOW + 60, "nbf": NOW + 7}, "begins in 7 s: the issuer's clock is ahead"),
    ({"exp": NOW + 9e4, "nbf": NOW + 8e4}, "begins in 22 hours"),
    ({"sub": "s"}, "no exp"),
    ({"exp": NOW + 60}, ""),
    ({"exp": True, "nbf": "soon"}, ""),
    ({}, ""),
]


@pytest.mark.parametrize(("claims", "said"), CASES)
def test_lifetimes(claims: dict[str, object], said: str) -> None:
    """Each usual mistake with exp and nbf has its remedy, with the time that people read."""
    hint = first(LIFETIME, Facts(claims=claims, now=NOW))
    assert said in hint
    assert bool(said) == bool(hint)


def test_no_remedy_is_hidden() -> None:
    """Each remedy decides at least one case."""
    assert unused(LIFETIME, [Facts(claims=claims, now=NOW) for claims, _ in CASES]) == []
