"""Usage under the names of each provider."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.policies.parts.usage_fields import TokenUsage, usage_of

USAGES: list[tuple[str, dict[str, Any], TokenUsage | None]] = [
    ("chat", {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}, TokenUsage(1, 2, 3)),
    ("embeddings", {"prompt_tokens": 5, "total_tokens": 5}, TokenUsage(5, 0, 5)),
    ("no total", {"prompt_tokens": 1, "completion_tokens": 2}, TokenUsage(1, 2, 3)),
    (
        "chat details",
        {
            "prompt_tokens": 9,
            "completion_tokens": 8,
            "total_tokens": 17,
            "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 6},
        },
        TokenUsage(9, 8, 17, 4, 6),
    ),
    (
        "responses",
        {
            "input_tokens": 9,
            "output_tokens": 8,
            "total_tokens": 17,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 3},
        },
        TokenUsage(9, 8, 17, 0, 3),
    ),
    (
        "anthropic",
        {"input_tokens": 5, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 20, "output_tokens": 7},
        TokenUsage(35, 7, 42, 20),
    ),
    (
        "gemini",
        {"promptTokenCount": 5, "candidatesTokenCount": 6, "thoughtsTokenCount": 7, "totalTokenCount": 18},
        TokenUsage(5, 13, 18, None, 7),
    ),
    ("bedrock", {"inputTokens": 5, "outputTokens": 6, "totalTokens": 11}, TokenUsage(5, 6, 11)),
    ("zeros", {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, None),
    ("no numbers", {"prompt_tokens": "5", "completion_tokens": True, "total_tokens": None}, None),
    ("absurd", {"total_tokens": 10**12, "prompt_tokens": -5}, None),
    ("nothing", {}, None),
]


@pytest.mark.parametrize(("members", "usage"), [row[1:] for row in USAGES], ids=[row[0] for row in USAGES])
def test_usage(members: dict[str, Any], usage: TokenUsage | None) -> None:
    """The numbers of each provider, and none that is not one."""
    assert usage_of(members) == usage
