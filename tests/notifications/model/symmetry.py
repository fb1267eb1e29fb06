"""
Two replicas are the same program: a state and its mirror image count once.

Ids are the same if they name the same things, so they are numbered afresh as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.notifications.model.states import Job, World


def canonical(world: World) -> tuple[World, bool]:
    """The one of the two images that stands for both, and whether it is the mirror image."""
    if world.is_embedded:
        return world, False
    first, second = _key(world, 0), _key(world, 1)
    mirrored = first > second or (first == second and _tasks(world, 0) > _tasks(world, 1))
    if mirrored:
        calls = tuple(call if call.replica is None else call._replace(replica=1 - call.replica) for call in world.calls)
        world = world._replace(calls=calls, replicas=world.replicas[::-1])
    return _renamed(world), mirrored


def _key(world: World, number: int) -> tuple[object, ...]:
    """What decides which of two replicas comes first; the same in every process, which a hash of texts is not."""
    replica = world.replicas[number]
    owns = tuple(job is not None and job.owner == replica.owner for job in world.jobs)
    calls = tuple(call.replica == number for call in world.calls)
    return (*(value for value in replica[1:] if isinstance(value, int | float)), replica.owner is None, owns, calls)


def _tasks(world: World, number: int) -> str:
    return repr(world.replicas[number].tasks)


def _renamed(world: World) -> World:
    owners = [replica.owner for replica in world.replicas]
    others = {owner for owner, _ in world.leases} | {job.owner for job in world.jobs if job is not None}
    known = [owner for owner in (*owners, *sorted(others - set(owners) - {None}, key=str)) if owner is not None]
    if known == list(range(len(known))):
        return world
    names: Mapping[int | None, int | None] = {None: None, **{owner: number for number, owner in enumerate(known)}}
    return world._replace(
        jobs=tuple(None if job is None else _owned(job, names) for job in world.jobs),
        leases=tuple(sorted((names[owner] or 0, until) for owner, until in world.leases)),
        replicas=tuple(replica._replace(owner=names[replica.owner]) for replica in world.replicas),
    )


def _owned(job: Job, names: Mapping[int | None, int | None]) -> Job:
    return job._replace(owner=names[job.owner])
