"""A refusal in one sentence, with its remedy."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.remedies.facts import Facts
from gateway.remedies.requests import REQUEST
from gateway.remedies.words import GENERAL, hint, in_words

PACKAGE = Path(__file__).parents[2] / "gateway"
V2 = "https://login.microsoftonline.com/6a7f5b0a-6d4b-4e1e-9f0c-0d5f3b1d7a11/v2.0"

SENTENCES: list[tuple[dict[str, Any], str, str]] = [
    (
        {"reason": "TokenAudienceNotAllowed", "expected": ("api://orders",), "found": ("api://stock",)},
        "The token's audience is api://stock, and api://orders is accepted here.",
        "Request the token for api://orders.",
    ),
    (
        {"reason": "TokenAudienceNotAllowed", "expected": ("a", "b"), "claims": {"iss": V2}},
        "The token's audience is missing, and a or b are accepted here.",
        "The token has no aud. Let the issuer set one for this API.",
    ),
    (
        {"reason": "TokenIssuerNotAllowed", "expected": (V2,), "found": (V2 + "/",), "claims": {"iss": V2 + "/"}},
        f"The token's issuer is {V2}/, and {V2} is accepted here.",
        f"Issuers are compared character by character; only the final slash differs: write {V2}/.",
    ),
    (
        {"reason": "TokenExpired", "claims": {"exp": 1_790_000_000}, "now": 1_790_000_060.0},
        "The token ended at 2026-09-21 14:13:20 UTC, and the request came at 2026-09-21 14:14:20 UTC.",
        "It expired 60 s ago.",
    ),
    ({"reason": "TokenExpired"}, "The token has expired.", ""),
    (
        {"reason": "TokenSignatureKeyNotFound", "found": ("k9",), "header": {"kid": "k9"}},
        "The token is signed with key k9, which is not among the keys that are accepted here.",
        "another environment",
    ),
    (
        {"reason": "TokenClaimNotFound", "claim": "roles", "claims": {"sub": "s"}},
        "The token has no claim roles, which is required here.",
        "No app role was granted",
    ),
    (
        {"reason": "TokenClaimNotFound", "claim": "x"},
        "The token has no claim x, which is required here.",
        "Let the issuer put x into the token",
    ),
    (
        {"reason": "TokenClaimValueNotAllowed", "claim": "roles", "expected": ("A",), "found": ("B",)},
        "The token's claim roles is B, and A is required here.",
        "Assign the role A to the caller.",
    ),
    (
        {"reason": "TokenNotPresent", "expected": ("the Authorization header",)},
        "A token was expected in the Authorization header, and nothing was there.",
        "Send Authorization: Bearer TOKEN",
    ),
    ({"reason": "TokenNotPresent"}, "The request has no token where one is expected.", "Send Authorization"),
    (
        {"reason": "CallerIpNotAllowed", "expected": ("10.0.0.0/8",), "found": ("192.0.2.7",)},
        "The caller's address is 192.0.2.7, and only 10.0.0.0/8 is allowed.",
        "trusted-proxies",
    ),
    (
        {
            "reason": "RateLimitExceeded",
            "message": "Rate limit is exceeded",
            "expected": ("10 in 60 s",),
            "found": ("11",),
        },
        "Rate limit is exceeded. Expected: 10 in 60 s. Found: 11.",
        "Retry-After",
    ),
    ({"reason": "Timeout", "message": "Slow.", "expected": ("20 s",)}, "Slow.", "so slow"),
    (
        {"status": 403, "source": "choose"},
        "The answer 403 is the decision of the policy choose, not an error of a check.",
        "condition",
    ),
    ({"reason": "Odd", "message": "Something. Access denied."}, "Something.", ""),
    ({"reason": "Odd"}, "Odd.", ""),
]


@pytest.mark.parametrize(("known", "sentence", "remedy"), SENTENCES)
def test_sentences(known: dict[str, Any], sentence: str, remedy: str) -> None:
    """What was expected and what was found are in one sentence, and the remedy follows."""
    words = in_words(Facts(**known))
    assert words.what == sentence
    assert remedy in words.remedy


def test_hints_are_about_tokens() -> None:
    """Other refusals have no usual cause."""
    assert hint(Facts(reason="RateLimitExceeded")) == ""


def test_every_reason_has_words() -> None:
    """Each reason that the gateway itself raises has a remedy."""
    source = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    calls = re.findall(
        r"(?:PolicyError\(\s*[^,()]+,|(?:TokenError|UpstreamError|Unreached)\()\s*\n?\s*(\"[A-Z][^\"]*\")", source
    )
    reasons = {str(ast.literal_eval(text)) for text in calls}
    assert len(reasons) > 20
    assert reasons - set(REQUEST) - set(GENERAL) - {"TokenExpired"} == set()
