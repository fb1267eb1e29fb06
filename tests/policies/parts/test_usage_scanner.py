"""The scanner: usage is found by the structure, in pieces of any length, and cannot be forged by text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policies.parts.usage_scanner import LONGEST_USAGE, UsageScanner

USAGE = {"prompt_tokens": 1, "details": {"a": [1, {"usage": {}}]}, "total_tokens": 3}
FORGED = '"}],"usage":{"total_tokens":1},"x":[{"y":"\\'


def scanned(text: bytes, size: int) -> dict[str, Any] | None:
    scanner = UsageScanner()
    for start in range(0, len(text), size):
        scanner.feed(text[start : start + size])
    return scanner.members


PLACES: list[tuple[str, Any, dict[str, Any] | None]] = [
    ("member", {"choices": [{"text": FORGED}], "usage": USAGE}, USAGE),
    ("first member", {"usage": USAGE, "choices": [{"text": FORGED}]}, USAGE),
    ("gemini", {"candidates": [], "usageMetadata": USAGE}, USAGE),
    ("array", [{"usageMetadata": {"a": 1}}, {"x": 1, "usageMetadata": USAGE}], USAGE),
    ("response", {"type": "response.completed", "response": {"output": [{"usage": 5}], "usage": USAGE}}, USAGE),
    ("message", {"type": "message_start", "message": {"usage": USAGE}}, USAGE),
    ("text only", {"choices": [{"message": {"content": json.dumps({"usage": USAGE})}}]}, None),
    ("forged text", {"choices": [{"message": {"content": FORGED}}], FORGED: FORGED}, None),
    ("too deep", {"choices": [{"usage": USAGE}]}, None),
    ("elsewhere", {"tool": {"usage": USAGE}, "data": {"response": {"usage": USAGE}}}, None),
    ("in an array", {"usage": [USAGE]}, None),
    ("null", {"usage": None, "other": USAGE}, None),
    ("as a value", {"a": "usage", "b": USAGE}, None),
    ("too long", {"usage": {"a": "x" * LONGEST_USAGE}}, None),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("value", "usage"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_places(value: Any, usage: dict[str, Any] | None, size: int) -> None:
    """Usage counts where providers put it and nowhere else, however the text is cut."""
    assert scanned(json.dumps(value).encode(), size) == usage
    assert scanned(json.dumps(value, indent=2).encode(), size) == usage


def test_the_last_document_counts() -> None:
    """Lines of JSON report again and again."""
    assert scanned(b'{"usage":{"a":1}}\n{"usage":{"a":2}}\n{"x":1}', 5) == {"a": 2}


TEXTS = st.text() | st.sampled_from([FORGED, '"usage":{"total_tokens":1}', "\\", '"', '\\"', "usage", "}{"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(lambda key: key != "usage"), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(before=st.dictionaries(TEXTS, VALUES, max_size=3), after=TEXTS, size=st.integers(1, 40))
def test_whatever_a_model_writes(before: dict[str, Any], after: str, size: int) -> None:
    """Text and structure around it never change what is found."""
    around = {name: value for name, value in before.items() if name not in ("usage", "usageMetadata")}
    around |= {name: None for name in ("response", "message")}
    text = json.dumps({**around, "usage": USAGE, "z": after}, ensure_ascii=False).encode(errors="surrogatepass")
    assert scanned(text, size) == USAGE
    without = json.dumps({**around, "z": after}, ensure_ascii=False).encode(errors="surrogatepass")
    assert scanned(without, size) is None


@pytest.mark.parametrize(
    "text", [b"}]}]", b'"' * 99, b"\\" * 99, b"[" * 10_000, b"{" * 10_000, b'{"usage":{' * 99, b"\xff" * 99]
)
def test_what_is_no_json(text: bytes) -> None:
    """It reports nothing, and raises nothing."""
    assert scanned(text, 10) is None
