"""percentiles.py: estimates from histograms."""

from __future__ import annotations

import pytest

from gateway.management.console.percentiles import percentile
from gateway.telemetry.metrics import BUCKETS_S

LAST = len(BUCKETS_S)


def buckets(**numbers: int) -> list[int]:
    """A histogram: ``b3=5`` is five in the fourth bucket."""
    return [numbers.get(f"b{index}", 0) for index in range(LAST + 1)]


@pytest.mark.parametrize(
    ("histogram", "hundredth", "seconds"),
    [
        (buckets(b0=10), 50, 0.0005),
        (buckets(b0=10), 100, 0.001),
        (buckets(b0=5, b1=5), 95, 0.00235),
        (buckets(b2=100), 50, 0.00375),
        (buckets(b0=99, b13=1), 99, 0.001),
        (buckets(b0=1, **{f"b{LAST}": 9}), 50, 30.0),
        (buckets(), 50, None),
        ([], 50, None),
    ],
)
def test_percentile(histogram: list[int], hundredth: float, seconds: float | None) -> None:
    """Evenly spread within the bucket; beyond the last bound, that bound; without measurements, no value."""
    found = percentile(histogram, hundredth)
    assert found == (seconds if seconds is None else pytest.approx(seconds))
