"""
Whether a language model's answer is complete, read while it passes: only then may it be given again.

Complete means that the model came to its end by itself and said nothing but text: no error, no stop by the content
filter or by a limit of tokens, no refusal, no call of a tool, and of a stream its last event.

Source: OpenAI API reference, "Chat Completions", "Responses", "Completions" and their streams; Anthropic, "Messages".
"""

from __future__ import annotations

from typing import Any

import orjson

from gateway.language_models.event_splitter import EventSplitter, event_data

# finish_reason of OpenAI, stop_reason of Anthropic.
_ENDS = ("stop", "end_turn", "stop_sequence")
_TEXTS = ("text", "output_text", "thinking", "redacted_thinking", "reasoning", "message")
_CALLS = ("tool_calls", "function_call", "refusal")


def is_complete(content: bytes) -> bool:
    """Whether *content* is a whole answer that is no stream."""
    try:
        document = orjson.loads(content)
    except ValueError:
        return False
    match document:
        case {"choices": [_, *_] as choices}:
            return all(_is_finished_choice(choice) for choice in choices)
        case {"status": "completed", "output": list(items)}:
            return _is_finished_response(document, items)
        case {"type": "message", "stop_reason": reason, "content": list(parts)}:
            return reason in _ENDS and all(_is_text(part) for part in parts)
    return False


def _is_finished_choice(choice: Any) -> bool:
    return isinstance(choice, dict) and choice.get("finish_reason") in _ENDS and _says_text(choice.get("message"))


def _says_text(message: Any) -> bool:
    """Whether a message, or a part of one, calls no tool and refuses nothing."""
    return not isinstance(message, dict) or not any(message.get(name) for name in _CALLS)


def _is_finished_response(document: dict[str, Any], items: list[Any]) -> bool:
    return not document.get("error") and all(
        _is_text(item) and all(map(_is_text, item.get("content") or ())) for item in items
    )


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in _TEXTS


class StreamedAnswer:
    """An answer in server-sent events."""

    def __init__(self) -> None:
        self._splitter = EventSplitter()
        self._open: set[int] = set()
        self._finished: set[int] = set()
        self._ended = False
        self._spoiled = False

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        for event in self._splitter.feed(data):
            self._take(event)

    @property
    def is_complete(self) -> bool:
        """Whether the stream that has been fed is a complete answer."""
        return self._ended and not self._spoiled and not self._open and not self._splitter.rest.strip()

    def _take(self, event: bytes) -> None:
        data = event_data(event)
        if not data:
            return
        if data == b"[DONE]":
            self._ended = self._ended or bool(self._finished)
            return
        try:
            document = orjson.loads(data)
        except ValueError:
            document = None
        self._read(document if isinstance(document, dict) else {"error": "unreadable"})

    def _read(self, document: dict[str, Any]) -> None:
        if document.get("error") is not None:
            self._spoiled = True
        match document:
            case {"choices": list(choices)}:
                for choice in choices:
                    self._read_choice(choice if isinstance(choice, dict) else {"finish_reason": "unreadable"})
            case {"type": str(kind)}:
                self._read_event(kind, document)

    def _read_choice(self, choice: dict[str, Any]) -> None:
        number, reason = choice.get("index", 0), choice.get("finish_reason")
        self._spoiled |= not _says_text(choice.get("delta"))
        if reason is None:
            self._open.add(number)
            return
        self._spoiled |= reason not in _ENDS
        self._open.discard(number)
        self._finished.add(number)

    def _read_event(self, kind: str, document: dict[str, Any]) -> None:
        """Of the Responses API, or of Anthropic's."""
        match kind, document:
            case "response.completed", {"response": dict(response)}:
                self._ended = True
                self._spoiled |= not _is_finished_response(response, response.get("output") or [])
            case "response.failed" | "response.incomplete" | "error", _:
                self._spoiled = True
            case "content_block_start", {"content_block": part}:
                self._spoiled |= not _is_text(part)
            case "message_delta", {"delta": {"stop_reason": reason}}:
                self._spoiled |= reason not in _ENDS
            case "message_stop", _:
                self._ended = True
