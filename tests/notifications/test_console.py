"""The console's page of notifications, on a running service: what is under way, what died and why, and no secret."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.management.console import jobs_page
from gateway.management.console.jobs import read_jobs
from gateway.management.console.state import JobLine, JobsState
from gateway.notifications.store.database import open_engine
from gateway.notifications.store.store import Store
from tests.management.console.rig import text_of
from tests.notifications.conftest import Running
from tests.notifications.receiver import Receiver, answer


def page(jobs: JobsState) -> str:
    return "".join(jobs_page.content(jobs, time.time()))


def test_jobs(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A dead letter has its reason and the command that sends it again; a callback URL's secret is nowhere."""
    d365.script(911, ends("Finished", 1, 1))
    d365.script(912, ends("Finished", 1, 1000))
    receiver.script("/911", answer(410))
    dead = service.create(receiver.url("/911"), 911).json()["id"]
    service.until(dead, "dead")
    running = service.create(receiver.url("/912"), 912).json()["id"]
    service.until(running, "running")
    html = page(asyncio.run(read_jobs(service.engine.store)))
    text = text_of(html)
    assert "running 1 " in text
    assert f"{dead} 911 answered 410 127.0.0.1 1 " in text
    assert f"gateway notifications replay {dead} -c config.yaml" in text
    assert f"{running} 912 running" in text
    assert "bearer-secret" not in html


def test_no_store(tmp_path: Path) -> None:
    """If the store does not answer, only its page fails."""
    store = Store(open_engine(f"sqlite:///{tmp_path}/empty.db"))
    found = asyncio.run(read_jobs(store))
    store.close()
    assert "no answer the store does not answer" in text_of(page(found))


@pytest.mark.parametrize(
    ("outcome", "mark"), [("succeeded", "good"), ("failed", "bad"), ("run_timeout", "bad"), ("held", "warn")]
)
def test_a_failed_job_wears_a_red_badge(outcome: str, mark: str) -> None:
    """A callback that was delivered is a success of ours; whether the batch job was one is shown apart."""
    job = JobLine("1", 5, "delivered", outcome, "Error", "a.test", "me", 0.0, 1)
    html = page(JobsState(latest=(job,)))
    assert f'<span class="badge {mark}">{outcome}</span>' in html
    assert 'badge good">delivered' in html


def test_empty() -> None:
    """A service without jobs says so."""
    assert text_of(page(JobsState())) == "Under way No job is in progress. Dead letters None. Latest jobs None yet."
