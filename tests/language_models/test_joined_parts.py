"""joined_parts.py: what a model reads as one text."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.language_models.joined_parts import joined_parts


def user(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


IMAGE = {"type": "image_url", "image_url": {"url": "data:"}}
CASES: dict[str, tuple[Any, list[str]]] = {
    "chat": (user(text("ki"), text("ll")), ["kill"]),
    "one part": (user(text("kill")), []),
    "no parts": ({"messages": [{"role": "user", "content": "ki"}, {"role": "user", "content": "ll"}]}, []),
    "a picture between": (user(text("ki"), IMAGE, text("ll")), ["kill"]),
    "an empty part between": (user(text("ki"), text(""), text("ll")), ["kill"]),
    "other members": (user(text("ki", note="zzz", more=["a"]), text("ll")), ["kill"]),
    "responses": ({"input": [{"content": [{"type": "input_text", "text": t} for t in ("ki", "ll")]}]}, ["kill"]),
    "anthropic's system": ({"system": [text("ki"), text("ll")]}, ["kill"]),
    "anthropic's tool": (user({"type": "tool_result", "content": [text("ki"), text("ll")]}), ["kill"]),
    "gemini": ({"contents": [{"parts": [{"text": "ki"}, {"text": "ll"}]}]}, ["kill"]),
    "assistants": ({"content": [{"type": "text", "text": {"value": said}} for said in ("ki", "ll")]}, ["kill"]),
    "texts": ({"prompt": ["ki", "ll"]}, ["kill"]),
    "numbers": ({"input": [1, 2, None, [3]]}, []),
}


@pytest.mark.parametrize("name", CASES)
def test_parts_are_joined(name: str) -> None:
    """Whatever stands between two parts of a list, or beside their text, they are read as one."""
    document, expected = CASES[name]
    assert list(joined_parts(document)) == expected


def test_no_document_is_too_deep_or_becomes_larger() -> None:
    """Each text is joined once, however deep the lists are in each other."""
    document: Any = ["a", "b"]
    for _ in range(5000):
        document = [document]
    assert list(joined_parts(document)) == ["ab"]
