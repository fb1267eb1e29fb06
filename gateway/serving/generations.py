"""
Several workers of one gateway, and how another generation of them takes over.

The supervisor builds the new gateway itself, so that a mistake in it changes nothing, and forks processes from it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import structlog
import uvloop

from gateway.assembly.app import Gateway, build
from gateway.assembly.shared_state import require_shareable
from gateway.assembly.traces import secrets_of
from gateway.config.lasting import with_lasting
from gateway.management.server import serve_management
from gateway.management.withdrawal import WithdrawalBook, WithdrawnMaterial
from gateway.serving.bell import Bell
from gateway.serving.exit_codes import ExitCode
from gateway.serving.heart import beating
from gateway.serving.private_folder import inherited, private_folder, require_short, unix_socket
from gateway.serving.pulses import Pulse, Pulses
from gateway.serving.reload_report import ReloadBook, ReloadReport, metrics_of, status_of
from gateway.serving.running import KILL_AFTER_S, Sockets, Supervised, run_process, stop_time_s, watching
from gateway.serving.service_manager import NO_MANAGER, ServiceManager
from gateway.serving.signals import Lifeline, StopSignals
from gateway.serving.source import ConfigurationSource
from gateway.serving.staff import MANAGEMENT, Generation
from gateway.serving.workers import READY_S, NotRenewed, Supervisor
from gateway.telemetry import logs
from gateway.wire.memory import resume

log = structlog.get_logger("gateway.reload")

PREFIX = "gateway-workers-"
RELOAD_S = 120.0  # for the supervisor's report
LOOK_S = 0.25  # while waiting for a ring that may have been missed
RETIRED_S = 1.0  # for the supervisor to retire this process, after its report
KEPT = 2  # generations whose sockets are there: one that has been retired still answers requests


def supervise(
    gateway: Gateway,
    sockets: Sockets,
    count: int,
    source: ConfigurationSource,
    watched: bool,
    manager: ServiceManager = NO_MANAGER,
) -> ExitCode:
    """
    *count* workers, and one process for the management plane, until a signal stops them.

    Raises:
        GatewayError: The temporary directory has too long a name.
        GaveUp: No worker can start.
    """
    from gateway.management import gathered  # noqa: F401  # before the fork: each generation would load it again

    resume()
    with private_folder(PREFIX) as directory:
        require_short(directory)
        generations = Generations(gateway, sockets, count, source, directory, watched, manager)
        return Supervisor(generations.first(), generations.stop_s(), sockets.close, generations, manager).run()


@dataclass(slots=True)
class Generations:
    """
    The jobs of one generation after the other; the supervisor's ``Renewal``.

    Attributes:
        gateway: The newest that has taken over.
    """

    gateway: Gateway
    sockets: Sockets
    count: int
    source: ConfigurationSource
    directory: Path
    watched: bool
    manager: ServiceManager = NO_MANAGER
    _owner: int = field(default_factory=os.getpid)
    _next: Gateway | None = None
    _waiting: tuple[str, ...] = ()
    _number: int = 0
    _kept: list[tuple[Path, Bell]] = field(default_factory=list)  # bells of processes that may wait for a report

    def first(self) -> Generation:
        """That of the gateway as it is."""
        return self._generation(self.gateway, warm=False)

    def begin(self) -> Generation:
        self.manager.reloading()
        self._number += 1
        try:
            return self._begun()
        except Exception as error:  # even a mistake of ours, or a full disk, must not end what runs
            self._next = None
            self._tell(ReloadReport.of(error))
            raise NotRenewed from error

    def _begun(self) -> Generation:
        ReloadBook(self.directory).begin(self._number)
        config, self._waiting = with_lasting(self.source.load(), self.gateway.config)
        require_shareable(config, self.count)
        self._next = build(config)
        logs.hide({*secrets_of(self.gateway.config), *secrets_of(config)})
        return self._generation(self._next, warm=True)

    def done(self) -> None:
        if self._next is not None:
            self.gateway, self._next = self._next, None
        while len(self._kept) > KEPT:
            self._forget(0)
        self._tell(ReloadReport(time.time(), waiting=self._waiting))

    def stop_s(self) -> float:
        return stop_time_s(self.gateway.config) + KILL_AFTER_S

    def failed(self, reason: str) -> None:
        self._next = None
        self._forget(-1)
        self._tell(ReloadReport(time.time(), (reason,)))

    def _tell(self, report: ReloadReport) -> None:
        """Log it, tell the service manager, and leave it where the management process reads it."""
        report.write_log(len(self.gateway.config.apis))
        self.manager.ready(report.in_words())
        try:
            ReloadBook(self.directory).write(self._number, report)
        except OSError as error:  # log and manager have it
            log.error("reload_not_recorded", error=str(error))
        for _, bell in self._kept:
            bell.ring()

    def _forget(self, place: int) -> None:
        """What a generation had that has ended."""
        folder, bell = self._kept.pop(place)
        shutil.rmtree(folder, ignore_errors=True)
        bell.close()

    def _generation(self, gateway: Gateway, warm: bool) -> Generation:
        folder = self._new_folder()
        workers = [folder / f"worker-{number}.sock" for number in range(1, self.count + 1)]
        book = WithdrawalBook(Path(self.directory, "withdrawn-keys"))
        pulses = Pulses([*(path.stem for path in workers), MANAGEMENT])
        self._kept.append((folder, pulses.bell))
        watched = self.source if self.watched else None
        manage = _Management(gateway, workers, book, ReloadBook(self.directory), watched, warm, pulses)
        seen = Path(self.directory, "seen-keys")
        runs = {path.stem: _WorkerProcess(gateway, path, book, WithdrawnMaterial(seen), warm).run for path in workers}
        jobs = {name: partial(self._run, run) for name, run in {**runs, MANAGEMENT: manage.run}.items()}
        return Generation(jobs, pulses)

    def _run(self, job: SocketsJob, lifeline: Lifeline, pulse: Pulse) -> None:
        """In one of the processes."""
        with inherited(self.directory, self._owner):
            job(self.sockets, lifeline, pulse)

    def _new_folder(self) -> Path:
        """For the sockets of one generation: the one before is asked until this one has taken over, or not."""
        folder = Path(self.directory, f"generation-{self._number}")
        folder.mkdir(mode=0o700)
        return folder


SocketsJob: TypeAlias = Callable[[Sockets, Lifeline, Pulse], None]


# A process closes the sockets on which it does not accept: while others stop listening, connections would hang there.
@dataclass(frozen=True, slots=True)
class _WorkerProcess:
    """A process of the data plane; *path* is where it answers the management process."""

    gateway: Gateway
    path: Path
    withdrawn: WithdrawalBook
    seen: WithdrawnMaterial
    warm: bool

    def run(self, sockets: Sockets, lifeline: Lifeline, pulse: Pulse) -> None:
        sockets.management.close()
        own = replace(sockets, management=unix_socket(str(self.path)), inside=True)
        part = Supervised(pulse, lifeline, self.warm, self._withdraw_noted, self._note_seen)
        uvloop.run(run_process(self.gateway, own, part))

    def _withdraw_noted(self) -> None:
        """What was noted until this worker could be asked; whatever is noted from now on, it is asked for."""
        for kid, issuer in self.withdrawn.withdrawn():
            with suppress(LookupError):
                self.gateway.issuers.withdraw(kid, issuer)
        self.gateway.issuers.learn_withdrawn(self.seen.read())

    def _note_seen(self) -> None:
        """For workers that are started later; a file that cannot be written must not stop this one."""
        with suppress(OSError):
            self.seen.note(self.gateway.issuers.seen_withdrawn())


@dataclass(frozen=True, slots=True)
class _Management:
    """The process of the management plane; it asks the workers, and the supervisor for a reload."""

    gateway: Gateway
    workers: list[Path]
    withdrawn: WithdrawalBook
    reloads: ReloadBook
    watched: ConfigurationSource | None
    warm: bool
    pulses: Pulses
    supervisor: int = field(default_factory=os.getpid)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def run(self, sockets: Sockets, lifeline: Lifeline, pulse: Pulse) -> None:
        sockets.close_public()
        uvloop.run(self._serve(sockets, lifeline, pulse))

    async def _serve(self, sockets: Sockets, lifeline: Lifeline, pulse: Pulse) -> None:
        from gateway.management import gathered  # only this process gathers metrics

        config = self.gateway.config
        console = None if self.gateway.console is None else self.gateway.console.console
        signals = StopSignals(lifeline, stop_time_s(config) + KILL_AFTER_S)
        plane = gathered.create_app(
            self.workers,
            self.withdrawn,
            console,
            self.gateway.access,
            gathered.ReloadNews(
                lambda: status_of(self.reloads.read()[1]),
                lambda: metrics_of(self.reloads.counts(), self.reloads.read()[1]),
                self._reload if config.reload.endpoint else None,
                self._reload,
            ),
            self.pulses.stuck,
        )
        async with AsyncExitStack() as running:
            running.enter_context(self.pulses.bell.listening())
            running.enter_context(beating(pulse, supervisor=os.getppid()))
            if self.warm:
                await self._workers_ready(signals)
            await running.enter_async_context(serve_management(plane, sockets.management, self.closing))
            if self.watched is not None:
                await running.enter_async_context(watching(self.watched, self._succeeds))
            pulse.report_ready()
            lifeline.report()
            await signals.wait()
            await signals.delay(config.timeouts.drain_delay_s)  # workers report that they are not ready

    async def _workers_ready(self, signals: StopSignals) -> None:
        """Wait until they can be asked; the process before this one answers meanwhile."""
        workers = [self.pulses[path.stem] for path in self.workers]
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and not signals.stopping:
            if all(worker.is_ready for worker in workers):
                return
            await self.pulses.bell.heard(LOOK_S)

    async def _succeeded(self, report: ReloadReport) -> None:
        """Stop listening before it is told: whoever has the answer connects to the process that has taken over."""
        if report.succeeded:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), RETIRED_S)
            await asyncio.sleep(0)  # the server's turn

    async def _succeeds(self) -> bool:
        return bool((await self._reload())["reloaded"])

    async def _reload(self) -> Mapping[str, object]:
        """Ask the supervisor, and wait for its report."""
        before = self.reloads.begun()
        if os.getppid() == self.supervisor:  # else it has gone, and the signal would be another program's
            os.kill(self.supervisor, signal.SIGHUP)
        deadline = time.monotonic() + RELOAD_S
        while time.monotonic() < deadline:
            number, report = self.reloads.read()
            if report is not None and number > before:
                await self._succeeded(report)
                return report.as_json()
            await self.pulses.bell.heard(LOOK_S)
        return ReloadReport(time.time(), ("the supervisor has not answered",)).as_json()
