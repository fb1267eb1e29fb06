"""
What a model reads as one text although it is sent in several parts: joined, with nothing between.

A word that is divided between two parts of a message is no word to whoever judges the parts one by one. Only lists are
joined, and of their members only the text itself, so that nothing that the model does not read can keep the halves
apart; each text is in one list at most.

Source: OpenAI API reference, "Chat Completions" and "Responses", content parts; Anthropic, "Messages", content blocks;
Google, "generateContent", parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def joined_parts(document: Any) -> Iterator[str]:
    """For each list with several texts in *document*, as JSON has it: all of them, joined."""
    for several in _lists(document):
        parts = list(filter(None, map(_text, several)))
        if len(parts) > 1:
            yield "".join(parts)


def _lists(document: Any) -> Iterator[list[Any]]:
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            yield value
        members = value.values() if isinstance(value, dict) else value
        waiting.extend(members if isinstance(value, list | dict) else ())


def _text(part: Any) -> str:
    """The text that *part* is or has; empty: none."""
    text = part.get("text") if isinstance(part, dict) else part
    if isinstance(text, dict):
        text = text.get("value")
    return text if isinstance(text, str) else ""
