"""
A request to a language model, as far as its prompt's tokens can be told before the model has seen it.

Counted are the texts of Chat Completions, Responses, embeddings and legacy completions (OpenAI), of Messages
(Anthropic) and of generateContent (Gemini). What the model adds for each message is OpenAI's number for its chat
models; tools, functions and schemas are taken as the JSON text that they are, which is somewhat more than what a model
makes of them. An image counts 1,200 tokens, as in APIM, and so does any other part that is not text. What only the
model's provider knows is not counted: earlier turns of a stored conversation, files, prompts by reference.

Source: OpenAI Cookbook, "How to count tokens with tiktoken"
(https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken); Microsoft, "llm-token-limit", usage notes
(https://learn.microsoft.com/azure/api-management/llm-token-limit-policy); Anthropic, "Messages"
(https://docs.anthropic.com/en/api/messages); Google, "generateContent" (https://ai.google.dev/api/generate-content).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.policies.parts.vocabularies import count_tokens, vocabulary_of

MEDIA_TOKENS = 1_200
MESSAGE_TOKENS = 3
NAME_TOKENS = 1
ANSWER_TOKENS = 3  # the answer is primed with its role

# Members of a request that the model sees as the JSON that they are.
_DECLARATIONS = ("tools", "functions", "response_format", "generationConfig", "toolConfig")
_SCHEMAS = {"response_format": "json_schema", "generationConfig": "responseSchema"}
# Members of a request with messages, and those of a message or a part with more of them.
_TURNS = ("messages", "input", "contents")
_SYSTEM = ("system", "instructions", "systemInstruction", "system_instruction", "suffix")
_TEXTS = ("text", "content", "parts", "output", "refusal", "thinking", "summary")
_MEDIA = frozenset(
    "image image_url input_image input_audio input_file audio file document video inlineData inline_data"
    " fileData file_data source".split()
)
_CALLS = ("tool_calls", "function_call", "functionCall", "functionResponse", "function", "arguments", "input")
MAX_DEPTH = 16

# Bytes that may stand before JSON in one of its encodings: white space, a mark of the byte order, and halves of "{".
BEFORE_JSON = b" \t\r\n\x00\xef\xbb\xbf\xfe\xff"


class _Prompt:
    """
    What the model is to read.

    Attributes:
        texts: To be counted.
        fixed: Tokens that come with it and need no counting.
    """

    __slots__ = ("fixed", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.fixed = 0

    def add(self, content: Any, depth: int = 0) -> None:
        """A text, a part with one, or a list of them; in lists of numbers each is a token already."""
        if isinstance(content, str):
            self.texts.append(content)
        elif isinstance(content, int):
            self.fixed += 1
        elif isinstance(content, list):
            self._add_list(content, depth + 1)
        elif isinstance(content, dict):
            self._add_part(content, depth + 1)

    def add_turns(self, turns: Any) -> None:
        """The messages of a conversation, or what else ``input`` may be."""
        turns = turns if isinstance(turns, list) else [turns]
        for turn in turns:
            if isinstance(turn, dict):
                self.fixed += MESSAGE_TOKENS
                self.texts += _strings(turn, ("role",))
            self.add(turn)
        if any(isinstance(turn, dict) for turn in turns):
            self.fixed += ANSWER_TOKENS

    def add_json(self, value: Any) -> None:
        """What the model sees as JSON. Raises orjson.JSONEncodeError: it is nested too deep."""
        if value is not None:
            self.texts.append(value if isinstance(value, str) else orjson.dumps(value).decode())

    def _add_list(self, content: list[Any], depth: int) -> None:
        if depth >= MAX_DEPTH:
            self.add_json(content)
            return
        for item in content:
            self.add(item, depth)

    def _add_part(self, part: Mapping[str, Any], depth: int) -> None:
        if depth >= MAX_DEPTH:
            self.add_json(part)
            return
        if not _MEDIA.isdisjoint(part) or part.get("type") in _MEDIA:
            self.fixed += MEDIA_TOKENS
        if isinstance(part.get("name"), str):
            self.fixed += NAME_TOKENS
            self.texts.append(part["name"])
        for name in _TEXTS:
            if name in part:
                self.add(part[name], depth)
        for name in _CALLS:
            self.add_json(part.get(name))


def _strings(members: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    return [members[name] for name in names if isinstance(members.get(name), str)]


def prompt_tokens(content: bytes, deployment: str) -> int:
    """
    The tokens of the prompt in the request body *content*; 0 where that is no JSON object, as with a file.

    JSON that is not one of these requests, is broken or is nested too deep counts as the text that it is. *deployment*
    is the model where the body names none.
    """
    if content.lstrip(BEFORE_JSON)[:1] != b"{":
        return 0
    content = _utf8(content)
    try:
        members = orjson.loads(content)
        prompt = _prompt(members)
    except (ValueError, orjson.JSONEncodeError):
        return count_tokens([content.decode(errors="replace")], vocabulary_of(deployment))
    model = members.get("model")
    return prompt.fixed + count_tokens(prompt.texts, vocabulary_of(model if isinstance(model, str) else deployment))


def _utf8(content: bytes) -> bytes:
    """JSON as UTF-8: some servers read the other encodings, too. Source: RFC 4627 §3."""
    encoding = json.detect_encoding(content)
    return content if encoding == "utf-8" else content.decode(encoding, "replace").encode()


def _prompt(members: dict[str, Any]) -> _Prompt:
    prompt = _Prompt()
    for name in _TURNS:
        if members.get(name) is not None:
            prompt.add_turns(members[name])
    for name in (*_SYSTEM, "prompt"):
        prompt.add(members.get(name))
    if not prompt.texts and not prompt.fixed:
        prompt.add_json(members)
        return prompt
    for name in _DECLARATIONS:
        prompt.add_json(_declared(name, members.get(name)))
    return prompt


def _declared(name: str, value: Any) -> Any:
    """What the model sees of a declaration: of those that are mostly settings, the schema."""
    schema = _SCHEMAS.get(name)
    if schema is None or not isinstance(value, dict):
        return value
    return value.get(schema)


def prompt_job(content: bytes, deployment: str) -> bytes:
    """The same in a worker process: the number as text."""
    return str(prompt_tokens(content, deployment)).encode()
