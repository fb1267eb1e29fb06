"""
What ``SetBatchJobToWaiting`` answered. Microsoft's page and its sample disagree about the keys, so all forms are read.

Source: F&O "Batch OData API".
"""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StartAnswer:
    """Whether F&O says that the job was set to waiting, and its own words."""

    accepted: bool
    message: str = ""


def parse_start(body: bytes) -> StartAnswer | None:
    """
    Read a 2xx answer: an object, an object wrapped in ``value`` (as object or as JSON text), or nothing at all.

    None for a body that is not JSON: a log-in or maintenance page, which does not say what became of the call.
    """
    answer = _load(body)
    if answer is None and body.strip() not in (b"", b"null"):
        return None
    fields = _unwrap(answer)
    refused = fields.get("issuccess") in (False, "false", "False", "No", 0)
    texts = (fields.get(name) for name in ("exceptiondetails", "responsemessage", "reponsemessage"))
    return StartAnswer(not refused, next((str(text)[:500] for text in texts if text), ""))


def _load(text: bytes | str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _unwrap(answer: object) -> dict[str, object]:
    if isinstance(answer, dict) and "value" in answer:
        inner = answer["value"]
        answer = _load(inner) if isinstance(inner, str) else inner
    if not isinstance(answer, dict):
        return {}
    return {str(key).replace(" ", "").lower(): value for key, value in answer.items()}
