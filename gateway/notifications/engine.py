"""
The running service in a thread and an event loop of its own: workflows, poller, callbacks, housekeeping.

It has its own loop, because the gateway's must not wait for it.
The HTTP side reaches the engine through the store and two thread-safe calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog

from gateway.errors import GatewayError
from gateway.notifications.api.problems import HttpProblem
from gateway.notifications.callbacks.circuits import Circuits
from gateway.notifications.callbacks.delivery import Deliverer
from gateway.notifications.callbacks.sending import CallbackSender
from gateway.notifications.environments import D365Environment, Environments, Shared
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import NotificationSettings
from gateway.notifications.store import jobs
from gateway.notifications.store.database import FileLock, open_store, store_url
from gateway.notifications.store.replicas import Replica, last_heartbeat, probe
from gateway.notifications.store.sealing import Sealer, make_sealer
from gateway.notifications.store.store import Store, StoreSlow
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.dispatch import JobDispatcher
from gateway.notifications.workflow.housekeeping import Housekeeping
from gateway.notifications.workflow.workflow import Workflow

log = structlog.get_logger("gateway.notifications")

_PROBE_S = 2.0


@dataclass(slots=True)
class Parts:
    """Replaceable parts, for tests: the clock, what sends callbacks."""

    clock: Clock
    sender: CallbackSender | None = None


class Engine:
    """One process's share of the work. ``start`` and ``stop`` block; the rest may be called from any thread."""

    def __init__(self, settings: NotificationSettings, metrics: Metrics, parts: Parts | None = None) -> None:
        self.settings = settings
        self.metrics = metrics
        self.parts = parts or Parts(Clock())
        self.store = Store(open_store(settings))
        self._sealer: Sealer | None = None
        self._dispatcher: JobDispatcher | None = None
        self._announced = False
        self._lock: FileLock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._environments: Environments | None = None
        self._circuits = Circuits()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)

    def start(self) -> None:
        """
        Open the store, recover what was pending, begin.

        Raises:
            StoreInUse: Another process works on the same SQLite file.
            GatewayError: The store cannot be used, or is an earlier version's.
        """
        self._take_file()
        self._sealer = make_sealer(self.settings)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self.stop()
            raise self._failure

    def stop(self) -> None:
        """Stop at the next await; whatever is unfinished is recovered at the next start or by another replica."""
        if self._stopping is not None:
            self._tell(self._stopping.set)
        if self._thread.ident is not None:
            self._thread.join()
        self.store.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @property
    def sealer(self) -> Sealer:
        """
        Encrypts callback URLs.

        Raises:
            HttpProblem: 503 before the start.
        """
        if self._sealer is None:
            raise _not_ready()
        return self._sealer

    async def is_ready(self) -> bool:
        """Whether the engine runs and its store can be written within two seconds. May be asked from any loop."""
        if not self._thread.is_alive() or not self._ready.is_set():
            return False
        try:
            await self.store.write_by(probe, _PROBE_S, undo=lambda _: None)
        except (StoreSlow, sa.exc.SQLAlchemyError):
            return False
        return True

    @property
    def d365_pauses(self) -> dict[str, float]:
        """Seconds for which each environment of F&O has asked not to be called; jobs are still accepted."""
        return {} if self._environments is None else self._environments.pauses()

    @property
    def open_circuits(self) -> list[str]:
        """Callback hosts at which some caller's callbacks have failed repeatedly and get one attempt at a time."""
        return self._circuits.open_hosts

    def announce(self) -> None:
        """There is a new row to dispatch; one that is announced before the dispatcher looks costs no further call."""
        if self._loop is not None and not self._announced:
            self._announced = True
            self._tell(self._wake)

    def stop_watching(self, job_id: str) -> None:
        """End the wait for a job that was stopped, if it is waited for in this process."""
        if self._environments is not None:
            self._tell(self._environments.stop, job_id)

    def _tell(self, callback: Callable[..., object], *arguments: object) -> None:
        """Call it in the engine's loop; if that has ended, though its thread may still run, nobody is left to tell."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(callback, *arguments)

    def _wake(self) -> None:
        self._announced = False  # before the look: a row that is announced from now on may be too late for it
        if self._dispatcher is not None:
            self._dispatcher.wake()

    def _take_file(self) -> None:
        database = store_url(self.settings.store_url).database
        if self.settings.embedded and database:
            self._lock = FileLock(database)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except GatewayError as error:  # needs no log line: start() raises it
            self._failure = error
        except BaseException as error:
            self._failure = error
            log.exception("engine_failed")
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self.store.open()
        replica = Replica(self.store.engine, self.parts.clock, self.settings.lease_length_s)
        if self.settings.embedded:
            await self.store.write(lambda connection: self._catch_up(connection, replica))
        environments = self._open_environments(replica)
        try:
            await self._work(environments, replica)
        finally:
            await environments.close()

    def _open_environments(self, replica: Replica) -> Environments:
        settings, parts = self.settings, self.parts
        shared = Shared(self.store, parts.clock, self.metrics, replica.may_act)
        members = {name: D365Environment(name, settings, shared) for name in settings.all_environments}
        self._environments = Environments(members, parts.clock)
        return self._environments

    async def _work(self, environments: Environments, replica: Replica) -> None:
        await asyncio.to_thread(replica.join)
        tasks = [asyncio.create_task(work) for work in self._background(environments, replica)]
        log.info("notifications_started", store=store_url(self.settings.store_url).get_backend_name())
        self._ready.set()
        assert self._stopping is not None  # noqa: S101 - set in _main
        await self._stopping.wait()
        await self._shut_down(tasks, replica)

    def _background(self, environments: Environments, replica: Replica) -> Sequence[Coroutine[None, None, None]]:
        """Connect the parts; returns what has to run as long as the engine does."""
        settings, clock, metrics = self.settings, self.parts.clock, self.metrics
        sender = self.parts.sender or CallbackSender(settings.callbacks)
        self._circuits = sender.circuits
        metrics.circuits.set_function(lambda: len(sender.circuits.open_hosts))
        deliverer = Deliverer(self.store, sender, self.sealer, clock, metrics, replica.may_act)
        workflow = Workflow(self.store, environments, environments, deliverer, clock, metrics)
        self._dispatcher = JobDispatcher(self.store, replica.executor_id, workflow.run)
        background = Housekeeping(self.store, environments, clock, metrics, settings.retention)
        beats = replica.run(settings.takeover_interval_s, metrics, self._dispatcher.restart)
        own = [*environments.polling(), self._dispatcher.run(), beats]
        return [*own, background.measure(), background.sweep(), background.notice_stops()]

    async def _shut_down(self, tasks: Sequence[asyncio.Task[Any]], replica: Replica) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not self.settings.embedded:  # no other process could continue them
            with contextlib.suppress(sa.exc.SQLAlchemyError):  # else they are taken over as from the dead
                await self.store.write(lambda connection: self._release(connection, replica.executor_id))
                await asyncio.to_thread(replica.leave)

    def _release(self, connection: sa.Connection, executor_id: str) -> None:
        jobs.hold_own(connection, executor_id)
        jobs.cap_doubt(connection, executor_id, self.parts.clock.now() + self.settings.settle_s)
        jobs.release(connection, executor_id)

    def _catch_up(self, connection: sa.Connection, replica: Replica) -> None:
        """
        What the end of the process before this one changed.

        Its start calls are over. And if the clock was set since its start, on whose time it ran, its rows follow; in
        the transaction of the first heartbeat by the new time, so that they never follow twice.
        """
        heartbeat = last_heartbeat(connection, self.parts.clock)
        replica.enter(connection)
        if heartbeat is None:
            return
        settled_at = self.parts.clock.now() + self.settings.settle_s
        moved = jobs.catch_up(connection, heartbeat, settled_at)
        if heartbeat.error_s:
            log.warning("clock_was_set", seconds=round(heartbeat.error_s, 3), jobs=moved)


def _not_ready() -> HttpProblem:
    return HttpProblem(503, "not-ready", "The service is starting or stopping.", {"retry-after": "5"})
