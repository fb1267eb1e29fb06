"""Vectors without a model: equal for equal texts, close for similar ones, far for others."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gateway.emulators.openai.embeddings import answer, embedding
from gateway.emulators.openai.errors import ModelError


def _cosine(first: str, second: str) -> float:
    return sum(left * right for left, right in zip(embedding(first), embedding(second), strict=True))


@pytest.mark.parametrize("text", ["", "a", "What is the capital of France?", "日本語 \ud800", "!!!"])
def test_unit_length(text: str) -> None:
    """Every text has a vector of length 1, always the same."""
    assert math.isclose(math.hypot(*embedding(text)), 1)
    assert embedding(text) == embedding(text)


SIMILAR = [
    ("What is the capital of France?", "what is the capital of France"),
    ("What is the capital of France?", "Tell me the capital of France."),
    ("How do I reset my password?", "How can I reset my password, please?"),
]
DIFFERENT = [
    ("What is the capital of France?", "How do I reset my password?"),
    ("Write a poem about autumn", "List three kinds of databases"),
]


def test_similar_texts_are_close() -> None:
    """Texts in other words lie far nearer to each other than texts about something else."""
    assert min(_cosine(*pair) for pair in SIMILAR) > 0.7
    assert max(_cosine(*pair) for pair in DIFFERENT) < 0.35
    assert _cosine("the same", "THE SAME!") > 0.999


@pytest.mark.parametrize(
    "document",
    [{}, {"input": ""}, {"input": []}, {"input": [None]}, {"input": ["a", ""]}, {"input": "a", "dimensions": 9999}],
    ids=str,
)
def test_refused(document: dict[str, Any]) -> None:
    """Input that the service does not take is a 400."""
    with pytest.raises(ModelError) as refused:
        answer(document, "m")
    assert refused.value.status == 400


@pytest.mark.parametrize(("given", "number"), [("a", 1), (["a", "b"], 2), ([1, 2, 3], 1), ([[1, 2], [3]], 2)], ids=str)
def test_forms(given: object, number: int) -> None:
    """A text, texts, tokens, and lists of tokens are taken."""
    assert len(answer({"input": given, "dimensions": 8}, "m")["data"]) == number
