"""The token endpoint's wishes are heard by everything that needs a token."""

from __future__ import annotations

import httpx2 as httpx
import pytest

from gateway.notifications.d365.client import D365Client
from gateway.notifications.d365.errors import D365Error
from gateway.notifications.d365.token_provider import ClientCredentials
from gateway.notifications.metrics import Metrics
from gateway.notifications.workflow.clock import Clock
from tests.notifications.conftest import run
from tests.notifications.d365.test_client import SETTINGS


@pytest.mark.parametrize(("status", "pause_s"), [(429, 20.0), (503, 20.0), (400, 0.0)])
def test_retry_after(status: int, pause_s: float) -> None:
    """A token endpoint that asks for patience pauses every call to the environment for that long."""
    refusal = httpx.Response(status, headers={"retry-after": "20"}, json={"error": "x"})

    async def ask() -> float:
        http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: refusal))
        found = D365Client(SETTINGS, ClientCredentials(SETTINGS, http), http, Clock(), Metrics())
        with pytest.raises(D365Error):
            await found.read([1])
        return found.gate.remaining_s

    assert run(ask()) == pytest.approx(pause_s, abs=1)
