"""
The older Completions API.

Source: OpenAI API reference, "Completions".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.emulators.openai.bodies import count
from gateway.emulators.openai.errors import ModelError
from gateway.emulators.openai.heads import DONE, ReplyHead, data, usage
from gateway.emulators.openai.replies import Ask, Reply
from gateway.emulators.openai.text import count_tokens, pieces


def asked(document: dict[str, Any]) -> Ask:
    """What the body asks. Raises ModelError: no prompt."""
    prompt = document.get("prompt")
    prompts = prompt if isinstance(prompt, list) else [prompt]
    texts = [text for text in prompts if isinstance(text, str)]
    if not texts:
        raise ModelError(400, "missing_required_parameter", "Missing required parameter: 'prompt'.", "prompt")
    return Ask(texts[-1], sum(map(count_tokens, texts)), max_tokens=count(document, "max_tokens"))


def completion(head: ReplyHead, reply: Reply) -> dict[str, Any]:
    """The whole answer."""
    return _head(head) | {"choices": [_choice(reply.text, reply.finish_reason)], "usage": usage(reply)}


def chunks(head: ReplyHead, reply: Reply) -> Iterator[bytes]:
    """The events of a stream."""
    common = _head(head)
    usage_yet = {"usage": None} if head.with_usage else {}
    for piece in pieces(reply.text):
        yield data(common | {"choices": [_choice(piece, None)]} | usage_yet)
    yield data(common | {"choices": [_choice("", reply.finish_reason)]} | usage_yet)
    if head.with_usage:
        yield data(common | {"choices": [], "usage": usage(reply)})
    yield DONE


def _choice(text: str, finish_reason: str | None) -> dict[str, Any]:
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": finish_reason}


def _head(head: ReplyHead) -> dict[str, Any]:
    return {
        "id": head.id("cmpl-"),
        "object": "text_completion",
        "created": head.created,
        "model": head.model,
    }
