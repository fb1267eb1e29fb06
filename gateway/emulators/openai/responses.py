"""
The Responses API: whole answers and streams.

Source: OpenAI API reference, "Responses" and "Responses streaming events".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count as counting
from typing import Any

from gateway.emulators.openai.bodies import MESSAGE_TOKENS, count, functions, objects, schema_of, text_of, tokens_of
from gateway.emulators.openai.errors import ModelError
from gateway.emulators.openai.heads import ReplyHead, event
from gateway.emulators.openai.replies import Ask, Reply
from gateway.emulators.openai.text import pieces

Parts = Iterator[tuple[str, dict[str, Any]]]


def asked(document: dict[str, Any]) -> Ask:
    """What the body asks. Raises ModelError: no input, or a wrong member."""
    items = _items(document)
    callable_now, must_call = functions(objects(document, "tools"), document.get("tool_choice"))
    said = [text_of(item.get("content")) for item in items if item.get("role") == "user"]
    returned = items[-1].get("output") if items[-1].get("type") == "function_call_output" else None
    return Ask(
        text=said[-1] if said else "",
        prompt_tokens=MESSAGE_TOKENS + sum(tokens_of(item.get("content", item.get("output"))) for item in items),
        functions=callable_now,
        must_call=must_call,
        returned=None if returned is None else text_of(returned),
        max_tokens=count(document, "max_output_tokens"),
        as_json=schema_of(_format(document.get("text"))),
    )


def _items(document: dict[str, Any]) -> list[dict[str, Any]]:
    given = document.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else objects(document, "input")
    if not items:
        raise ModelError(400, "missing_required_parameter", "Missing required parameter: 'input'.", "input")
    instructions = document.get("instructions")
    return [{"role": "developer", "content": instructions}, *items] if isinstance(instructions, str) else items


def _format(text: object) -> object:
    return text.get("format") if isinstance(text, dict) else None


def response(head: ReplyHead, reply: Reply, asked_for: dict[str, Any]) -> dict[str, Any]:
    """The whole answer to the body *asked_for*."""
    status = "incomplete" if reply.is_cut else "completed"
    document = _empty(head, asked_for) | {"status": status, "output": [_item(head, reply)]}
    if reply.is_cut:
        document["incomplete_details"] = {"reason": "max_output_tokens"}
    return document | {"usage": _usage(reply)}


def events(head: ReplyHead, reply: Reply, asked_for: dict[str, Any]) -> Iterator[bytes]:
    """The events of a stream, numbered."""
    numbers = counting()
    for name, members in _events(head, reply, asked_for):
        yield event(name, {"type": name, "sequence_number": next(numbers), **members})


def _events(head: ReplyHead, reply: Reply, asked_for: dict[str, Any]) -> Parts:
    started = _empty(head, asked_for)
    yield "response.created", {"response": started}
    yield "response.in_progress", {"response": started}
    yield from (_call_events if reply.function else _text_events)(head, reply)
    yield "response.output_item.done", {"output_index": 0, "item": _item(head, reply)}
    whole = response(head, reply, asked_for)
    yield f"response.{whole['status']}", {"response": whole}


def _text_events(head: ReplyHead, reply: Reply) -> Parts:
    item = _item(head, reply)
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    part = item["content"][0]
    started = item | {"status": "in_progress", "content": []}
    yield "response.output_item.added", {"output_index": 0, "item": started}
    yield "response.content_part.added", {**place, "part": part | {"text": ""}}
    for piece in pieces(reply.text):
        yield "response.output_text.delta", {**place, "delta": piece, "logprobs": []}
    yield "response.output_text.done", {**place, "text": reply.text, "logprobs": []}
    yield "response.content_part.done", {**place, "part": part}


def _call_events(head: ReplyHead, reply: Reply) -> Parts:
    item = _item(head, reply)
    place = {"item_id": item["id"], "output_index": 0}
    yield "response.output_item.added", {"output_index": 0, "item": item | {"status": "in_progress", "arguments": ""}}
    for piece in pieces(reply.arguments):
        yield "response.function_call_arguments.delta", {**place, "delta": piece}
    yield "response.function_call_arguments.done", {**place, "name": reply.function, "arguments": reply.arguments}


def _item(head: ReplyHead, reply: Reply) -> dict[str, Any]:
    if reply.function:
        called = {"name": reply.function, "arguments": reply.arguments, "call_id": head.id("call_")}
        return {"id": head.id("fc_"), "type": "function_call", "status": "completed", **called}
    content = [{"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}]
    status = "incomplete" if reply.is_cut else "completed"
    return {
        "id": head.id("msg_"),
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def _empty(head: ReplyHead, asked_for: dict[str, Any]) -> dict[str, Any]:
    echoed = ("instructions", "max_output_tokens", "previous_response_id", "temperature", "top_p")
    return {
        "id": head.id("resp_"),
        "object": "response",
        "created_at": head.created,
        "status": "in_progress",
        "model": head.model,
        "output": [],
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": True,
        "tool_choice": asked_for.get("tool_choice", "auto"),
        "tools": asked_for.get("tools", []),
        "metadata": asked_for.get("metadata") or {},
        "store": asked_for.get("store", True),
        "usage": None,
        **{name: asked_for.get(name) for name in echoed},
    }


def _usage(reply: Reply) -> dict[str, Any]:
    return {
        "input_tokens": reply.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": reply.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": reply.total_tokens,
    }
