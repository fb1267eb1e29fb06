"""Rules are frozen, and each object has an identity of its own in the cache."""

from __future__ import annotations

import dataclasses

import pytest

from gateway.tokens.rules import MAX_VARIANTS, TokenRules


def test_defaults_are_apims() -> None:
    """No skew, exp required, signature required, audience unchecked; every extension off."""
    rules = TokenRules()
    assert (rules.clock_skew_s, rules.require_expiration_time, rules.require_signed_tokens) == (0.0, True, True)
    assert (rules.audiences, rules.types, rules.max_lifetime_s, rules.denied_ids, rules.scope_or_role) == (
        (None, frozenset(), None, frozenset(), None)
    )
    assert rules.max_token_bytes == 256_000


def test_frozen() -> None:
    """Rules do not change under a running validator."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        TokenRules().clock_skew_s = 300  # type: ignore[misc]


def test_identity() -> None:
    """Two rule sets never share cached verdicts, even when they are equal."""
    assert TokenRules() == TokenRules()
    assert TokenRules().identity != TokenRules().identity


def test_with_values_gives_the_same_object_again() -> None:
    """The same evaluated values give the same rules, so their cached verdicts are found; others give others."""
    rules = TokenRules(clock_skew_s=5)
    one, again = rules.with_values(audiences=frozenset({"a"})), rules.with_values(audiences=frozenset({"a"}))
    other = rules.with_values(audiences=frozenset({"b"}))
    assert one is again
    assert (one.audiences, one.clock_skew_s) == (frozenset({"a"}), 5)
    assert len({rules.identity, one.identity, other.identity}) == 3


def test_variants_are_bounded() -> None:
    """An expression over request data cannot fill memory."""
    rules = TokenRules()
    for number in range(MAX_VARIANTS + 5):
        rules.with_values(audiences=frozenset({str(number)}))
        assert len(rules._variants) <= MAX_VARIANTS
