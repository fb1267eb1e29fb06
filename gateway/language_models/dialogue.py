"""
What a request asks of a language model, in two parts: the text, which is compared by meaning, and everything else,
which is compared exactly.

Source: OpenAI API reference, "Chat Completions", "Responses", "Completions"; Anthropic, "Messages".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.reading.json_text import unambiguous

# Where the messages are: one of these, and no other.
_PLACES = ("messages", "input", "prompt")

# Instructions beside the messages: of Anthropic, of Responses.
_SYSTEM_MEMBERS = ("system", "instructions")
_SYSTEM_ROLES = ("system", "developer")

# Whose words are compared by meaning. What tools answered is data: it counts exactly.
_SPEAKERS = ("user", "assistant")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """
    One request.

    Attributes:
        text: What is said, one message after the other.
        rest: The whole request without that text, in one form only: model, temperature, tools, images, roles.
        messages: How many messages there are.
        is_stored: Whether the model's provider keeps it, under an id that the answer has: whoever knows that may read
            what was asked.
    """

    text: str
    rest: str
    messages: int
    is_stored: bool = False


def read_dialogue(content: bytes, ignores_system: bool = False) -> Dialogue | None:
    """
    The dialogue in a request's body.

    Args:
        ignores_system: Leave out system messages altogether; otherwise they count exactly.

    Returns:
        None: It is not one that is known here, or says nothing.
    """
    document = _object(content)
    places = [place for place in _PLACES if place in document]
    if len(places) != 1:
        return None
    messages = _messages(document[places[0]])
    if ignores_system:
        document, messages = _without_system(document, messages)
    texts: list[str] = []
    frame = [_framed(message, texts) for message in messages]
    text, rest = "\n".join(texts), json.dumps({**document, places[0]: frame}, sort_keys=True)
    stored = document.get("store", places[0] == "input")  # Responses are kept unless the request says otherwise
    return Dialogue(text, rest, len(messages), stored is not False) if text.strip() else None


def _without_system(document: dict[str, Any], messages: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    kept = [message for message in messages if _role(message) not in _SYSTEM_ROLES]
    return {name: value for name, value in document.items() if name not in _SYSTEM_MEMBERS}, kept


def _object(content: bytes) -> dict[str, Any]:
    """The JSON object in *content*; empty where there is none that has one meaning."""
    try:
        document = json.loads(content, object_pairs_hook=unambiguous)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _messages(given: object) -> list[Any]:
    """Messages; a text alone is the user's."""
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return given if isinstance(given, list) else []


def _role(message: object) -> object:
    return message.get("role", "") if isinstance(message, dict) else ""


def _framed(message: object, texts: list[str]) -> object:
    """*message* without its text, which is added to *texts*."""
    if not isinstance(message, dict) or _role(message) not in _SPEAKERS:
        return message
    return {**message, "content": _without_text(message.get("content"), texts)}


def _without_text(content: object, texts: list[str]) -> object:
    if isinstance(content, str):
        texts.append(content)
        return ""
    return [_part(part, texts) for part in content] if isinstance(content, list) else content


def _part(part: object, texts: list[str]) -> object:
    if not isinstance(part, dict) or not isinstance(part.get("text"), str):
        return part
    texts.append(part["text"])
    return {**part, "text": ""}


def joined(values: Iterable[object]) -> str:
    """*values* as one text that no other list of values gives."""
    return json.dumps(list(values), sort_keys=True)
