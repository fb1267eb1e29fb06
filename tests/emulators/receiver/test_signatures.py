"""Standard Webhooks signatures: ours agree with the reference library, and every fault is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from gateway.emulators.receiver.signatures import check_signature, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + "A" * 32
NOW = 1_700_000_000
BODY = json.dumps({"type": "batch.finished"}).encode()
SIGNED = {
    "webhook-id": "m-1",
    "webhook-timestamp": str(NOW),
    "webhook-signature": Webhook(SECRET).sign("m-1", datetime.fromtimestamp(NOW, UTC), BODY.decode()),
}


def test_sign() -> None:
    """Our signature is the library's."""
    assert sign(SECRET, "m-1", NOW, BODY) == SIGNED["webhook-signature"]


@pytest.mark.parametrize(
    ("change", "secret", "verdict"),
    [
        ({}, SECRET, "valid"),
        ({"webhook-signature": f"v1,AAAA {SIGNED['webhook-signature']}"}, SECRET, "valid"),
        ({}, None, "not checked"),
        ({}, OTHER, "invalid: no signature matches"),
        ({"webhook-id": "m-2"}, SECRET, "invalid: no signature matches"),
        ({"webhook-signature": "é"}, SECRET, "invalid: no signature matches"),
        ({"webhook-id": ""}, SECRET, "invalid: a webhook header is missing"),
        ({"webhook-timestamp": str(NOW - 301)}, SECRET, "invalid: the timestamp is more than five minutes off"),
        ({"webhook-timestamp": "soon"}, SECRET, "invalid: the timestamp is more than five minutes off"),
    ],
)
def test_verdict(change: dict[str, str], secret: str | None, verdict: str) -> None:
    """One valid signature among several is enough; each fault has its own text."""
    assert check_signature(secret, SIGNED | change, BODY, NOW) == verdict


def test_changed_body() -> None:
    """One changed byte is noticed."""
    assert check_signature(SECRET, SIGNED, BODY + b" ", NOW).startswith("invalid")


def test_absent() -> None:
    """An unsigned delivery is distinguished from a wrongly signed one."""
    assert check_signature(SECRET, {}, BODY, NOW) == "absent"
