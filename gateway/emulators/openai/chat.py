"""
The Chat Completions API: whole answers and streams.

Source: OpenAI API reference, "Chat Completions" and "Chat Completions streaming"; Microsoft Learn, Azure OpenAI
"REST API reference" for the content filter's verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.emulators.openai.bodies import MESSAGE_TOKENS, count, functions, objects, schema_of, text_of, tokens_of
from gateway.emulators.openai.errors import ModelError, safe
from gateway.emulators.openai.heads import DONE, ReplyHead, data, usage
from gateway.emulators.openai.replies import Ask, Reply
from gateway.emulators.openai.text import pieces

MAX_CHOICES = 128


def asked(document: dict[str, Any]) -> Ask:
    """What the body asks. Raises ModelError: no messages, or a wrong member."""
    messages = objects(document, "messages")
    if not messages:
        raise ModelError(400, "missing_required_parameter", "Missing required parameter: 'messages'.", "messages")
    if choices(document) > MAX_CHOICES:
        raise ModelError(400, "integer_above_max_value", f"'n' must be at most {MAX_CHOICES}", "n")
    callable_now, must_call = functions(objects(document, "tools"), document.get("tool_choice"))
    said = [text_of(message.get("content")) for message in messages if message.get("role") == "user"]
    last = messages[-1]
    return Ask(
        text=said[-1] if said else "",
        prompt_tokens=MESSAGE_TOKENS + sum(tokens_of(message.get("content")) for message in messages),
        functions=callable_now,
        must_call=must_call,
        returned=text_of(last.get("content")) if last.get("role") == "tool" else None,
        max_tokens=count(document, "max_completion_tokens", "max_tokens"),
        as_json=schema_of(document.get("response_format")),
    )


def choices(document: dict[str, Any]) -> int:
    """How many answers are wanted."""
    return count(document, "n") or 1


def completion(head: ReplyHead, reply: Reply, number: int = 1) -> dict[str, Any]:
    """The whole answer, *number* times the same."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": None, "annotations": []}
    if reply.function:
        message |= {"content": None, "tool_calls": [_tool_call(head, reply, reply.arguments)]}
    choice: dict[str, Any] = {"message": message, "logprobs": None, "finish_reason": reply.finish_reason}
    document = _head(head, "chat.completion")
    if head.azure:
        choice["content_filter_results"] = safe()
        document["prompt_filter_results"] = _prompt_verdict()
    document["choices"] = [{"index": index, **choice} for index in range(number)]
    return document | {"usage": usage(reply)}


def chunks(head: ReplyHead, reply: Reply, number: int = 1) -> Iterator[bytes]:
    """The events of a stream; Azure's begins with its verdict on the prompt."""
    common = _head(head, "chat.completion.chunk")
    usage_yet = {"usage": None} if head.with_usage else {}
    if head.azure:
        yield data(common | {"choices": [], "prompt_filter_results": _prompt_verdict()} | usage_yet)
    verdict = {"content_filter_results": safe()} if head.azure else {}
    for index in range(number):
        for delta in _deltas(head, reply):
            told = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
            yield data(common | {"choices": [told | verdict]} | usage_yet)
        choice: dict[str, Any] = {"index": index, "delta": {}, "logprobs": None, "finish_reason": reply.finish_reason}
        yield data(common | {"choices": [choice]} | usage_yet)
    if head.with_usage:
        yield data(common | {"choices": [], "usage": usage(reply)})
    yield DONE


def _deltas(head: ReplyHead, reply: Reply) -> Iterator[dict[str, Any]]:
    if reply.function:
        yield {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **_tool_call(head, reply, "")}]}
        for piece in pieces(reply.arguments):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
        return
    yield {"role": "assistant", "content": "", "refusal": None}
    for piece in pieces(reply.text):
        yield {"content": piece}


def _tool_call(head: ReplyHead, reply: Reply, arguments: str) -> dict[str, Any]:
    called = {"name": reply.function, "arguments": arguments}
    return {"id": head.id("call_"), "type": "function", "function": called}


def _head(head: ReplyHead, kind: str) -> dict[str, Any]:
    return {
        "id": head.id("chatcmpl-"),
        "object": kind,
        "created": head.created,
        "model": head.model,
        "system_fingerprint": "fp_emulated",
    }


def _prompt_verdict() -> list[dict[str, Any]]:
    return [{"prompt_index": 0, "content_filter_results": safe()}]
