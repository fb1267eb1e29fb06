"""
What a language model reports that a call has cost, under the names of each provider.

Source: OpenAI API reference, "usage" of chat completions, completions, embeddings and responses
(https://platform.openai.com/docs/api-reference); Anthropic, "Messages" and "Streaming"
(https://docs.anthropic.com/en/api/messages-streaming: counts of ``message_delta`` are cumulative; a prompt's tokens are
those of three members); Google, "UsageMetadata" (https://ai.google.dev/api/generate-content#UsageMetadata); Amazon
Bedrock, "TokenUsage".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_TOKENS = 10**9

_PROMPT = ("prompt_tokens", "input_tokens", "promptTokenCount", "inputTokens")
_PROMPT_MORE = ("cache_creation_input_tokens", "cache_read_input_tokens", "toolUsePromptTokenCount")
_COMPLETION = ("completion_tokens", "output_tokens", "candidatesTokenCount", "outputTokens")
_TOTAL = ("total_tokens", "totalTokenCount", "totalTokens")
_THOUGHTS = ("thoughtsTokenCount",)
_DETAILS = (
    ("prompt_tokens_details", "input_tokens_details"),
    ("completion_tokens_details", "output_tokens_details"),
)
_CACHED = ("cached_tokens", "cache_read_input_tokens", "cachedContentTokenCount")
_REASONING = ("reasoning_tokens", "thoughtsTokenCount")


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """
    Tokens of one call.

    Attributes:
        cached: Of the prompt, those that the model had in its cache; None: not reported.
        reasoning: Of the completion, those that the caller does not see; None: not reported.
    """

    prompt: int
    completion: int
    total: int
    cached: int | None = None
    reasoning: int | None = None


def usage_of(members: Mapping[str, Any]) -> TokenUsage | None:
    """The usage that *members* are; None where they report nothing above 0."""
    prompt = sum(_numbers(members, _PROMPT)[:1] + _numbers(members, _PROMPT_MORE))
    completion = sum(_numbers(members, _COMPLETION)[:1] + _numbers(members, _THOUGHTS))
    total = next(iter(_numbers(members, _TOTAL)), prompt + completion)
    if not total:
        return None
    details = [members, *(members[name] for pair in _DETAILS for name in pair if isinstance(members.get(name), dict))]
    return TokenUsage(prompt, completion, total, _first(details, _CACHED), _first(details, _REASONING))


def _first(groups: Iterable[Mapping[str, Any]], names: tuple[str, ...]) -> int | None:
    return next((number for members in groups for number in _numbers(members, names)), None)


def _numbers(members: Mapping[str, Any], names: tuple[str, ...]) -> list[int]:
    """The values of *names* that are numbers of tokens."""
    values = [members.get(name) for name in names]
    return [value for value in values if type(value) is int and 0 <= value <= MOST_TOKENS]
