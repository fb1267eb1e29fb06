"""A request's record in words: what was expected and found, and what to do. The one seam to the engine for words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.remedies.facts import Facts
from gateway.remedies.words import in_words

Record = Mapping[str, Any]


def words(record: Record) -> tuple[str, ...]:
    """Sentences about a record as ``/requests`` gives it: what happened, then what to do where that is known."""
    if record["outcome"] == "answered":
        return (f"The request was answered with {record['status']}.",)
    said = in_words(_facts(record))
    return tuple(filter(None, (said.what, said.remedy)))


def _facts(record: Record) -> Facts:
    expected = record["expected"]
    claim = expected.get("claim", "") if isinstance(expected, Mapping) else ""
    return Facts(
        reason=record["reason"],
        source=record["source"],
        message=record["detail"],
        expected=_texts(expected),
        found=_texts(record["found"]),
        claims=record["caller"]["claims"],
        claim=str(claim),
        now=datetime.fromisoformat(record["time"]).timestamp(),
        status=record["status"] or 0,
        path=record["path"],
        method=record["method"],
    )


def _texts(value: object) -> tuple[str, ...]:
    """A plain value as texts; of a mapping its ``values``, which is where a claim's are."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        values = value.get("values", value.get("value"))
        return _texts(values) if values is not None else tuple(f"{name} {text}" for name, text in value.items())
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)
