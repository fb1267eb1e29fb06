"""What each check expected and what it found."""

from __future__ import annotations

from gateway.tokens.explain import explain
from tests.tokens.explaining import GOOD, RULES, validator
from tests.tokens.minting import (
    NOW,
    token,
)


def test_expected_and_found() -> None:
    """A failed step shows what was wanted and what was there."""
    told = explain(validator(**RULES), token(**GOOD, aud="x"), NOW)
    (step,) = [step for step in told.steps if step.decisive]
    assert (step.name, step.expected, step.found, step.reason) == ("audience", "api", "x", "TokenAudienceNotAllowed")
