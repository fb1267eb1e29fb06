"""Members of a request's body, read with the checks that all APIs share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateway.emulators.openai.errors import ModelError
from gateway.emulators.openai.replies import ModelFunction
from gateway.emulators.openai.text import count_tokens

IMAGE_TOKENS = 85
# The role and the separators of a message, and of the answer after them.
# Source: OpenAI Cookbook, "How to count tokens with tiktoken".
MESSAGE_TOKENS = 3


def document_of(body: bytes) -> dict[str, Any]:
    """The JSON object in *body*. Raises ModelError: there is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ModelError(400, "invalid_json", "The body of your request must be a JSON object.")
    return document


def text_of(content: object) -> str:
    """The text of a message's content: a string, or the texts among its parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") or part.get("refusal") for part in parts if isinstance(part, Mapping)]
    return " ".join(text for text in texts if isinstance(text, str))


def tokens_of(content: object) -> int:
    """Size of a message with *content*."""
    parts = content if isinstance(content, list) else []
    images = sum(1 for part in parts if isinstance(part, Mapping) and "image" in str(part.get("type")))
    return MESSAGE_TOKENS + count_tokens(text_of(content)) + images * IMAGE_TOKENS


def objects(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The list of objects *name*; empty when it is absent. Raises ModelError: it is something else."""
    values = document.get(name)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise ModelError(400, "invalid_type", f"'{name}' must be a list of objects", name)
    return values


def count(document: Mapping[str, Any], *names: str) -> int | None:
    """The first of *names* that is there, a whole number above 0. Raises ModelError: it is something else."""
    for name in names:
        value = document.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ModelError(400, "invalid_value", f"'{name}' must be a whole number above 0", name)
        return value
    return None


def functions(tools: list[dict[str, Any]], choice: object) -> tuple[tuple[ModelFunction, ...], bool]:
    """Functions that may be called under ``tool_choice``, and whether one must be; both forms of a tool are read."""
    if choice == "none":
        return (), False
    known = tuple(_function(_inner(tool)) for tool in tools if tool.get("type") == "function")
    if not isinstance(choice, Mapping):
        return known, choice == "required"
    name = _inner(choice).get("name")
    return tuple(function for function in known if function.name == name), True


def _function(described: Mapping[str, Any]) -> ModelFunction:
    return ModelFunction(str(described.get("name")), described.get("parameters") or {})


def _inner(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """Chat Completions wraps what describes a function, Responses does not."""
    function = tool.get("function")
    return function if isinstance(function, Mapping) else tool


def schema_of(form: object) -> Mapping[str, Any] | None:
    """The schema that ``response_format`` or ``text.format`` asks for; empty for any JSON, None for text."""
    if not isinstance(form, Mapping) or form.get("type") not in ("json_object", "json_schema"):
        return None
    described = form.get("json_schema")
    schema = (described if isinstance(described, Mapping) else form).get("schema")
    return schema if isinstance(schema, Mapping) else {}
