"""dialogue.py: what of a request is compared by meaning, and what exactly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.language_models.dialogue import joined, read_dialogue

USER = {"role": "user", "content": "Hi"}
SYSTEM = {"role": "system", "content": "Be brief."}

TEXTS: dict[str, tuple[dict[str, Any], str]] = {
    "chat": ({"messages": [USER, {"role": "assistant", "content": "Yes?"}, USER]}, "Hi\nYes?\nHi"),
    "parts": ({"messages": [{"role": "user", "content": [{"type": "text", "text": "A"}, {"type": "x"}]}]}, "A"),
    "responses": ({"input": "Hi", "instructions": "Be brief."}, "Hi"),
    "items": ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]}, "Hi"),
    "completions": ({"prompt": "Hi"}, "Hi"),
    "anthropic": ({"system": "Be brief.", "messages": [USER]}, "Hi"),
    "system messages count exactly": ({"messages": [SYSTEM, USER]}, "Hi"),
    "tools' answers count exactly": ({"messages": [USER, {"role": "tool", "content": "42"}]}, "Hi"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_text(name: str) -> None:
    """What users and the model say, in order, in each of the APIs."""
    document, text = TEXTS[name]
    dialogue = read_dialogue(json.dumps(document).encode())
    assert dialogue is not None
    assert dialogue.text == text


NONE = {
    "no JSON": b"Hi",
    "no object": b"[]",
    "nothing said": b'{"messages":[{"role":"user","content":" "}]}',
    "no messages": b'{"model":"m"}',
    "two places": b'{"messages":[{"role":"user","content":"a"}],"input":"b"}',
    "ambiguous": b'{"messages":[{"role":"user","content":"a","content":"b"}]}',
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_dialogue(name: str) -> None:
    """A request that is not understood is not cached."""
    assert read_dialogue(NONE[name]) is None


# Two requests -> whether they differ in more than their text.
PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "text": ({"messages": [USER]}, {"messages": [{"role": "user", "content": "Ho"}]}, False),
    "order of members": ({"messages": [USER], "n": 1}, {"n": 1, "messages": [USER]}, False),
    "role": ({"messages": [USER]}, {"messages": [{"role": "assistant", "content": "Hi"}]}, True),
    "system": ({"messages": [SYSTEM, USER]}, {"messages": [{**SYSTEM, "content": "Be long."}, USER]}, True),
    "number": ({"messages": [USER]}, {"messages": [USER, USER]}, True),
    "stream": ({"messages": [USER]}, {"messages": [USER], "stream": True}, True),
    "user": ({"messages": [USER], "user": "a"}, {"messages": [USER], "user": "b"}, True),
    "picture": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"image_url": {"url": "1"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"image_url": {"url": "2"}}]}]},
        True,
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_rest(name: str) -> None:
    """Everything but the text counts exactly."""
    one, two, differ = PAIRS[name]
    first, second = (read_dialogue(json.dumps(document).encode()) for document in (one, two))
    assert first is not None
    assert second is not None
    assert (first.rest != second.rest) == differ


def test_ignored_system_messages() -> None:
    """They are not in the text, not in the rest, and not counted."""
    content = json.dumps({"messages": [SYSTEM, USER], "instructions": "x"}).encode()
    dialogue = read_dialogue(content, ignores_system=True)
    assert dialogue is not None
    assert (dialogue.text, dialogue.messages) == ("Hi", 1)
    assert "brief" not in dialogue.rest
    assert "instructions" not in dialogue.rest


def test_values_are_joined_without_confusion() -> None:
    """No two lists of values give one text."""
    assert joined(["a", "bc"]) != joined(["ab", "c"])
    assert joined(["a"]) != joined(["a", ""])
