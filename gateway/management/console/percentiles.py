"""Percentiles from a histogram, estimated as Prometheus does: evenly spread within the bucket that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from gateway.telemetry.metrics import BUCKETS_S


def percentile(buckets: Sequence[int], hundredth: float) -> float | None:
    """
    Seconds below which *hundredth* of 100 observations stayed; None without any.

    Args:
        buckets: Observations per bucket of ``BUCKETS_S``, and one more beyond them, which counts as the last bound.

    Source: Prometheus, "histogram_quantile".
    """
    wanted = sum(buckets) * hundredth / 100
    if not wanted:
        return None
    lower = 0.0
    for bound, number, reached in zip(BUCKETS_S, buckets, accumulate(buckets), strict=False):
        if reached >= wanted:
            return bound - (bound - lower) * (reached - wanted) / number
        lower = bound
    return BUCKETS_S[-1]
