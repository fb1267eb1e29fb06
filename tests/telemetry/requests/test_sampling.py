"""Which ordinary requests are looked at."""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.telemetry.requests.sampling import RequestSampling

REQUESTS = 4_000


def chosen(sampling: RequestSampling) -> tuple[int, int]:
    """How many of many requests are kept and logged."""
    counts = Counter[str]()
    for _ in range(REQUESTS):
        sampling.left -= 1
        if sampling.left < 0:
            kept, logged = sampling.choose()
            counts.update(kept=kept, logged=logged)
            assert kept or logged
    return counts["kept"], counts["logged"]


@pytest.mark.parametrize(
    ("kept", "logged"), [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.1, 0.25), (0.01, 1.0), (0.6, 0.4)]
)
def test_shares(kept: float, logged: float) -> None:
    """Each share is met, whatever the other one is."""
    for count, share in zip(chosen(RequestSampling(kept, logged)), (kept, logged), strict=True):
        assert count == pytest.approx(share * REQUESTS, abs=0 if share in (0, 1) else 0.25 * share * REQUESTS + 40)
