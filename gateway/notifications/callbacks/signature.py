"""
Standard Webhooks signatures.

The message id is the same on every retry (it is the receiver's idempotency key); the time-stamp and so the signature
are new on each attempt.

Source: Standard Webhooks 1.0.0.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from gateway.notifications.settings import signing_key


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature, ``v1,`` and base64, over ``id.timestamp.body``; *timestamp* in epoch seconds."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(signing_key(secret), signed, hashlib.sha256)).decode()


def headers(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers; one signature per secret, so receivers survive a rotation. Without secrets: no signature."""
    fields = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    if secrets:
        fields["webhook-signature"] = " ".join(sign(secret, message_id, timestamp, body) for secret in secrets)
    return fields
