"""
What can happen next: the steps of replicas, of F&O, of time, and the faults.

A replica's steps are urgent: time passes only when no replica that lives and is not frozen has one. So a delay between
two steps is a fault with a name. What waits for something outside (a turn at F&O's door, an answer, a reading in doubt,
a poll) may take any number of ticks.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.notifications.workflow.doubt import Sight, doubt_after_restart
from gateway.notifications.workflow.joining import BeginStart, JoinRun, WaitFor
from gateway.notifications.workflow.outcomes import Outcome
from gateway.notifications.workflow.transitions import FINAL, JobEvent, State
from gateway.notifications.workflow.watched_run import WatchedRun
from tests.notifications.model.decisions import Decisions, Mends, Timing, outcome_of, rivals_of, without_ghosts
from tests.notifications.model.passing import aged
from tests.notifications.model.states import Batch, Call, Job, Replica, Step, Task, World

Next = Iterator[tuple[str, World]]

_OPEN = frozenset({State.ACCEPTED, State.STARTING, State.WAITING, State.RUNNING})
_WRITES = frozenset({Step.LOAD, Step.DECIDE, Step.ANSWERED, Step.REFUSED, Step.DOUBTFUL, Step.END})
_URGENT = _WRITES | {Step.READ, Step.CHECKED}
_EMBEDDED = 0
DEADLINE = "reaches the deadline"


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    How much may happen.

    Attributes:
        replicas: How many; an embedded store has one.
        requests: For the same batch job; the first is there, the others come at any time.
        faults: Crashes, freezes, cuts, and calls that go wrong, all in all.
        jumps: How often the wall clock is set, by *jump* ticks.
        same_boot: Whether an embedded store's processes share a steady clock, by which the next one knows the clock of
            the one before; otherwise it knows that clock at its last heartbeat.
        watched: Which run each request is about; one that starts nothing watches.
        follow_up: Whether the true end is to be reported after a deadline.
        stops: Whether a request may be stopped by its caller.
        kinds: The faults that occur.
    """

    replicas: int = 2
    requests: int = 1
    faults: int = 2
    jumps: int = 1
    jump: int = 6
    embedded: bool = False
    same_boot: bool = False
    watched: tuple[WatchedRun, ...] = ()
    follow_up: bool = False
    stops: bool = False
    kinds: frozenset[str] = frozenset({"crash", "freeze", "cut", "silent", "error", "late", "refused"})
    timing: Timing = field(default_factory=Timing)
    mends: Mends = field(default_factory=Mends)

    @property
    def clocks_agree(self) -> bool:
        """Whether all clocks are the store's."""
        return self.mends.follows_store_clock and not self.embedded

    @property
    def floor(self) -> float:
        """What is older than this need not be compared with now."""
        reach = max(self.timing.settle, self.timing.call) + 1
        return -float(reach + (0 if self.clocks_agree else 2 * self.jump))


class Model:
    """The scenario's states and what leads from each to the next."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.timing = scenario.timing
        self.decide = Decisions(scenario.timing, scenario.mends)

    def initial(self) -> World:
        """All replicas have joined, the first request has just been accepted."""
        count, embedded = self.scenario.requests, self.scenario.embedded
        nothing: tuple[Task | None, ...] = (None,) * count
        owners = range(self.scenario.replicas)
        ends = float("inf") if embedded else self.decide.own_end(0)
        leases = () if embedded else tuple((owner, self.decide.recorded_end(0)) for owner in owners)
        replicas = tuple(Replica(owner, ends, nothing) for owner in owners)
        jobs = (self._request(0, Batch()), *(None,) * (count - 1))
        return World(self.scenario.faults, self.scenario.jumps, Batch(), (), jobs, leases, replicas)

    def successors(self, world: World) -> Next:
        """Everything that can happen next, with its name; nothing if everything is over."""
        if self.is_over(world) and None not in world.jobs or any(job and job.starts > 1 for job in world.jobs):
            return  # what is over, and the residue, lead nowhere
        yield from self._requests(world)
        yield from self._outside(world)
        for number, replica in enumerate(world.replicas):
            yield from self._replica(world, number, replica)
        if not self._is_urgent(world):
            yield self._tick(world)

    def is_over(self, world: World) -> bool:
        """Whether every request that was accepted has its outcome, and no call is under way or may still be sent."""
        is_open = any(job is not None and job.state in _OPEN for job in world.jobs)
        tasks = (task for replica in world.replicas for task in replica.tasks)
        may_send = any(task and (task.step is Step.CHECKED or task.valid is not None) for task in tasks)
        return not (is_open or world.calls or may_send)

    def waits_for_others(self, world: World) -> bool:
        """Whether only requests that start nothing are open: they may wait until their deadline."""
        still_open = [job for job in world.jobs if job is not None and job.state in _OPEN]
        return all(job.watched is not WatchedRun.OURS for job in still_open)

    def broken(self, world: World) -> str | None:
        """Which promise this state breaks."""
        for number, job in enumerate(world.jobs):
            if job is None:
                continue
            if job.starts > 1 and not job.paused:
                return f"request {number} was started {job.starts} times"
            if job.watched is not WatchedRun.OURS and job.starts:
                return f"request {number} only watches, and has started the batch job"
            if job.outcome is Outcome.START_FAILED and job.starts and not job.paused:
                return f"request {number} was told that its start had no effect, and it had"
            if job.outcome in (Outcome.SUCCEEDED, Outcome.FAILED) and not _is_true(job):
                return f"request {number} was told {job.outcome}, which none of its runs was"
        return None

    # Requests, F&O, faults

    def _requests(self, world: World) -> Next:
        for number, job in enumerate(world.jobs):
            if job is None:
                yield f"request {number} is accepted", world.with_job(number, self._request(number, world.batch))
                return
            if job is not None and self.scenario.stops and job.state in _OPEN:
                state = self.decide.after(job, JobEvent.STOP, None)
                assert state is not None
                yield f"request {number} is stopped", world.with_job(number, job._replace(state=state))

    def _request(self, number: int, batch: Batch) -> Job:
        watched = dict(enumerate(self.scenario.watched)).get(number, WatchedRun.OURS)
        runs = frozenset({batch.ended + 1} if batch.pending else ())
        asked = 0 if watched is WatchedRun.OURS else batch.ended
        return Job(0.0, runs=runs, watched=watched, asked=asked, follow_up=self.scenario.follow_up)

    def _outside(self, world: World) -> Next:
        if world.batch.pending:
            yield f"run {world.batch.ended + 1} ends", world._replace(batch=Batch(world.batch.ended + 1))
        for place, call in enumerate(world.calls):
            rest = world.calls[:place] + world.calls[place + 1 :]
            yield f"F&O carries out the call of request {call.job}", _start(world._replace(calls=rest), call)
        if self.scenario.embedded and world.jumps and world.replicas[0].owner is not None:
            for jump in (self.scenario.jump, -self.scenario.jump):
                moved = world._replace(jumps=world.jumps - 1, wall=world.wall + jump)
                yield f"the wall clock is set by {jump}", moved

    def _may_fail(self, world: World, kind: str) -> bool:
        return world.faults > 0 and kind in self.scenario.kinds

    def _replica(self, world: World, number: int, replica: Replica) -> Next:
        name = f"replica {number}"
        if replica.owner is None:
            yield f"{name} is started again", self._restart(world, number)
            if world.jumps and not self.scenario.embedded:  # replicas read their own wall clock only when they start
                for jump in (self.scenario.jump, -self.scenario.jump):
                    moved = self._restart(world._replace(jumps=world.jumps - 1, wall=jump), number)
                    yield f"{name} is started again, its wall clock set by {jump}", moved._replace(wall=0)
            return
        yield from self._faults(world, number, replica)
        if replica.frozen:
            thawed = world.with_replica(number, replica._replace(frozen=False))
            yield f"{name} is thawed", thawed
            yield f"{name} is thawed and renews its lease", self._beat(thawed, number)
            return
        if replica.cut:
            yield f"{name} reaches the store again", world.with_replica(number, replica._replace(cut=False))
        for job_number, task in enumerate(replica.tasks):
            for label, after in self._work(world, number, job_number, task):
                yield f"{name}: {label}", after

    def _faults(self, world: World, number: int, replica: Replica) -> Next:
        name, fewer = f"replica {number}", world._replace(faults=world.faults - 1)
        if self._may_fail(world, "crash"):
            yield f"{name} crashes", self._crash(fewer, number)
        if self._may_fail(world, "freeze") and not replica.frozen:
            yield f"{name} is frozen", fewer.with_replica(number, replica._replace(frozen=True))
        if self._may_fail(world, "cut") and not replica.cut:
            yield f"{name} loses the store", fewer.with_replica(number, replica._replace(cut=True))

    def _crash(self, world: World, number: int) -> World:
        calls = tuple(self._closed(world, call) if call.replica == number else call for call in world.calls)
        gone = Replica(None, 0.0, (None,) * len(world.jobs))
        return world._replace(calls=calls).with_replica(number, gone)

    def _closed(self, world: World, call: Call) -> Call:
        """The call's connection has ended now: what F&O has of it takes effect soon or never."""
        until = min(call.until, self.timing.settle)
        return call._replace(replica=None, until=until)

    def _restart(self, world: World, number: int) -> World:
        if self.scenario.embedded:
            return self._reopen(world)
        replica = world.replicas[number]
        return self._lease(world.with_replica(number, replica._replace(owner=_unused(world), clock=world.wall)), number)

    def _lease(self, world: World, number: int) -> World:
        replica = world.replicas[number]
        assert replica.owner is not None
        leases = {**dict(world.leases), replica.owner: self.decide.recorded_end(0)}
        ends = self.decide.own_end(0)
        clock = 0 if self.scenario.mends.follows_store_clock else replica.clock
        kept = world.with_replica(number, replica._replace(ends=ends, clock=clock))
        return kept._replace(leases=tuple(sorted(leases.items())))

    def _reopen(self, world: World) -> World:
        """The embedded store's next process: its clock is the wall's, and so are the rows' times from now on."""
        now, (beat, error) = world.wall, world.beat
        error -= now if self.scenario.same_boot else 0
        jobs = tuple(None if job is None else self._caught_up(job, now, beat, error) for job in world.jobs)
        tasks = tuple(_adopted(job) for job in jobs)
        return world._replace(jobs=jobs).with_replica(0, Replica(_EMBEDDED, float("inf"), tasks, clock=world.wall))

    def _caught_up(self, job: Job, now: int, beat: float, error: int) -> Job:
        doubt = job.doubt_until
        settled = self.decide.rules.settled_at(now)
        if doubt is not None and self.scenario.mends.doubts_of_the_dead:
            doubt = doubt_after_restart(doubt, beat, error, settled)
        elif doubt is not None:
            doubt = min(doubt - error, settled)
        starting_at = None if job.starting_at is None else job.starting_at - error
        started_at = None if job.started_at is None else job.started_at - error
        moved: dict[str, Any] = {"created": job.created - error, "starting_at": starting_at, "started_at": started_at}
        return job._replace(doubt_until=doubt, **moved)

    # A replica's steps

    def _work(self, world: World, replica: int, number: int, task: Task | None) -> Next:
        job = world.jobs[number]
        cut = world.replicas[replica].cut
        if task is None:
            if job is not None and job.state in _OPEN and job.owner is None and not cut:
                owner = world.replicas[replica].owner
                leased = world.with_job(number, job._replace(owner=owner))
                yield f"leases request {number}", leased.with_task(replica, number, Task(Step.LOAD))
            return
        assert job is not None
        if cut and (task.step in _WRITES or self._renews(world, replica, task)):
            if task.step is not Step.LOAD:
                yield f"fails to write for request {number}", world.with_task(replica, number, Task(Step.LOAD))
            return
        if task.step not in (Step.END, Step.LOAD) and job.state in _OPEN:
            outcome = Outcome.DEADLINE if task.step is Step.WATCH else Outcome.UNKNOWN
            late = self._hung_up(world, replica, number).with_task(replica, number, Task(Step.END, verdict=outcome))
            yield f"{DEADLINE} (request {number})", late
        step = getattr(self, f"_{task.step.name.lower()}")
        for label, after in step(world, replica, number, task):
            yield f"{label} (request {number})", after

    def _renews(self, world: World, replica: int, task: Task) -> bool:
        return task.step is Step.DOOR and not self._is_valid(world, replica, task)

    def _clock(self, world: World, replica: int) -> int:
        return world.replicas[replica].clock

    def _is_valid(self, world: World, replica: int, task: Task) -> bool:
        if not self.scenario.mends.checks_before_call:
            return True
        return task.valid is not None and self._clock(world, replica) < task.valid

    def _move(
        self, world: World, replica: int, number: int, event: JobEvent, values: Mapping[str, Any]
    ) -> World | None:
        """The row after an event that the replica records; None when it is not its to record."""
        job = world.jobs[number]
        assert job is not None
        state = self.decide.after(job, event, world.replicas[replica].owner)
        return None if state is None else world.with_job(number, job._replace(state=state, **values))

    def _load(self, world: World, replica: int, number: int, task: Task) -> Next:
        job = world.jobs[number]
        assert job is not None
        yield "loads the row", world.with_task(replica, number, self._resumed(world, replica, job))

    def _wait(self, world: World, replica: int, number: int, task: Task) -> Next:
        yield "looks again", world.with_task(replica, number, Task(Step.READ))

    def _resumed(self, world: World, replica: int, job: Job) -> Task | None:
        if job.owner != world.replicas[replica].owner or job.state not in _OPEN:
            return None
        if job.state is State.ACCEPTED:
            return Task(Step.READ)
        if job.state is State.STARTING:
            latest = self.decide.rules.settled_at(self._clock(world, replica))
            return Task(Step.DOUBT, at=latest if job.doubt_until is None else job.doubt_until)
        return Task(Step.WATCH, seen=job.seen_pending)

    def _read(self, world: World, replica: int, number: int, task: Task) -> Next:
        read = Task(Step.DECIDE, at=self._clock(world, replica), row=world.batch)
        yield f"reads {_shown(world.batch)}", world.with_task(replica, number, read)

    def _decide(self, world: World, replica: int, number: int, task: Task) -> Next:
        job, now = world.jobs[number], self._clock(world, replica)
        assert job is not None
        assert task.row is not None
        assert task.at is not None
        if job.watched is not WatchedRun.OURS:
            before = self.decide.snapshot(without_ghosts(job), task.row)
            yield from self._attach(world, replica, number, {"before": before, "started_at": now}, task.row.pending)
            return
        if task.row.pending:
            yield from self._attach(world, replica, number, {"before": None, "started_at": now}, pending=True)
            return
        rivals = tuple((other, without_ghosts(rival)) for other, rival in rivals_of(world.jobs, number, now))
        found = self.decide.start(number, without_ghosts(job), rivals, task.row, task.at, now)
        if isinstance(found, WaitFor):
            yield "waits for another request", world.with_task(replica, number, Task(Step.WAIT))
        elif isinstance(found, JoinRun):
            rival = world.jobs[int(found.rival.id)]
            assert rival is not None
            values = {"before": rival.before, "started_at": rival.started_at}
            yield from self._attach(world, replica, number, values, rival.before is None)
        else:
            yield from self._begin(world, replica, number, task.row, found)

    def _attach(self, world: World, replica: int, number: int, values: dict[str, Any], pending: bool) -> Next:
        after = self._move(world, replica, number, JobEvent.ATTACHED, {**values, "seen_pending": pending})
        task = Task(Step.WATCH, seen=pending) if after is not None else Task(Step.LOAD)
        yield "joins the run", (after or world).with_task(replica, number, task)

    def _begin(self, world: World, replica: int, number: int, row: Batch, found: BeginStart) -> Next:
        now = self._clock(world, replica)
        mark: dict[str, Any] = {"starting_at": now, "before": row.ended, "doubt_until": found.doubt_until}
        after = self._move(world, replica, number, JobEvent.START_CALLED, mark)
        if after is None:
            yield "does not own it any more", world.with_task(replica, number, Task(Step.LOAD))
            return
        for rival, verdict in found.ended:
            after = self._end_rival(after, int(rival.id), verdict.outcome)
        valid = self.decide.rules.valid_until(found.doubt_until)
        yield "marks the start", after.with_task(replica, number, Task(Step.DOOR, valid))

    def _end_rival(self, world: World, number: int, outcome: Outcome) -> World:
        rival = world.jobs[number]
        assert rival is not None
        state = self.decide.after(rival, JobEvent.ENDED, rival.owner)
        return world if state is None else world.with_job(number, rival._replace(state=state, outcome=outcome))

    def _door(self, world: World, replica: int, number: int, task: Task) -> Next:
        now = self._clock(world, replica)
        if not self._is_valid(world, replica, task):
            until = self.decide.rules.doubt_until(now)
            marked = self._move(world, replica, number, JobEvent.START_CALLED, {"doubt_until": until})
            if marked is None:
                yield "does not own it any more", self._noted(world, replica, number, None, Task(Step.LOAD))
                return
            world, task = marked, task._replace(valid=self.decide.rules.valid_until(until))
        holds = world.replicas[replica].ends > 0
        if self.decide.may_send(now, task.valid or 0.0, holds):
            checked = task._replace(step=Step.CHECKED, at=0.0)
            yield "has its turn; lease and mark hold", world.with_task(replica, number, checked)

    def _checked(self, world: World, replica: int, number: int, task: Task) -> Next:
        assert task.at is not None
        paused = -task.at > self.timing.settle
        latest = float(self.timing.call + self.timing.settle)
        call = Call(number, replica, latest, certain=False, paused=paused)
        answered, doubtful = task._replace(step=Step.ANSWERED), self._doubted(world, replica, task)
        yield "calls; F&O accepts", _start(world, call).with_task(replica, number, answered)
        fewer = world._replace(faults=world.faults - 1)
        if self._may_fail(world, "error"):
            yield "calls; F&O acts and answers 503", _start(fewer, call).with_task(replica, number, doubtful)
        if self._may_fail(world, "late"):
            late = call._replace(replica=None, until=float(self.timing.settle), certain=True)
            after = fewer._replace(calls=(*world.calls, late))
            yield "calls; F&O accepts and acts later", after.with_task(replica, number, answered)
        if self._may_fail(world, "silent"):
            after = fewer._replace(calls=(*world.calls, call))
            open_call = task._replace(step=Step.CALLING, at=max(0.0, task.at + self.timing.call))
            yield "calls; F&O is silent", self._give_up(after.with_task(replica, number, open_call), replica, number)
        if self._may_fail(world, "refused"):
            refused = task._replace(step=Step.REFUSED)
            yield "calls; the connection is refused", fewer.with_task(replica, number, refused)

    def _doubted(self, world: World, replica: int, task: Task) -> Task:
        until = self.decide.settled_after_call(self._clock(world, replica), task.valid)
        return task._replace(step=Step.DOUBTFUL, at=until)

    def _give_up(self, world: World, replica: int, number: int) -> World:
        """End a silent call whose time is over."""
        task = world.replicas[replica].tasks[number]
        if task is None or task.step is not Step.CALLING or (task.at or 0.0) > 0:
            return world
        closed = self._hung_up(world, replica, number)
        return closed.with_task(replica, number, self._doubted(world, replica, task))

    def _hung_up(self, world: World, replica: int, number: int) -> World:
        mine = (number, replica)
        calls = (self._closed(world, call) if (call.job, call.replica) == mine else call for call in world.calls)
        return world._replace(calls=tuple(calls))

    def _calling(self, world: World, replica: int, number: int, task: Task) -> Next:
        yield from ()

    def _answered(self, world: World, replica: int, number: int, task: Task) -> Next:
        now = self._clock(world, replica)
        after = self._move(world, replica, number, JobEvent.STARTED, {"started_at": now, "doubt_until": None})
        if after is None:
            settled = self.decide.rules.settled_at(now)
            yield "cannot confirm the start", self._noted(world, replica, number, settled, Task(Step.LOAD))
        else:
            yield "confirms the start", after.with_task(replica, number, Task(Step.WATCH))

    def _refused(self, world: World, replica: int, number: int, task: Task) -> Next:
        yield "notes that nothing arrived", self._noted(world, replica, number, None, self._again(task))

    def _doubtful(self, world: World, replica: int, number: int, task: Task) -> Next:
        doubt = self._again(task)._replace(step=Step.DOUBT, at=task.at)
        yield "notes the doubt", self._noted(world, replica, number, task.at, doubt)

    def _again(self, task: Task) -> Task:
        """At F&O's door again; what was noted has replaced the mark, so the next call needs another one."""
        return Task(Step.DOOR, None if self.scenario.mends.void_mark_after_note else task.valid)

    def _noted(self, world: World, replica: int, number: int, until: float | None, task: Task) -> World:
        job = world.jobs[number]
        assert job is not None
        if job.owner == world.replicas[replica].owner:
            world = world.with_job(number, job._replace(doubt_until=until))
        return world.with_task(replica, number, task)

    def _doubt(self, world: World, replica: int, number: int, task: Task) -> Next:
        job = world.jobs[number]
        assert job is not None
        assert task.at is not None
        found = self.decide.sight(without_ghosts(job), world.batch, self._clock(world, replica), task.at)
        if found is Sight.EFFECT:
            yield "sees the effect", world.with_task(replica, number, Task(Step.ANSWERED))
        elif found is Sight.NONE:
            failed = Task(Step.END, verdict=Outcome.START_FAILED)
            after = failed if job.follow_up is None else task._replace(step=Step.DOOR)
            yield "sees that no call took effect", world.with_task(replica, number, after)

    def _watch(self, world: World, replica: int, number: int, task: Task) -> Next:
        job = world.jobs[number]
        assert job is not None
        outcome, seen = self.decide.verdict(without_ghosts(job), task.seen, world.batch)
        if outcome is not None:
            end = Task(Step.END, verdict=outcome)
            yield f"sees the end of run {world.batch.ended}", world.with_task(replica, number, end)
        elif seen != task.seen:
            noted = world
            if not world.replicas[replica].cut and job.state in (State.WAITING, State.RUNNING):
                noted = world.with_job(number, job._replace(seen_pending=True))
            yield "sees the run", noted.with_task(replica, number, task._replace(seen=True))

    def _end(self, world: World, replica: int, number: int, task: Task) -> Next:
        job = world.jobs[number]
        assert job is not None
        after = self._move(world, replica, number, JobEvent.ENDED, {"outcome": task.verdict})
        if after is not None and task.verdict in (Outcome.DEADLINE, Outcome.UNKNOWN):
            after = self._followed(after, number, job)
        yield f"records {task.verdict}", (after or world).with_task(replica, number, None)

    def _followed(self, world: World, number: int, job: Job) -> World:
        """The job that reports the true end takes the place of the one that has reported a deadline."""
        row = self.decide.follow_up(number, job)
        if row is None:
            return world
        doubt = row.doubt_until if self.scenario.mends.follows_in_doubt else 0.0
        begun = job._replace(state=row.state, doubt_until=doubt, owner=None, follow_up=None)
        return world.with_job(number, begun)

    # Time

    def _is_urgent(self, world: World) -> bool:
        for replica in world.replicas:
            if replica.owner is None or replica.frozen:
                continue
            if any(self._has_step(world, replica, number, task) for number, task in enumerate(replica.tasks)):
                return True
        return False

    def _has_step(self, world: World, replica: Replica, number: int, task: Task | None) -> bool:
        if task is None:
            job = world.jobs[number]
            return job is not None and job.owner is None and job.state in _OPEN and not replica.cut
        if replica.cut and task.step in _WRITES:
            return False
        return task.step in _URGENT

    def _tick(self, world: World) -> tuple[str, World]:
        world = self._settle_calls(aged(world, self.scenario.floor, alone=self.scenario.requests == 1))
        for number, replica in enumerate(world.replicas):
            if replica.owner is not None and not replica.frozen:
                for job_number in range(len(world.jobs)):
                    world = self._give_up(world, number, job_number)
                world = world if replica.cut else self._beat(world, number)
        return "time passes", world

    def _settle_calls(self, world: World) -> World:
        for call in world.calls:
            if call.until <= 0:
                rest = list(world.calls)
                rest.remove(call)
                world = world._replace(calls=tuple(rest))
                world = _start(world, call) if call.certain else world
        return world

    def _beat(self, world: World, number: int) -> World:
        """A heartbeat: renew, or come back under a new id; then take over what has no lease."""
        replica = world.replicas[number]
        assert replica.owner is not None
        if self.scenario.embedded:
            ahead_of = 0 if self.scenario.same_boot else world.wall
            return world._replace(beat=(float(replica.clock), replica.clock - ahead_of))
        if replica.owner not in dict(world.leases):
            for job_number in range(len(world.jobs)):
                world = self._hung_up(world, number, job_number)
            nothing: tuple[Task | None, ...] = (None,) * len(world.jobs)
            world = world.with_replica(number, replica._replace(owner=_unused(world), tasks=nothing))
        return self._take_over(self._lease(world, number), number)

    def _take_over(self, world: World, number: int) -> World:
        own = world.replicas[number].owner
        kept = tuple(item for item in world.leases if item[0] == own or not self.decide.has_ended(item[1], 0))
        owners = dict(kept)
        free = tuple(
            job if job is None or job.owner in owners or job.state in FINAL else job._replace(owner=None)
            for job in world.jobs
        )
        return world._replace(leases=kept, jobs=free)


def _unused(world: World) -> int:
    """An id that nothing refers to any more is as good as a new one, and keeps the states few."""
    jobs = {job.owner for job in world.jobs if job is not None}
    used = jobs | {replica.owner for replica in world.replicas} | {owner for owner, _ in world.leases}
    return next(number for number in itertools.count() if number not in used)


def _shown(batch: Batch) -> str:
    return f"run {batch.ended + 1} pending" if batch.pending else f"run {batch.ended} ended"


def _start(world: World, call: Call) -> World:
    """F&O carries out a call: a batch job that is not pending already gets a run, for everybody who waits."""
    job = world.jobs[call.job]
    assert job is not None
    world = world.with_job(call.job, job._replace(starts=job.starts + 1, paused=job.paused or call.paused))
    if world.batch.pending:
        return world
    run = world.batch.ended + 1
    jobs = tuple(None if found is None else found._replace(runs=found.runs | {run}) for found in world.jobs)
    return world._replace(jobs=jobs, batch=Batch(world.batch.ended, pending=True))


def _is_true(job: Job) -> bool:
    """Whether one of the runs that the request may be told about ended as it was told."""
    ending = "Finished" if job.outcome is Outcome.SUCCEEDED else "Error"
    return any(outcome_of(run) == ending for run in job.runs)


def _adopted(job: Job | None) -> Task | None:
    return Task(Step.LOAD) if job is not None and job.owner == _EMBEDDED and job.state in _OPEN else None
