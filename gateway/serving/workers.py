"""
``--workers N``: processes that share one listening socket, and a supervisor that restarts them.

The gateway is built before the processes are forked, so that a mistake stops the start and its memory is shared. The
management plane runs in a process of its own: it asks every worker over a socket in a private directory.

A reload forks another generation of processes, from a gateway that is built beside the one that serves. When all of
them are ready the generation before is retired: it takes no more connections, and ends when its requests have.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from gateway.errors import GatewayError
from gateway.serving.exit_codes import ExitCode
from gateway.serving.pulses import HUNG_S, STUCK_S
from gateway.serving.service_manager import NO_MANAGER, ServiceManager
from gateway.serving.signals import RETIRE, Lifeline
from gateway.serving.staff import Generation, Staff, send
from gateway.serving.wake_up import WakeUp

log = structlog.get_logger("gateway.workers")

LOOK_S = 1.0  # between two turns in which nothing happens
STARTING_LOOK_S = 0.05
READY_S = 30.0  # for a generation to be ready
MOST_RETIRED = (
    3  # generations that end with their requests at the same time; another reload waits for the first of them
)
RENEWAL_S = 120.0  # for a configuration to be loaded: afterwards the watchdog is not fed


class GaveUp(GatewayError):
    """No worker can start; *exit_code* is that with which the last of them ended."""


@dataclass(slots=True)
class Supervisor:
    """
    Keeps one process per job of *generation* running until a signal stops it.

    Attributes:
        stop_s: After how long processes that should have stopped are killed.
        release: Closes what the supervisor holds for processes that it would start again: called when it stops, so
            that no socket stays listening without anything that accepts.
        renew: What SIGHUP asks for; None: nothing.
        manager: The service manager, which hears of it.
    """

    generation: Generation
    stop_s: float
    release: Callable[[], None]
    renew: Renewal | None = None
    manager: ServiceManager = NO_MANAGER
    _lifeline: Lifeline = field(default_factory=Lifeline)
    _wake_up: WakeUp = field(default_factory=WakeUp)
    _staff: Staff = field(init=False)
    _next: Staff | None = None  # a generation that starts
    _retired: dict[int, float] = field(default_factory=dict)  # process → when it is killed
    _kill_at: float | None = None  # it stops, until then
    _killed: bool = False
    _failure: GaveUp | None = None
    _was_ready: bool = False
    _turned_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._staff = self._staff_of(self.generation)

    def run(self) -> ExitCode:
        """
        Start everything, replace what dies, and return when everything has stopped.

        Raises:
            GaveUp: No worker can start.
        """
        with self._wake_up.listening(self._feed if self.manager.watchdog_s else None, self.manager.beat_s):
            self._staff.start_all()
            while self._has_processes():
                self._wake_up.wait(self._pause_s())
                self.turn()
        if self._failure is not None:
            raise self._failure
        return ExitCode.INTERNAL if self._killed else ExitCode.STOPPED

    def _has_processes(self) -> bool:
        """Whether there is anything to wait for, or to start again."""
        if self._staff.processes or self._retired or self._next is not None:
            return True
        return self._kill_at is None and bool(self._staff.due)

    def turn(self) -> None:
        """Look after everything once."""
        self._forgive_if_frozen()
        self._reap()
        self._obey()
        if self._next is not None:
            self._look_at_next(self._next)
        if self._kill_at is None:
            self._staff.start_due()
        self._kill_overdue()
        self._tell()

    def _pause_s(self) -> float:
        if self._next is not None or not self._was_ready:
            return STARTING_LOOK_S
        pauses = [LOOK_S, *(at - time.monotonic() for at in self._staff.due.values())]
        return max(0.0, min(pauses))

    def _staff_of(self, generation: Generation) -> Staff:
        return Staff(generation, self._lifeline, self._wake_up.leave)

    # -- processes that end, hang, or do not turn
    def _reap(self) -> None:
        while (ended := _ended()) is not None:
            process, status = ended
            self._retired.pop(process, None)
            staff = self._next if self._next is not None and self._next.knows(process) else self._staff
            self._note_end(staff, process, status)

    def _note_end(self, staff: Staff, process: int, status: int) -> None:
        if self._kill_at is not None or not staff.knows(process):
            staff.forget(process)
        elif not staff.note_end(process, status) and staff is self._staff:
            self._give_up(status)

    def _give_up(self, status: int) -> None:
        code = status if status in set(ExitCode) else ExitCode.INTERNAL
        self._failure = GaveUp("no worker can start: its line process_failed has the reason")
        self._failure.exit_code = code
        log.error("gave_up", exit_code=code)
        self._stop()

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for process in [process for process, at in self._retired.items() if at <= now]:
            self._retired[process] = now + LOOK_S
            send(process, signal.SIGKILL)
        if self._kill_at is None:
            for process, name in self._staff.hung(HUNG_S):
                log.error("process_hung", process=name, seconds=HUNG_S)
                send(process, signal.SIGKILL)
        elif self._kill_at <= now and self._staff.processes:
            log.error("killed_while_stopping", processes=sorted(self._staff.processes.values()))
            self._killed, self._kill_at = True, now + LOOK_S
            self._signal_all(signal.SIGKILL)

    def _forgive_if_frozen(self) -> None:
        """A machine that was frozen, or a supervisor that was busy, says nothing about the workers."""
        now = time.monotonic()
        if now - self._turned_at > STUCK_S:
            self._staff.forgive()
        self._turned_at = now

    # -- signals
    def _obey(self) -> None:
        stops = self._wake_up.take_stops()
        if stops and self._kill_at is None:
            stops -= 1
            self._stop()
        if stops:
            self._signal_all(signal.SIGKILL)
        if self.renew is not None and self._may_renew() and self._wake_up.take_hang_up():
            self._renew(self.renew)

    def _may_renew(self) -> bool:
        """
        One generation at a time: the first one gets its time to be ready, too. Those before may have long requests:
        there are never more of them than memory was counted for.
        """
        is_settled = self._was_ready or self._staff.age_s > READY_S
        has_room = len(self._retired) <= (MOST_RETIRED - 1) * len(self._staff.generation.jobs)
        return is_settled and has_room and self._next is None and self._kill_at is None

    def _stop(self) -> None:
        """Pass the signal on; processes that outlive the time for stopping are killed."""
        self.manager.stopping()
        self._kill_at = time.monotonic() + self.stop_s
        self.release()
        self._signal_all(signal.SIGTERM)

    def _signal_all(self, number: signal.Signals) -> None:
        starting = () if self._next is None else self._next.processes
        for process in (*self._staff.processes, *starting, *self._retired):
            send(process, number)

    # -- another generation
    def _renew(self, renew: Renewal) -> None:
        """Another generation starts, unless there is a mistake in it, or a signal to stop has come meanwhile."""
        try:
            generation = renew.begin()
        except NotRenewed:
            return
        finally:
            self._turned_at = time.monotonic()
        if not self._wake_up.stops:
            self._next = self._staff_of(generation)
            self._next.start_all()

    def _look_at_next(self, starting: Staff) -> None:
        """It takes over when all of its processes are ready, or none of it does."""
        if self._kill_at is not None:
            self._merge(starting)
        elif starting.is_ready and self.renew is not None:
            self._retire(self._staff.processes)  # before the report, whose readers then find the new processes only
            self.renew.done()
            self.stop_s = max(self.stop_s, self.renew.stop_s())
            self._staff, self._next = starting, None
        elif starting.due or starting.age_s > READY_S:
            if self.renew is not None:
                self.renew.failed("its processes were not ready in time, or have ended")
            self._retire(starting.processes)
            self._next = None

    def _merge(self, starting: Staff) -> None:
        """Everything stops: there is only one list of processes to wait for."""
        self._staff.processes.update(starting.processes)
        self._next = None

    def _retire(self, processes: Iterable[int]) -> None:
        """They are not replaced any more, and end with their requests, or are killed when their time is up."""
        for process in reversed(tuple(processes)):  # the management process first: its workers say that they drain
            self._retired[process] = time.monotonic() + self.stop_s
            send(process, RETIRE)

    # -- the service manager
    def _tell(self) -> None:
        if not self._was_ready and self._staff.is_ready and self._kill_at is None:
            self._was_ready = True
            self.manager.ready(f"Serving with {len(self._staff.processes)} processes")
        if not self._staff.generation.pulses.stuck():
            self.manager.alive()

    def _feed(self) -> None:
        """While a configuration is loaded, which takes the supervisor's turn."""
        if time.monotonic() - self._turned_at < RENEWAL_S and not self._staff.generation.pulses.stuck():
            self.manager.alive()


class NotRenewed(Exception):
    """There is a mistake in the new configuration, which has been reported."""


class Renewal(Protocol):
    """What a reload does besides processes."""

    def begin(self) -> Generation:
        """The jobs of the new configuration. Raises NotRenewed."""

    def done(self) -> None:
        """All of them are ready."""

    def stop_s(self) -> float:
        """How long the processes that are ready may take to stop."""

    def failed(self, reason: str) -> None:
        """Not all of them are; the generation before stays."""


def _ended() -> tuple[int, int] | None:
    """A child that has ended, and its exit status: negative for a signal."""
    try:
        process, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (process, os.waitstatus_to_exitcode(status)) if process else None
