"""
The passing of time: everything moves one tick into the past.

Times that are too old to be compared with now keep only their order among each other, and what no decision asks about
any more is forgotten; so there are finitely many states.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.notifications.workflow.transitions import State
from tests.notifications.model.states import Job, Replica, Task, World

_OVER = -1.0
_STARTED = frozenset({State.WAITING, State.RUNNING})
_BEGUN = _STARTED | {State.STARTING}

Older = Callable[[float | None], float | None]


def aged(world: World, floor: float, alone: bool) -> World:
    """
    The world one tick later.

    Args:
        floor: Times before it keep their order only.
        alone: There is one request, so nothing compares the times of two.
    """
    past = sorted({time for time in _times(world) if time - 1 < floor})
    ranks = {time: floor - len(past) + place for place, time in enumerate(past)}

    def older(time: float | None) -> float | None:
        return None if time is None else ranks.get(time, round(time - 1, 3))

    jobs = tuple(None if job is None else _aged_job(job, older) for job in world.jobs)
    if alone or not any(job is not None and job.state is State.ACCEPTED for job in jobs):
        jobs = tuple(None if job is None else _undated(job, alone) for job in jobs)
    replicas = tuple(_aged_replica(replica, older) for replica in world.replicas)
    return world._replace(
        calls=tuple(call._replace(until=call.until - 1) for call in world.calls),
        jobs=jobs,
        leases=tuple((owner, max(until - 1, _OVER)) for owner, until in world.leases),
        replicas=replicas,
        beat=(older(world.beat[0]) or 0.0, world.beat[1]) if world.is_embedded else world.beat,
    )


def _times(world: World) -> list[float]:
    found = [world.beat[0]]
    for job in world.jobs:
        if job is not None:
            found += [at for at in (job.created, job.starting_at, job.doubt_until, job.started_at) if at is not None]
    tasks = [task for replica in world.replicas for task in replica.tasks if task is not None]
    return found + [at for task in tasks for at in (task.valid, task.at) if at is not None]


def _aged_job(job: Job, older: Older) -> Job:
    return job._replace(
        created=older(job.created) or 0.0,
        starting_at=older(job.starting_at) if job.state in _BEGUN else None,
        doubt_until=older(job.doubt_until),
        started_at=older(job.started_at) if job.state in _STARTED else None,
    )


def _undated(job: Job, alone: bool) -> Job:
    """Whether it began before or after another one was accepted matters only while one is waiting to begin."""
    return job._replace(created=0.0, starting_at=None, started_at=None if alone else job.started_at)


def _aged_replica(replica: Replica, older: Older) -> Replica:
    tasks = tuple(None if task is None else _aged_task(task, older, replica.clock) for task in replica.tasks)
    return replica._replace(ends=max(round(replica.ends - 1, 3), _OVER), tasks=tasks)


def _aged_task(task: Task, older: Older, clock: int) -> Task:
    valid = older(task.valid)
    return task._replace(valid=None if valid is None or valid <= clock else valid, at=older(task.at))
