"""The console's page of notifications, on a running service: what is under way, what died and why, and no secret."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.emulators.entra import EntraEmulator
from gateway.management.console import jobs_page, overview_page
from gateway.management.console.forms import Hand
from gateway.management.console.history import Sample
from gateway.management.console.jobs import dead_letters, job_abilities, read_jobs
from gateway.management.console.state import JobLine, JobsState, ProcessState
from gateway.management.logins import Person
from gateway.notifications.store.database import open_engine
from gateway.notifications.store.store import Store
from tests.management.console.rig import text_of
from tests.notifications.conftest import ALICE, Running, d365_settings, fast_settings, running
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
    assert "gateway notifications replay --dead -c config.yaml" in text
    assert f"{running} 912 running" in text
    assert "bearer-secret" not in html


def test_dead_letters_are_in_the_headline(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """The overview names them once, since when, whichever processes report them, until they are sent again."""
    before = [concern.detail for concern in asyncio.run(dead_letters(service.engine))]  # of other tests
    d365.script(916, ends("Finished", 1, 1))
    receiver.script("/916", answer(410), answer(200))
    dead = service.create(receiver.url("/916"), 916).json()["id"]
    service.until(dead, "dead")
    (concern,) = asyncio.run(dead_letters(service.engine))
    assert concern.detail not in before
    assert concern.since is not None
    assert concern.since <= time.time()
    state = ProcessState(1, 0.0, True, False, (concern,), (), (), (), (), ())
    noted = overview_page.troubles({"worker-1": state, "worker-2": state}, {}, [Sample(1, 0, 0, 0, ())])
    html = overview_page.headline(noted, time.time())
    pattern = r"1 thing needs attention. dead letters : the callbacks? of \d+ jobs? finally failed – since 2"
    assert re.search(pattern, text_of(html))
    assert 'href="/console/notifications#dead"' in html
    assert asyncio.run(_awaited(job_abilities(service.engine)["replay"]({"job": dead})))["done"]
    service.until(dead, "delivered")
    assert [concern.detail for concern in asyncio.run(dead_letters(service.engine))] == before


@pytest.mark.needs("postgresql")
def test_dead_letters_of_all_replicas(
    postgres: str, entra: EntraEmulator, d365: D365Emulator, receiver: Receiver
) -> None:
    """On PostgreSQL each replica's headline counts what any of them gave up; one whose store is gone says nothing."""
    settings = fast_settings(postgres, d365_settings(entra, d365))
    with running(settings) as one, running(settings) as other:
        assert asyncio.run(dead_letters(one.engine)) == ()
        for batch, service in ((917, one), (918, other)):
            d365.script(batch, ends("Finished", 1, 1))
            receiver.script(f"/{batch}", answer(410))
            service.until(service.create(receiver.url(f"/{batch}"), batch).json()["id"], "dead")
        concerns = [asyncio.run(dead_letters(service.engine)) for service in (one, other)]
        assert concerns[0] == concerns[1]
        assert concerns[0][0].detail == "the callbacks of 2 jobs finally failed"
        assert 0 <= time.time() - (concerns[0][0].since or 0) < 60
    assert asyncio.run(dead_letters(one.engine)) == ()


def test_one_job(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A job's page has its attempts; from there a dead letter is sent again and a running one stopped, once."""
    d365.script(913, ends("Finished", 1, 1))
    d365.script(914, ends("Finished", 1, 1000))
    receiver.script("/913", answer(410))
    dead = service.create(receiver.url("/913"), 913).json()["id"]
    service.until(dead, "dead")
    running = service.create(receiver.url("/914"), 914).json()["id"]
    service.until(running, "running")
    do = job_abilities(service.engine)

    def about(what: str, job: str) -> Any:
        return asyncio.run(_awaited(do[what]({"job": job})))

    found = about("job", dead)
    html = "".join(jobs_page.shown(found["job"], found["attempts"], Hand(Person("me", "session", "s"), True)))
    assert "dead succeeded" in text_of(html)
    assert re.search(r"T\S+ 0.1 410 permanent –", text_of(html))
    assert 'action="/console/actions/replay"' in html
    assert "bearer-secret" not in html
    assert about("job", "none") == {"job": None, "attempts": []}
    assert [about("replay", job)["done"] for job in (dead, running, "none")] == [True, False, False]
    service.until(dead, "dead")
    assert [len(about("job", dead)["attempts"]), about("stop", running), about("stop", running)] == [
        2,
        {"done": True},
        {"done": False},
    ]
    shown = text_of("".join(jobs_page.shown(about("job", running)["job"], [])))
    assert "stopped" in shown
    assert f"To do it: gateway notifications replay {running} -c config.yaml" in shown


async def _awaited(report: Awaitable[Any]) -> Any:
    return await report


def test_a_search(service: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """The latest jobs are found by state, caller and batch job; what is no number is said to be none."""
    d365.script(915, ends("Finished", 1, 1))
    service.until(service.create(receiver.url("/915"), 915).json()["id"], "delivered")

    def number(**query: str) -> int:
        return len(asyncio.run(read_jobs(service.engine.store, query)).latest)

    assert (number(batch="915"), number(batch="915", state="dead"), number(caller="nobody")) == (1, 0, 0)
    assert number(batch="915", state="delivered", caller=ALICE) == 1
    assert "a number" in asyncio.run(read_jobs(service.engine.store, {"batch": "9;"})).error


def test_what_holds_jobs_up() -> None:
    """Environments that ask not to be called, and hosts that fail, are named where jobs wait."""
    text = text_of(page(JobsState(gates=(("d365", 30.0), ("test", 0.0)), circuits=("a.test",))))
    assert "throttled F&O d365 has asked not to be called for 30 s. circuit open" in text
    assert "F&O test" not in text


def test_no_store(tmp_path: Path) -> None:
    """If the store does not answer, only its page fails."""
    store = Store(open_engine(f"sqlite:///{tmp_path}/empty.db"))
    found = asyncio.run(read_jobs(store))
    assert asyncio.run(dead_letters(SimpleNamespace(store=store))) == ()  # type: ignore[arg-type]
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
    assert text_of(page(JobsState())).startswith("Under way No job is in progress. Dead letters None. State")
