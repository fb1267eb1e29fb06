"""
The text that a model has sent in a stream, counted as it comes, for streams that report no usage.

Source: the streamed events of OpenAI's chat completions, completions and responses
(https://platform.openai.com/docs/api-reference/chat-streaming), of Anthropic's messages
(https://docs.anthropic.com/en/api/messages-streaming) and of Gemini
(https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from gateway.policies.parts.vocabularies import count_tokens

# Counted together. Where a text is cut it may have one token more, so the error is at most one in so many characters.
PIECE = 8 * 1024
MOST_CHOICES = 128

_TEXTS = ("content", "refusal", "reasoning_content", "reasoning", "text", "thinking", "partial_json")
_CALL_TEXTS = ("name", "arguments")
_SOUND = ("response.audio.delta", "response.output_audio.delta")


class CompletionText:
    """Counts. Choices that arrive side by side are texts of their own."""

    __slots__ = ("_held", "_tokens", "_waiting", "vocabulary")

    def __init__(self, vocabulary: str) -> None:
        self.vocabulary = vocabulary
        self._waiting: dict[int, list[str]] = {}
        self._held = 0
        self._tokens = 0

    def read(self, event: Mapping[str, Any]) -> None:
        """The text of one event."""
        for choice, text in _texts(event):
            self._waiting.setdefault(choice % MOST_CHOICES, []).append(text)
            self._held += len(text)
        if self._held >= PIECE:
            self._count()

    @property
    def tokens(self) -> int:
        """The tokens so far."""
        self._count()
        return self._tokens

    def _count(self) -> None:
        texts = ["".join(pieces) for pieces in self._waiting.values()]
        self._tokens += count_tokens(texts, self.vocabulary)
        self._waiting.clear()
        self._held = 0


def _texts(event: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """The number of the choice, and the text."""
    delta = event.get("delta")
    if isinstance(delta, str):  # Responses
        if event.get("type") not in _SOUND:
            yield 0, delta
    elif isinstance(delta, dict):  # Messages
        yield from ((0, text) for text in _strings(delta, _TEXTS))
    for choice in _objects(event.get("choices")):
        yield from ((_index(choice), text) for text in _of_choice(choice))
    for candidate in _objects(event.get("candidates")):
        yield from ((_index(candidate), text) for text in _of_candidate(candidate))


def _of_choice(choice: Mapping[str, Any]) -> Iterator[str]:
    yield from _strings(choice, ("text",))
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return
    yield from _strings(delta, _TEXTS)
    calls = [call.get("function") for call in _objects(delta.get("tool_calls"))]
    for call in _objects([*calls, delta.get("function_call")]):
        yield from _strings(call, _CALL_TEXTS)


def _of_candidate(candidate: Mapping[str, Any]) -> Iterator[str]:
    content = candidate.get("content")
    for part in _objects(content.get("parts") if isinstance(content, dict) else None):
        yield from _strings(part, ("text",))
        if "functionCall" in part:
            yield _json(part["functionCall"])


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return ""  # nested too deep


def _index(choice: Mapping[str, Any]) -> int:
    index = choice.get("index")
    return index if isinstance(index, int) else 0


def _strings(members: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    return (value for name in names if isinstance(value := members.get(name), str))


def _objects(items: Any) -> list[Mapping[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
