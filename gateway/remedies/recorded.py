"""A record of the request log, as ``/requests`` gives it, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.remedies.facts import Facts
from gateway.remedies.words import Words, in_words

Record = Mapping[str, Any]


def record_in_words(record: Record) -> Words:
    """What happened to the request of *record*, and what to do where that is known."""
    if record["outcome"] == "answered":
        return Words(f"The request was answered with {record['status']}.", "")
    facts = facts_of(record)
    words = in_words(facts)
    is_known = facts.expected or facts.found or not facts.message
    return words if is_known else Words(facts.message, words.remedy)  # nothing is called missing that is not known


def facts_of(record: Record) -> Facts:
    """What is known of the refusal that *record* describes."""
    expected = record["expected"]
    claim = expected.get("claim", "") if isinstance(expected, Mapping) else ""
    return Facts(
        reason=record["reason"],
        source=record["source"],
        message=record["detail"],
        expected=texts(expected),
        found=texts(record["found"]),
        claims=record["caller"]["claims"],
        claim=str(claim),
        now=datetime.fromisoformat(record["time"]).timestamp(),
        status=record["status"] or 0,
        path=record["path"],
        method=record["method"],
    )


def texts(value: object) -> tuple[str, ...]:
    """A plain value as texts; of a mapping its ``values``, which is where a claim's are."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        values = value.get("values", value.get("value"))
        return texts(values) if values is not None else tuple(f"{name} {text}" for name, text in value.items())
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)
