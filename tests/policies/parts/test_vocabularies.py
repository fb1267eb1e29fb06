"""Vocabularies: which one a model has, and how many tokens a text."""

from __future__ import annotations

import time

import pytest

from gateway.policies.parts import vocabularies
from gateway.policies.parts.vocabularies import BYTE_S, NEWER, OLDER, count_tokens, vocabulary_of

# Published counts. Source: OpenAI Cookbook, "How to count tokens with tiktoken", "Compare encodings".
PUBLISHED = [
    ("antidisestablishmentarianism", 6, 6),
    ("2 + 2 = 4", 7, 7),
    ("お誕生日おめでとう", 9, 8),
    ("tiktoken is great!", 6, 6),
]


@pytest.mark.parametrize(("text", "older", "newer"), PUBLISHED, ids=[text for text, *_ in PUBLISHED])
def test_counts_are_those_that_openai_has_published(text: str, older: int, newer: int) -> None:
    """Both vocabularies count what OpenAI's own tokeniser does."""
    assert (count_tokens([text], OLDER), count_tokens([text], NEWER)) == (older, newer)


@pytest.mark.parametrize(
    ("models", "vocabulary"),
    [
        ("gpt-4 gpt-4-turbo gpt-3.5-turbo gpt-35-turbo text-embedding-3-large ft:gpt-3.5-turbo:me davinci-002", OLDER),
        ("gpt-4o gpt-4.1-mini gpt-4.5-preview gpt-5 o3 o4-mini openai/gpt-4o claude-opus-4 gemini-2.5-pro mine", NEWER),
        ("openai/gpt-4", OLDER),
    ],
    ids=["older", "newer and unknown", "with a provider"],
)
def test_vocabulary_of_a_model(models: str, vocabulary: str) -> None:
    """Older models have the older vocabulary; whatever is not known has the newer one."""
    assert {vocabulary_of(model) for model in models.split()} == {vocabulary}


HOSTILE = ["=", "-", "/", "a", " ", "\n", "'s", "xqzj", "ف", "漢字假名", "🧠", "e\u0301", " \n", "Aa"]


@pytest.mark.parametrize("unit", HOSTILE, ids=ascii)
def test_no_text_takes_long(unit: str) -> None:
    """Runs that make other tokenisers quadratic cost no more than what is charged for them."""
    text = unit * (100_000 // len(unit.encode()))
    count_tokens([text[:100]], NEWER)
    costs = []
    for _ in range(3):
        began = time.thread_time()
        count_tokens([text], NEWER)
        costs.append(time.thread_time() - began)
    assert min(costs) < 100_000 * BYTE_S * 3  # the machine may be slow


def test_without_the_extra_four_bytes_are_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is free without it: each text is rounded up."""
    monkeypatch.setattr(vocabularies, "load", lambda: None)
    assert count_tokens(["abcd", "abcde", "é", ""], NEWER) == 1 + 2 + 1
