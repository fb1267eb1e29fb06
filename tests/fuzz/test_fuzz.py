"""fuzz.py: a few hundred inputs of each kind escape nowhere and cost no more than their length explains."""

from __future__ import annotations

import random
import time

import pytest

from tests.fuzz.fuzz import KINDS, TIME_S, Findings, Fuzz, mutated, run

INPUTS = {"heads": 2_000, "chunks": 1_000, "tokens": 200, "documents": 100, "expressions": 200}


@pytest.mark.parametrize("name", KINDS)
def test_smoke(name: str) -> None:
    """Nothing but the documented refusals comes out, in bounded time and memory."""
    assert run(KINDS[name], inputs=INPUTS[name], seed=1).failures == []


def test_what_it_would_find() -> None:
    """A reader that crashes, one that takes long, and one that takes memory are each reported."""

    def bad(data: bytes) -> None:
        if data == b"crash":
            raise KeyError(data)
        if data == b"slow":
            end = time.thread_time() + 2 * TIME_S
            while time.thread_time() < end:
                pass
        if data == b"large":
            bytearray(64 << 20)

    found = Findings()
    for data, with_memory in ((b"crash", False), (b"slow", False), (b"large", True), (b"fine", False)):
        found.measure(Fuzz(bad, [b"fine"]), data, with_memory)
    assert [data for _, data in found.failures] == [b"crash", b"slow", b"large"]


def test_mutations_stay_small() -> None:
    """Inputs do not grow beyond what is worth reading."""
    chance, data = random.Random(1), b"abc" * 100
    for _ in range(200):
        data = mutated(data, chance)
        assert len(data) <= 8_192
