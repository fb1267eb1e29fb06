"""The notification service's jobs for the console, read from its store. Callback URLs stay sealed there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
import structlog

from gateway.management.console import figures
from gateway.management.console.jobs_page import PATH
from gateway.management.console.process import Ability
from gateway.management.console.state import Concern, DeadLetter, JobLine, JobsState
from gateway.notifications.api.routes import attempt_view
from gateway.notifications.api.schema import view
from gateway.notifications.engine import Engine
from gateway.notifications.store import attempts, jobs
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.transitions import JobEvent, State

log = structlog.get_logger("gateway.console")

SHOWN = 25
COUNTED = 1_000  # dead letters, for each look at the overview
FINAL = frozenset([State.DELIVERED, State.AMBIGUOUS, State.DEAD, State.STOPPED])
EVERYTHING: Mapping[str, str] = MappingProxyType({})


async def read_jobs(store: Store, query: Mapping[str, str] = EVERYTHING) -> JobsState:
    """As many jobs as fit a page, the latest as *query* asks for; the page reports a store that fails."""
    batch = query.get("batch", "")
    if batch and not (batch.isascii() and batch.isdecimal() and len(batch) < 19):
        return JobsState(error="a batch job's id is a number")
    try:
        return await store.read(partial(_read, query=query))
    except Exception as error:
        log.warning("jobs_unreadable", error=type(error).__name__)
        return JobsState(error="the store does not answer")


def _read(connection: sa.Connection, query: Mapping[str, str]) -> JobsState:
    caller, state, batch = (query.get(name) or None for name in ("caller", "state", "batch"))
    latest = jobs.search(connection, caller, state, None, SHOWN, None if batch is None else int(batch))
    dead = jobs.search(connection, state=State.DEAD, limit=SHOWN)
    return JobsState(
        unfinished=tuple((str(state), number, oldest) for state, number, oldest in jobs.unfinished(connection)),
        latest=tuple(map(_line, latest)),
        dead=tuple(DeadLetter(_line(job), job.updated_at, _reason(connection, job)) for job in dead),
    )


def _line(job: StoredJob) -> JobLine:
    return JobLine(
        id=job.id,
        batch_id=job.batch_id,
        state=job.state.value,
        outcome=None if job.outcome is None else job.outcome.value,
        batch_status=job.batch_status,
        host=job.host,
        caller=job.caller,
        created=job.created_at,
        attempts=job.attempts,
    )


def _reason(connection: sa.Connection, job: StoredJob) -> str:
    """What became of the last attempt: a status or the class of a failure, never what the receiver wrote."""
    log = attempts.listed(connection, job.id)
    if not log:
        return "out of time before the first attempt"
    last = log[-1]
    return f"answered {last['status']}" if last["status"] else str(last["error"] or "cut short")


async def jobs_of(engine: Engine, query: Mapping[str, str]) -> JobsState:
    """The same from a running engine, with what holds it up: environments that it may not call, hosts that fail."""
    state = await read_jobs(engine.store, query)
    gates = tuple(engine.d365_pauses.items())
    return replace(state, gates=gates, circuits=tuple(engine.open_circuits))


async def dead_letters(engine: Engine) -> tuple[Concern, ...]:
    """Jobs whose callback was given up, whichever replica did; a store that fails is readiness's affair."""
    try:
        number, since = await engine.store.read(lambda connection: jobs.dead_letters(connection, COUNTED))
    except Exception as error:
        log.warning("jobs_unreadable", error=type(error).__name__)
        return ()
    if not number:
        return ()
    whose = "the callback of 1 job" if number == 1 else f"the callbacks of {figures.count(number)} jobs"
    at_least = "at least " if number == COUNTED else ""
    return (Concern("warn", "dead letters", f"{at_least}{whose} finally failed", since, f"{PATH}#dead"),)


def job_abilities(engine: Engine) -> dict[str, Ability]:
    """What the console can find out and do about one job."""

    async def job(given: Mapping[str, str]) -> Mapping[str, Any]:
        return await engine.store.read(lambda connection: _details(connection, given["job"]))

    async def replay(given: Mapping[str, str]) -> Mapping[str, Any]:
        now, lifetime_s = engine.parts.clock.now(), engine.settings.callbacks.lifetime_s
        again = await engine.store.write(lambda connection: jobs.reopen(connection, given["job"], now, lifetime_s))
        engine.announce()
        return {"done": again is not None}

    async def stop(given: Mapping[str, str]) -> Mapping[str, Any]:
        now = engine.parts.clock.now()
        stopped = await engine.store.write(lambda connection: _stopped(connection, given["job"], now))
        for job_id in stopped:
            engine.stop_watching(job_id)
        return {"done": bool(stopped)}

    return {"job": job, "replay": replay, "stop": stop}


def _details(connection: sa.Connection, job_id: str) -> Mapping[str, Any]:
    """``{"job", "attempts"}``; no job where there is none."""
    job = jobs.find(connection, job_id)
    if job is None:
        return {"job": None, "attempts": []}
    shown = view(job, "") | {"caller": job.caller, "rule": job.rule, "isFinal": job.state in FINAL}
    return {"job": shown, "attempts": [attempt_view(entry) for entry in attempts.listed(connection, job_id)]}


def _stopped(connection: sa.Connection, job_id: str, now: float) -> list[str]:
    """The ids of the jobs that are stopped now: the job's, and that of the one that follows it."""
    job = jobs.find(connection, job_id)
    ids = [] if job is None else [job.id, *([job.follow_up_id] if job.follow_until is not None else [])]
    return [one_id for one_id in ids if jobs.move(connection, one_id, JobEvent.STOP, now, next_attempt_at=None)]
