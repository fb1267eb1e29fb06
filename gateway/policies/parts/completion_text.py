"""
The text that a model has sent in a stream, for streams that report no usage.

Source: the streamed events of OpenAI's chat completions, completions and responses
(https://platform.openai.com/docs/api-reference/chat-streaming), of Anthropic's messages
(https://docs.anthropic.com/en/api/messages-streaming) and of Gemini
(https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from gateway.policies.parts.vocabularies import BYTES_PER_TOKEN, count_tokens

# Held of one stream, in characters: more than the longest completions. What goes beyond is counted by its bytes.
MOST_HELD = 2 * 1024 * 1024
MOST_CHOICES = 128

_TEXTS = ("content", "refusal", "reasoning_content", "reasoning", "text", "thinking", "partial_json")
_CALL_TEXTS = ("name", "arguments")
_SOUND = ("response.audio.delta", "response.output_audio.delta")


class CompletionText:
    """
    Keeps the text, for the case that nothing else says how long it was. Choices that arrive side by side are texts of
    their own.

    Attributes:
        length: In characters.
    """

    __slots__ = ("_beyond", "_pieces", "length", "vocabulary")

    def __init__(self, vocabulary: str) -> None:
        self.vocabulary = vocabulary
        self.length = 0
        self._pieces: dict[int, list[str]] = {}
        self._beyond = 0

    def read(self, event: Mapping[str, Any]) -> None:
        """The text of one event."""
        for choice, text in _texts(event):
            self.length += len(text)
            if self.length <= MOST_HELD:
                self._pieces.setdefault(choice % MOST_CHOICES, []).append(text)
            else:
                self._beyond += len(text.encode())

    def skip(self, size: int) -> None:
        """So many bytes cannot be read."""
        self._beyond += size

    def count(self) -> int:
        """The tokens of it all. Leaves Python's lock to others."""
        texts = ["".join(pieces) for pieces in self._pieces.values()]
        return count_tokens(texts, self.vocabulary) + self._beyond // BYTES_PER_TOKEN


def _texts(event: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """The number of the choice, and the text."""
    if "delta" in event:
        yield from ((0, text) for text in _of_delta(event))
    for choice in _objects(event.get("choices")):
        yield from ((_index(choice), text) for text in _of_choice(choice))
    for candidate in _objects(event.get("candidates")):
        yield from ((_index(candidate), text) for text in _of_candidate(candidate))


def _of_delta(event: Mapping[str, Any]) -> Iterator[str]:
    """Of an event of Responses, or of Messages."""
    delta = event["delta"]
    if isinstance(delta, dict):
        yield from _strings(delta, _TEXTS)
    elif isinstance(delta, str) and event.get("type") not in _SOUND:
        yield delta


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
