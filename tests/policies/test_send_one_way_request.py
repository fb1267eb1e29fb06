"""send-one-way-request: a call that nobody waits for."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import UpstreamError
from gateway.pipeline.outcome import finish
from tests.policies.bench import Bench, get, new_context
from tests.policies.outgoing import Http

pytestmark = pytest.mark.usefixtures("outgoing")


@pytest.mark.parametrize("failure", [None, UpstreamError("Timeout", "slow"), ZeroDivisionError()])
def test_one_way(bench: Bench, http: Http, failure: Exception | None) -> None:
    """The request does not wait, and a failure is only logged."""
    http.failure = failure
    (step,) = bench.compile("<send-one-way-request><set-url>http://a.test</set-url></send-one-way-request>").inbound

    async def scenario() -> None:
        assert await finish(step.apply(new_context(get("/")))) is None
        await bench.services.background.drain(1)

    asyncio.run(scenario())
    assert len(http.calls) == 1
