"""The fuzzer's harness holds on its seeds and on a few hundred random inputs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.fuzz_token import TARGETS, check, good_tokens, seeds


@pytest.mark.parametrize("seed", seeds(), ids=range(len(seeds())))
def test_seeds(seed: bytes) -> None:
    """Every starting input passes."""
    check(seed)


def test_good_tokens_are_accepted() -> None:
    """The known good tokens pass; otherwise the fuzzer would prove nothing."""
    for text in good_tokens():
        check(b"\0" + text.encode())


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(TARGETS) - 1), st.binary(max_size=200))
def test_random_inputs(target: int, data: bytes) -> None:
    """No input makes a crash or a wrong acceptance."""
    check(bytes([target]) + data)


def test_empty_input() -> None:
    """Empty input is harmless."""
    check(b"")
