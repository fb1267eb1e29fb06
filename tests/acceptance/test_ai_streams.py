"""Streams of a language model through token limit and metric: never held back, and counted as the model counts them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.acceptance.ai_streams import measure

STREAMS = 10


def test_streams_are_not_held_back(tmp_path: Path) -> None:
    """Every piece leaves in the turn in which it came, and the tokens are those that the model reports."""
    result = asyncio.run(measure(tmp_path, STREAMS, rounds=1, pace_s=0.001))
    assert len(result.seen.first_s["metered"]) == len(result.seen.first_s["plain"]) == STREAMS
    assert result.turns.pieces > STREAMS
    assert result.turns.late == 0
    assert result.counted == result.expected
    assert result.expected["reported"] > 0 < result.expected["counted"]
