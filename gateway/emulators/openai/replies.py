"""
What the emulated model says: always the same to the same question.

It repeats the last thing the user said. It calls a function when it must, or when a word of the function's name is in
what the user said, and then repeats what the function returned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.emulators.openai.text import count_tokens, pieces

MAX_DEPTH = 5
_SAMPLES = {"number": 1.5, "integer": 1, "boolean": True, "null": None}


@dataclass(frozen=True, slots=True)
class ModelFunction:
    """A function that the model may call; *parameters* is a JSON Schema."""

    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """
    What a call asks, whichever API it came by.

    Attributes:
        text: The last thing the user said.
        prompt_tokens: Size of everything that was sent.
        functions: Those that may be called now.
        must_call: Whether one of them must be.
        returned: What a function has returned, if that came last.
        max_tokens: The longest answer.
        as_json: Whether the answer must be a JSON object, and its schema, if one was given.
    """

    text: str
    prompt_tokens: int
    functions: tuple[ModelFunction, ...] = ()
    must_call: bool = False
    returned: str | None = None
    max_tokens: int | None = None
    as_json: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The model's answer: a text, or a call of *function* with *arguments* (JSON)."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    is_cut: bool = False
    function: str = ""
    arguments: str = ""

    @property
    def total_tokens(self) -> int:
        """Both together."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def finish_reason(self) -> str:
        """As the Chat Completions API names it."""
        if self.function:
            return "tool_calls"
        return "length" if self.is_cut else "stop"


def reply_to(ask: Ask, scripted: str | None = None) -> Reply:
    """The answer; *scripted* is said instead of what would be."""
    function = None if scripted is not None else _called(ask)
    if function is not None:
        arguments = json.dumps(sample(function.parameters, ask.text))
        tokens = count_tokens(function.name) + count_tokens(arguments)
        return Reply("", ask.prompt_tokens, tokens, function=function.name, arguments=arguments)
    tokens_said = pieces(_text(ask) if scripted is None else scripted)
    cut = tokens_said[: ask.max_tokens]
    return Reply("".join(cut), ask.prompt_tokens, len(cut), is_cut=len(cut) < len(tokens_said))


def _text(ask: Ask) -> str:
    if ask.as_json is not None:
        return json.dumps(sample(ask.as_json, ask.text) if ask.as_json else {"answer": ask.text})
    if ask.returned is not None:
        return f"The function returned: {ask.returned}"
    return f"You said: {ask.text}"


def _called(ask: Ask) -> ModelFunction | None:
    if not ask.functions or ask.returned is not None:
        return None
    said = set(re.findall(r"[a-z]+", ask.text.lower()))
    for function in ask.functions:
        if said & {word for word in re.findall(r"[a-z]+", function.name.lower()) if len(word) > 3}:
            return function
    return ask.functions[0] if ask.must_call else None


def sample(schema: object, text: str, depth: int = 0) -> Any:
    """A value that fits a simple JSON Schema; strings are the last word of *text*."""
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return {}
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    kind = str(schema.get("type", "object"))
    if kind == "string":
        return _last_word(text)
    if kind == "array":
        return [sample(schema.get("items"), text, depth + 1)]
    return _SAMPLES[kind] if kind in _SAMPLES else _object(schema.get("properties"), text, depth + 1)


def _last_word(text: str) -> str:
    words: list[str] = re.findall(r"\w+", text)
    return words[-1] if words else "text"


def _object(properties: object, text: str, depth: int) -> dict[str, Any]:
    inside = properties if isinstance(properties, Mapping) else {}
    return {name: sample(schema, text, depth) for name, schema in inside.items()}
