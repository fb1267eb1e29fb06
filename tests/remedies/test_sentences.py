"""Sentences about refusals that docs/refusals.md does not show."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.remedies.facts import Facts
from gateway.remedies.sentences import sentence

CASES: list[tuple[dict[str, Any], str]] = [
    ({"reason": "JwtInvalid", "asked": {"alg": ["RS256"]}, "got": {"alg": "HS256"}}, "signed with HS256, and RS256 is"),
    ({"reason": "JwtInvalid", "asked": {"typ": ["at+jwt"]}, "got": {"typ": None}}, "is missing, and at+jwt is"),
    ({"reason": "JwtInvalid", "asked": {"at_most_s": 60}, "found": ("90",)}, "for 90 s in all, and at most 60 s"),
    ({"reason": "JwtInvalid", "asked": {"confirmation": "required"}}, "not bound to a client certificate"),
    ({"reason": "JwtInvalid", "asked": {"certificate": "x"}}, "came with no certificate"),
    ({"reason": "JwtInvalid", "got": {"nbf": 2, "exp": 1}}, "begins at 1970-01-01 00:00:02 UTC, after its end"),
    (
        {
            "reason": "JwtInvalid",
            "message": "JWT is longer than 9 bytes.",
            "asked": {"at_most_bytes": 9},
            "got": {"bytes": 10},
        },
        "JWT is longer than 9 bytes: 10 bytes, and at most 9 bytes are accepted.",
    ),
    (
        {
            "reason": "QuotaExceeded",
            "message": "Out of bandwidth quota.",
            "asked": {"limit": 5, "period_s": 0},
            "got": {"used": 6},
        },
        "5 kilobytes in all are allowed, and 6 are used.",
    ),
    ({"reason": "ConcurrencyLimitExceeded", "asked": {"at_once": 3}}, "3 requests at a time"),
    ({"reason": "CallerIpBlocked", "asked": {"not_in": ["10.0.0.1"]}, "found": ("10.0.0.1",)}, "10.0.0.1 is blocked"),
    ({"reason": "HeaderValueNotAllowed", "asked": {"header": "X"}, "got": {"values": 2, "characters": 1}}, "has 2"),
    ({"reason": "OriginNotAllowed", "message": "Not allowed."}, "Not allowed."),
    ({"reason": "TokenSignatureInvalid", "message": "No key. Access denied."}, "No key."),
    ({"reason": "Odd", "message": "Odd.", "expected": ("a",), "found": ("b",)}, "Odd. Expected: a. Found: b."),
]


@pytest.mark.parametrize(("known", "said"), CASES)
def test_sentences(known: dict[str, Any], said: str) -> None:
    """Both sides are in one sentence that ends."""
    text = sentence(Facts(**known))
    assert said in text
    assert text.endswith(".")
