"""
The durable workflow: start → wait → deliver, each a step that DBOS records and never repeats once it is recorded.

A job costs three or so durable writes, however long it is watched. Waiting between attempts needs no durable timer: the
moment of the next attempt is part of the recorded result, so after a crash the workflow waits for that same moment.

The version is the workflow's own and changes only when the order of steps does: DBOS would strand pending jobs.
"""

from __future__ import annotations

from dbos import DBOS

from gateway.notifications.service import current

VERSION = "1"
WATCH = "notification-watch"
REPLAY = "notification-replay"


@DBOS.step(name="start")
async def start_step(job_id: str) -> str:
    """Set the batch job to waiting; the job's state afterwards."""
    return await current().start(job_id)


@DBOS.step(name="wait")
async def wait_step(job_id: str) -> str:
    """Wait for the end of the run; the job's state afterwards."""
    return await current().wait(job_id)


@DBOS.step(name="attempt")
async def attempt_step(job_id: str, series: int, number: int) -> float | None:
    """One callback attempt; when the next one is due."""
    return await current().attempt(job_id, series, number)


async def deliver(job_id: str, series: int) -> None:
    """Attempt after attempt, at the recorded times."""
    number = 1
    while (due := await attempt_step(job_id, series, number)) is not None:
        await current().clock.sleep_until(due)
        number += 1


# No limit on recoveries: a watch of two hours may see many restarts, and none of them is its fault.
@DBOS.workflow(name=WATCH, max_recovery_attempts=None)
async def watch(job_id: str) -> None:
    """The life of one job."""
    if await start_step(job_id) == "waiting":
        await wait_step(job_id)
    await deliver(job_id, 0)


@DBOS.workflow(name=REPLAY, max_recovery_attempts=None)
async def replay(job_id: str, series: int) -> None:
    """The callback again. Never touches the batch job."""
    await deliver(job_id, series)
