"""Patterns that would keep the compiler busy are found by their repetitions."""

from __future__ import annotations

import time

import pytest

from gateway.expressions.repetitions import repeats_too_much
from tests.speed import on_this_machine

FINE = [
    "",
    "a+b*(c|d)?",
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "a{1,100000}",
    "(a{0,9999}){0,9999}",
    "a{1000}" * 90,
    r"\({9999}\){9999}",
    "[({9999}]{9999}",
    "((((a))))){5}",
    "x{9999999999}",
]
TOO_MUCH = [
    "a{100001}",
    "(a{1000}){1000}",
    "(?:(?:ab){500}c){500}",
    "((((((a{1000}){1000}){1000}){1000}){1000}){1000})",
    "[abc]{400}" * 300,
    "(a{2,}){60000}",
]


@pytest.mark.parametrize("pattern", FINE, ids=range(len(FINE)))
def test_usual_patterns_pass(pattern: str) -> None:
    """Counts add up one after the other and multiply inside each other; escapes and classes are one character."""
    assert not repeats_too_much(pattern)


@pytest.mark.parametrize("pattern", TOO_MUCH, ids=range(len(TOO_MUCH)))
def test_what_would_be_written_out_for_long_is_found(pattern: str) -> None:
    """Counts inside each other multiply."""
    assert repeats_too_much(pattern)


@pytest.mark.parametrize("part", ["[", "(", "a{999999999}", "(a{999999999})", "\\"])
def test_looking_is_quick(part: str) -> None:
    """Ten thousand characters that are made to be slow take no time to speak of."""
    begin = time.process_time()
    repeats_too_much((part * 10_000)[:10_000])
    assert time.process_time() - begin < on_this_machine(0.25)
