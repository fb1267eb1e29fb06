"""Prompts: what of a request is counted, in each provider's form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.policies.parts.prompts import MEDIA_TOKENS, prompt_job, prompt_tokens
from gateway.policies.parts.vocabularies import NEWER, OLDER, count_tokens

HELLO = "hello world"  # two tokens in both vocabularies
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
TOOL_TOKENS = count_tokens([json.dumps([TOOL], separators=(",", ":"))], NEWER)
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
SCHEMA_TOKENS = count_tokens([json.dumps(SCHEMA, separators=(",", ":"))], NEWER)


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": list(messages), **more}


USER = {"role": "user", "content": HELLO}

# Three for a message, one for its role, three for the answer.
PROMPTS: list[tuple[str, dict[str, Any], int]] = [
    ("one message", chat(USER), 3 + 1 + 2 + 3),
    ("two", chat({"role": "system", "content": HELLO}, USER), 2 * 6 + 3),
    ("a name", chat({**USER, "name": "me"}), 9 + 1 + 1),
    ("parts", chat({"role": "user", "content": [{"type": "text", "text": HELLO}, IMAGE]}), 9 + MEDIA_TOKENS),
    (
        "sound",
        chat({"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "A" * 9000}}]}),
        7 + 1200,
    ),
    ("tools", chat(USER, tools=[TOOL]), 9 + TOOL_TOKENS),
    ("a schema", chat(USER, response_format={"type": "json_schema", "json_schema": SCHEMA}), 9 + SCHEMA_TOKENS),
    ("no schema", chat(USER, response_format={"type": "json_object"}), 9),
    (
        "a call",
        chat({"role": "assistant", "content": None, "tool_calls": [{}]}),
        3 + 1 + 3 + count_tokens(["[{}]"], NEWER),
    ),
    ("input text", {"model": "gpt-4o", "input": HELLO, "instructions": HELLO}, 4),
    ("input items", {"input": [{"role": "user", "content": [{"type": "input_text", "text": HELLO}]}]}, 9),
    ("a result", {"input": [{"type": "function_call_output", "call_id": "x", "output": HELLO}]}, 3 + 2 + 3),
    ("an input image", {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}, 7 + 1200),
    ("embeddings", {"model": "text-embedding-3-small", "input": [HELLO, HELLO]}, 4),
    ("tokens", {"model": "text-embedding-3-small", "input": [[1, 2, 3], [4]]}, 4),
    ("completion", {"model": "davinci-002", "prompt": HELLO, "suffix": HELLO}, 4),
    ("completions", {"prompt": [HELLO, HELLO, HELLO]}, 6),
    ("anthropic", {"model": "claude", "system": HELLO, "messages": [USER], "max_tokens": 9}, 2 + 9),
    ("anthropic system", {"system": [{"type": "text", "text": HELLO}], "messages": [USER]}, 2 + 9),
    (
        "anthropic parts",
        chat({"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": HELLO}]}]}),
        9,
    ),
    (
        "anthropic image",
        chat({"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "A" * 9000}}]}),
        7 + MEDIA_TOKENS,
    ),
    ("gemini", {"contents": [{"role": "user", "parts": [{"text": HELLO}]}]}, 9),
    (
        "gemini system",
        {"systemInstruction": {"parts": [{"text": HELLO}]}, "contents": [{"parts": [{"text": HELLO}]}]},
        10,
    ),
    (
        "gemini image",
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "A" * 9000}}]}]},
        6 + 1200,
    ),
]


@pytest.mark.parametrize(("body", "tokens"), [row[1:] for row in PROMPTS], ids=[row[0] for row in PROMPTS])
def test_prompts(body: dict[str, Any], tokens: int) -> None:
    """Each form counts its texts, its messages and its images, and nothing of what images are made of."""
    content = json.dumps(body).encode()
    assert prompt_tokens(content, "") == tokens
    assert prompt_job(content, "") == str(tokens).encode()


ODD: list[tuple[str, bytes, int]] = [
    ("nothing", b"", 0),
    ("a file", b"--boundary\r\n\r\n\x00\x01", 0),
    ("a list", b'["x"]', 0),
    ("broken", b'{"messages": [{"content": "hello', count_tokens(['{"messages": [{"content": "hello'], NEWER)),
    ("unknown members", b'{"q":"hello world"}', count_tokens(['{"q":"hello world"}'], NEWER)),
    ("no text", b'{"q":"\\ud800"}', count_tokens(['{"q":"\\ud800"}'], NEWER)),
    ("messages of numbers", b'{"messages":[1,2.5,null,true]}', 2),
]


@pytest.mark.parametrize(("content", "tokens"), [row[1:] for row in ODD], ids=[row[0] for row in ODD])
def test_odd_bodies(content: bytes, tokens: int) -> None:
    """A file has no prompt; JSON that cannot be understood counts as its text, so nothing is free because of it."""
    assert prompt_tokens(content, "") == tokens


@pytest.mark.parametrize("depth", [20, 500, 100_000])
def test_nesting(depth: int) -> None:
    """However deep a prompt is nested it is counted, and never as nothing."""
    lists = b'{"messages":[{"role":"user","content":%s"hello"%s}]}' % (b"[" * depth, b"]" * depth)
    parts = b'{"messages":[%s"hello"%s]}' % (b'{"content":' * depth, b"}" * depth)
    assert prompt_tokens(lists, "") > 0
    assert prompt_tokens(parts, "") > 0


def test_the_deployment_is_the_model_where_the_body_names_none() -> None:
    """Azure's paths name the deployment, which is usually called like its model."""
    content = json.dumps({"input": "お誕生日おめでとう"}).encode()
    assert prompt_tokens(content, "gpt-4") == count_tokens(["お誕生日おめでとう"], OLDER)
    assert prompt_tokens(content, "gpt-4o") == count_tokens(["お誕生日おめでとう"], NEWER)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_json_in_another_encoding(encoding: str) -> None:
    """Servers that read it must not get it uncounted."""
    body = '{"model": "gpt-4o", "messages": [{"role": "user", "content": "hello world"}]}'
    assert prompt_tokens(body.encode(encoding), "") == prompt_tokens(body.encode(), "") > 0
