"""
Standard Webhooks signatures, as a receiver checks them.

Source: Standard Webhooks 1.0.0: HMAC-SHA256 over ``{id}.{timestamp}.{raw body}``; several signatures while keys rotate.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping

TOLERANCE_S = 300.0
PREFIX = "whsec_"
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def check_signature(secret: str | None, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """
    The verdict as text: ``valid``, ``not checked`` (no secret), ``absent``, or ``invalid: …`` with the reason.

    Args:
        secret: ``whsec_`` and base64.
        headers: Lower-case names.
        now: Seconds since the epoch; a timestamp may be five minutes off.
    """
    parts = [headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")]
    if not any(parts):
        return "absent"
    if secret is None:
        return "not checked"
    return _verdict(secret, parts, body, now)


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature`` for one secret."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _verdict(secret: str, parts: list[str], body: bytes, now: float) -> str:
    message_id, timestamp, signatures = parts
    if not all(parts):
        return "invalid: a webhook header is missing"
    seconds = int(timestamp) if _TIMESTAMP.fullmatch(timestamp) else 0
    if abs(seconds - now) > TOLERANCE_S:
        return "invalid: the timestamp is more than five minutes off"
    expected = sign(secret, message_id, seconds, body).encode()
    matching = any(hmac.compare_digest(expected, given.encode()) for given in signatures.split())
    return "valid" if matching else "invalid: no signature matches"
