"""The usage of tokens, found at the end of an answer."""

from __future__ import annotations

import pytest

from gateway.policies.parts.token_usage import TokenUsage, find_usage


@pytest.mark.parametrize(
    ("tail", "usage"),
    [
        (b'data: {"usage":null}\n\ndata: {"usage":{"prompt_tokens":1,"total_tokens":3}}\n\n', TokenUsage(1, 0, 3)),
        (b'{"usage": {"input_tokens": 2, "output_tokens": 3}}', TokenUsage(2, 3, 5)),
        (b"{}", None),
        (b'{"total_tokens": 0}', None),
    ],
    ids="stream responses none zero".split(),
)
def test_usage(tail: bytes, usage: TokenUsage | None) -> None:
    """The last usage counts, under the names of both APIs."""
    assert find_usage(tail) == usage
