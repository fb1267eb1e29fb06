"""HTTP metrics: buckets, and their bound."""

from __future__ import annotations

import pytest

from gateway.telemetry.http_metrics import BOUNDS_S, MAX_SERIES, OVERFLOW, Durations, known_method


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, 0), (0.005, 0), (0.0051, 1), (10.0, 13), (11.0, 14)])
def test_buckets(seconds: float, bucket: int) -> None:
    """A bound belongs to the bucket below it."""
    durations = Durations(("a",))
    durations.observe(("x",), seconds)
    series = durations.series[("x",)]
    assert (series.buckets.index(1), series.seconds, len(series.buckets)) == (bucket, seconds, len(BOUNDS_S) + 1)


def test_series_are_bounded() -> None:
    """What is beyond the limit is counted together."""
    durations = Durations(("a",))
    for number in range(MAX_SERIES + 3):
        durations.observe((number,), 0.1)
    assert len(durations.series) == MAX_SERIES + 1
    assert sum(durations.series[OVERFLOW].buckets) == 3


def test_methods_are_bounded() -> None:
    """Words that clients make up are one."""
    assert [known_method(method) for method in ("GET", "get", "BREW")] == ["GET", "_OTHER", "_OTHER"]
