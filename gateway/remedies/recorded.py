"""A record of the request log, as ``/requests`` gives it, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.remedies.facts import Facts
from gateway.remedies.words import Words, in_words

_SIGNATURES = frozenset({"TokenSignatureKeyNotFound", "TokenSignatureInvalid"})
# Whose sentences say that something is missing.
_COMPARED = frozenset(
    {
        "TokenAudienceNotAllowed",
        "TokenIssuerNotAllowed",
        "TokenClaimNotFound",
        "TokenClaimValueNotAllowed",
        "TokenSignatureKeyNotFound",
        "CallerIpNotAllowed",
        "CallerIpBlocked",
        "HeaderNotFound",
        "HeaderValueNotAllowed",
        "SubscriptionKeyNotFound",
        "SubscriptionKeyInvalid",
        "OperationNotFound",
        "ConcurrencyLimitExceeded",
    }
)
_TIMES = ("exp", "nbf")

Record = Mapping[str, Any]


def record_in_words(record: Record) -> Words:
    """What happened to the request of *record*, and what to do where that is known."""
    if record["outcome"] == "answered":
        return Words(f"The request was answered with {record['status']}.", "")
    facts = facts_of(record)
    words = _on_one_line(in_words(facts))
    if facts.expected or facts.found or facts.reason not in _COMPARED or not facts.message:
        return words
    return Words(printable(facts.message), words.remedy)  # nothing is called missing that is not known


def _on_one_line(words: Words) -> Words:
    return Words(printable(words.what), printable(words.remedy))


def printable(text: str) -> str:
    """*text* without control characters: a claim must not move a terminal's cursor, nor begin a line of its own."""
    return text if text.isprintable() else "".join(mark if mark.isprintable() else "?" for mark in text)


def facts_of(record: Record) -> Facts:
    """What is known of the refusal that *record* describes."""
    asked, got = _named(record["expected"]), _named(record["found"])
    claims = {**record["caller"]["claims"], **{name: got[name] for name in _TIMES if name in got}}
    signed = {name: value for name, value in got.items() if value is not None}
    return Facts(
        reason=record["reason"],
        source=record["source"],
        message=record["detail"],
        expected=texts(record["expected"]),
        found=texts(record["found"]),
        claims=claims,
        header=signed if record["reason"] in _SIGNATURES else {},
        claim=str(asked.get("claim", "")),
        now=datetime.fromisoformat(record["time"]).timestamp(),
        status=record["status"] or 0,
        path=record["path"],
        method=record["method"],
        place=record["place"],
        asked=asked,
        got=got,
    )


def _named(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def texts(value: object) -> tuple[str, ...]:
    """A plain value as texts; of a mapping its ``values``, which is where a claim's are."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        values = value.get("values", value.get("value"))
        return texts(values) if values is not None else tuple(f"{name} {text}" for name, text in value.items())
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)
