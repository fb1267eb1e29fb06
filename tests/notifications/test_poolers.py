"""PgBouncer, pooling transactions: nothing may depend on which of the server's sessions a statement runs in."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.emulators.entra import EntraEmulator
from gateway.notifications.store.database import open_engine
from tests.notifications.conftest import Running, d365_settings, fast_settings, running
from tests.notifications.receiver import Receiver
from tests.postgres_server import pooled, postgres_database

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.needs("pgbouncer"), pytest.mark.slow]

JOBS = 40


def test_two_replicas_behind_a_pooler(
    postgres_server: str, entra: EntraEmulator, d365: D365Emulator, receiver: Receiver
) -> None:
    """With two connections to the server for both replicas, each job is started and reported once."""
    postgres_database(postgres_server, "pooled")
    with ExitStack() as stack:
        url = stack.enter_context(pooled(postgres_server, size=2)).format(database="pooled")
        settings = fast_settings(url, d365_settings(entra, d365), takeover_interval_s=0.5)
        replicas = [stack.enter_context(running(settings)) for _ in range(2)]
        created = [accepted(replicas[number % 2], d365, receiver, number) for number in range(JOBS)]
        ends = [replicas[number % 2].until(job, "delivered", patience_s=120) for number, job in enumerate(created)]
        assert {end["outcome"] for end in ends} == {"succeeded"}
        assert [len(receiver.received(f"/pooled/{number}")) for number in range(JOBS)] == [1] * JOBS


def accepted(service: Running, d365: D365Emulator, receiver: Receiver, number: int) -> str:
    """The id of a new job."""
    d365.script(5000 + number, ends("Finished", 1, 3))
    answer = service.create(receiver.url(f"/pooled/{number}"), 5000 + number)
    assert answer.status_code == 202, answer.text
    created: dict[str, Any] = answer.json()
    return str(created["id"])


def test_a_pooler_is_noticed(postgres_server: str) -> None:
    """Behind it nothing is prepared, and no session is changed; a server's own sessions have both."""
    postgres_database(postgres_server, "noticed")
    with pooled(postgres_server) as pool:
        for url, threshold in ((pool, None), (postgres_server, 5)):
            engine = open_engine(url.format(database="noticed"))
            with engine.connect() as connection:
                driver: Any = connection.connection.dbapi_connection
                assert driver.prepare_threshold == threshold
            engine.dispose()
