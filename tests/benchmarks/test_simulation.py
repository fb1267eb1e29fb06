"""The simulation runs the real poller: what it reports is what the rules promise."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.simulation.running import Crowd, Scenario, starting, watching
from gateway.notifications.settings import PollingSettings


def test_every_end_is_noticed_within_the_longest_interval() -> None:
    """A few jobs are reported no later than the longest polling interval, its jitter and an answer after their end."""
    polling = PollingSettings()
    figures: Any = watching(Scenario(40, span_s=120.0))
    assert 0 <= figures["lag"]["p50"] <= figures["lag"]["max"]
    assert figures["lag"]["max"] <= polling.max_interval_s * (1 + polling.jitter) + 2
    assert figures["most_at_once"] <= 3


@pytest.mark.parametrize("same", [False, True])
def test_others_start_before_a_crowd(same: bool) -> None:
    """With fair turns jobs of others do not wait for a caller's many; in one queue they do."""
    figures: Any = starting(Crowd(greedy=60, others=1, every_s=2.0, for_s=4.0, same=same))
    assert (figures["others"]["max"] < figures["greedy"]["p50"]) is not same
