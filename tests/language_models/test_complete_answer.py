"""complete_answer.py: which answers of models may be given again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.language_models.complete_answer import StreamedAnswer, is_complete


def choice(reason: str | None = "stop", **message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": reason, "message": {"content": "Hi", **message}}]}


def output(*items: dict[str, Any], status: str = "completed") -> dict[str, Any]:
    return {"status": status, "output": list(items)}


SAID = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
TEXT = {"type": "text", "text": "Hi"}

WHOLE: dict[str, tuple[object, bool]] = {
    "chat": (choice(), True),
    "cut by length": (choice("length"), False),
    "filtered": (choice("content_filter"), False),
    "tool": (choice("stop", tool_calls=[{"id": "1"}]), False),
    "refusal": (choice("stop", refusal="No."), False),
    "unfinished": (choice(None), False),
    "no choice": ({"choices": []}, False),
    "response": (output({"type": "reasoning", "content": None}, SAID), True),
    "response calls": (output({"type": "function_call"}), False),
    "response refuses": (output({"type": "message", "content": [{"type": "refusal"}]}), False),
    "response incomplete": (output(SAID, status="incomplete"), False),
    "anthropic": ({"type": "message", "stop_reason": "end_turn", "content": [TEXT]}, True),
    "anthropic tool": ({"type": "message", "stop_reason": "tool_use", "content": [{"type": "tool_use"}]}, False),
    "error": ({"error": {"code": "429"}}, False),
    "list": ([1], False),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_answers(name: str) -> None:
    """Complete is what ended by itself and says nothing but text."""
    document, complete = WHOLE[name]
    assert is_complete(json.dumps(document).encode()) is complete
    assert not is_complete(b"{")


def delta(reason: str | None = None, index: int = 0, **more: Any) -> str:
    return json.dumps({"choices": [{"index": index, "delta": more, "finish_reason": reason}]})


DONE = "[DONE]"
STREAMS: dict[str, tuple[list[str], bool]] = {
    "chat": ([delta(content="Hi"), delta("stop"), '{"choices":[],"usage":{}}', DONE], True),
    "two choices": ([delta(index=0), delta(index=1), delta("stop", 0), delta("stop", 1), DONE], True),
    "one of two unfinished": ([delta(index=0), delta(index=1), delta("stop", 0), DONE], False),
    "without its end": ([delta(content="Hi"), delta("stop")], False),
    "only an end": ([DONE], False),
    "tool": ([delta(tool_calls=[{}]), delta("stop"), DONE], False),
    "filtered": ([delta("content_filter"), DONE], False),
    "error": ([delta(content="Hi"), '{"error":{}}', delta("stop"), DONE], False),
    "unreadable": ([delta(content="Hi"), "{", delta("stop"), DONE], False),
    "response": ([json.dumps({"type": "response.completed", "response": output(SAID)})], True),
    "response failed": ([json.dumps({"type": "response.failed"})], False),
    "anthropic": (
        [
            json.dumps({"type": "content_block_start", "content_block": TEXT}),
            json.dumps({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
            json.dumps({"type": "message_stop"}),
        ],
        True,
    ),
    "anthropic tool": (
        [
            json.dumps({"type": "content_block_start", "content_block": {"type": "tool_use"}}),
            json.dumps({"type": "message_stop"}),
        ],
        False,
    ),
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_streams(name: str, end: str, size: int) -> None:
    """However a stream is divided on its way, it is complete with its last event only."""
    events, complete = STREAMS[name]
    data = "".join(f"data: {event}{end}" for event in events).encode()
    answer = StreamedAnswer()
    for start in range(0, len(data), size):
        answer.feed(data[start : start + size])
    assert answer.is_complete is complete
