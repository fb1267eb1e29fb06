"""The text of streams, counted for each provider's events."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.policies.parts.completion_text import MOST_HELD, CompletionText
from gateway.policies.parts.vocabularies import NEWER, count_tokens

DEEP: Any = {}
for _ in range(500):
    DEEP = {"x": DEEP}


def chat(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]}


EVENTS: list[tuple[str, list[dict[str, Any]], str]] = [
    ("chat", [chat(role="assistant", content=""), chat(content="hel"), chat(content="lo"), {"choices": []}], "hello"),
    ("refusal", [chat(refusal="hello")], "hello"),
    ("reasoning", [chat(reasoning_content="hello")], "hello"),
    ("call", [chat(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": "{}"}}])], "f{}"),
    ("old call", [chat(function_call={"name": "f", "arguments": "{}"})], "f{}"),
    ("completion", [{"choices": [{"index": 0, "text": "hello"}]}], "hello"),
    ("responses", [{"type": "response.output_text.delta", "delta": "hello"}], "hello"),
    ("call of responses", [{"type": "response.function_call_arguments.delta", "delta": "{}"}], "{}"),
    ("sound", [{"type": "response.audio.delta", "delta": "QUJDRA=="}], ""),
    ("anthropic", [{"type": "content_block_delta", "delta": {"type": "text_delta", "text": "hello"}}], "hello"),
    ("anthropic call", [{"type": "content_block_delta", "delta": {"partial_json": "{}"}}], "{}"),
    ("anthropic end", [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}}], ""),
    ("gemini", [{"candidates": [{"content": {"parts": [{"text": "hel"}, {"text": "lo"}]}}]}], "hello"),
    ("gemini call", [{"candidates": [{"content": {"parts": [{"functionCall": {"a": 1}}]}}]}], '{"a":1}'),
    ("too deep", [{"candidates": [{"content": {"parts": [{"functionCall": DEEP}]}}]}], ""),
    ("odd", [{"choices": [5, {"delta": 5}, {"index": "x"}]}, {"candidates": [{"content": []}]}, {"delta": []}], ""),
]


@pytest.mark.parametrize(("events", "text"), [row[1:] for row in EVENTS], ids=[row[0] for row in EVENTS])
def test_texts(events: list[dict[str, Any]], text: str) -> None:
    """What the model has written is counted together, whatever the cuts."""
    counting = CompletionText(NEWER)
    for event in events:
        counting.read(event)
    assert counting.count() == count_tokens([text], NEWER)


def test_choices_are_texts_of_their_own() -> None:
    """Choices that arrive in turns are not mixed."""
    counting = CompletionText(NEWER)
    for piece in ("anti", "dis", "establish"):
        counting.read({"choices": [{"index": index, "delta": {"content": piece}} for index in range(3)]})
    assert counting.count() == 3 * count_tokens(["antidisestablish"], NEWER)


def test_what_is_held_has_a_bound() -> None:
    """A stream that does not end is not kept: what goes beyond is counted by its bytes."""
    counting = CompletionText(NEWER)
    for _ in range(5):
        counting.read(chat(content=" hello" * (MOST_HELD // 12)))
    assert sum(len(text) for pieces in counting._pieces.values() for text in pieces) <= MOST_HELD
    assert counting.count() == MOST_HELD // 12 * 2 + MOST_HELD // 12 * 6 // 4 * 3
