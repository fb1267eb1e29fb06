"""
``--workers N``: processes that share one listening socket, and a supervisor that restarts them.

The gateway is built before the processes are forked, so that a mistake stops the start and its memory is shared. The
management plane runs in a process of its own: it asks every worker over a socket in a private directory.

A reload forks another generation of processes, from a gateway that is built beside the one that serves. When all of
them are ready the generation before is retired: it takes no more connections, and ends when its requests have.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from gateway.serving.signals import RETIRE, Lifeline, ignore
from gateway.telemetry import logs

log = structlog.get_logger("gateway.workers")

# A worker that keeps dying right after its start must not overload the machine.
MIN_LIFE_S = 1.0
GRACE_S = 1.0
LOOK_S = 0.2
READY_S = 30.0  # for a generation to be ready


class Ready:
    """A pipe over which the processes of a generation report that they serve."""

    def __init__(self) -> None:
        self._reading_end, self._writing_end = os.pipe()

    def report(self) -> None:
        """This process serves."""
        os.write(self._writing_end, b".")

    def wait_for(self, count: int, seconds: float, live: Callable[[], bool]) -> bool:
        """
        Whether *count* processes report within *seconds*, and all of them are *live*.

        The supervisor's, and its last use.
        """
        os.close(self._writing_end)
        deadline = time.monotonic() + seconds
        while count > 0 and live() and (left := deadline - time.monotonic()) > 0:
            readable, _, _ = select.select([self._reading_end], [], [], min(left, LOOK_S))
            reported = os.read(self._reading_end, count) if readable else b""
            if readable and not reported:  # all of them have died
                break
            count -= len(reported)
        os.close(self._reading_end)
        return count == 0


Job = Callable[[Lifeline, Callable[[], None]], None]
"""What a process does; it calls the function once it serves."""


@dataclass(slots=True)
class Supervisor:
    """
    Keeps one process per entry of *jobs* running until a signal stops it.

    Attributes:
        jobs: Name → what a process of that name does; it returns after SIGTERM and RETIRE, and when the lifeline ends.
        stop_s: After how long processes that should have stopped are killed.
        release: Closes what the supervisor holds for processes that it would start again: called when it stops, so
            that no socket stays listening without anything that accepts.
        renew: What SIGHUP asks for; None: nothing.
    """

    jobs: Mapping[str, Job]
    stop_s: float
    release: Callable[[], None]
    renew: Renewal | None = None
    _lifeline: Lifeline = field(default_factory=Lifeline)
    _ready: Ready | None = None  # while a generation starts
    _processes: dict[int, tuple[str, float]] = field(default_factory=dict)
    _retired: dict[int, float] = field(default_factory=dict)
    _stopping: bool = False

    def run(self) -> None:
        """Start everything, replace what dies, and return when everything has stopped."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop())
        signal.signal(signal.SIGHUP, ignore if self.renew is None else lambda *_: self._renew())
        for name in self.jobs:
            self._start(name)
        while self._processes or self._retired:
            self._wait_for_one()
        signal.setitimer(signal.ITIMER_REAL, 0)  # while Python ends, its signal would end this process

    def _start(self, name: str) -> None:
        sys.stdout.flush()
        process = os.fork()
        if process == 0:
            self._become(name)
        self._processes[process] = (name, time.monotonic())

    def _become(self, name: str) -> None:
        """In the new process: do the job, then end without running the parent's cleanup."""
        status = 1
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, ignore)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])
            self._lifeline.follow()
            self.jobs[name](self._lifeline, ignore if self._ready is None else self._ready.report)
            status = 0
        except BaseException as error:
            log.error("process_failed", process=name, error=repr(error))
        finally:
            logs.flush()
            sys.stdout.flush()
            os._exit(status)

    def _wait_for_one(self) -> None:
        try:
            process, status = os.wait()
        except (InterruptedError, ChildProcessError):
            return
        self._retired.pop(process, None)
        name, started = self._processes.pop(process, ("", 0.0))
        if not name or self._stopping:
            return
        log.warning("process_died", process=name, status=os.waitstatus_to_exitcode(status))
        time.sleep(max(0.0, MIN_LIFE_S - (time.monotonic() - started)))
        if not self._stopping:
            self._start(name)

    # -- another generation
    def _renew(self) -> None:
        """Another generation takes over, or none of it does. A SIGHUP that comes meanwhile is answered afterwards."""
        renew = self.renew
        if renew is None or self._stopping:
            return
        with _without(signal.SIGHUP):
            try:
                jobs = renew.jobs()
            except NotRenewed:
                return
            if not self._stopping:  # meanwhile
                self._replace(jobs, renew)
        if self._stopping:  # a signal to stop, meanwhile, has not reached those that were kept
            self._signal(signal.SIGTERM)

    def _replace(self, jobs: Mapping[str, Job], renew: Renewal) -> None:
        kept, former = self.jobs, self._processes
        self.jobs, self._processes, self._ready = jobs, {}, Ready()
        for name in jobs:
            self._start(name)
        complete = self._ready.wait_for(len(jobs), READY_S, self._all_live)
        self._ready = None
        if complete:
            renew.done()
            self.stop_s = max(self.stop_s, renew.stop_s())
            self._retire(former)
        else:
            renew.failed("its processes were not ready in time, or have ended")
            self._retire(self._processes)
            self.jobs, self._processes = kept, former

    def _all_live(self) -> bool:
        return not any(map(_has_ended, self._processes))

    def _retire(self, processes: Iterable[int]) -> None:
        """They are not replaced any more, and end with their requests, or when their time is up."""
        for process in reversed(tuple(processes)):  # the management process first: its workers say that they drain
            self._retired[process] = time.monotonic()
            _send(process, RETIRE)
        if not self._stopping:
            signal.signal(signal.SIGALRM, lambda *_: self._end_overdue())
            signal.setitimer(signal.ITIMER_REAL, self.stop_s + GRACE_S, GRACE_S)

    def _end_overdue(self) -> None:
        """Kill retired processes that should have ended by now: one that hangs does not look at its own timer."""
        latest = time.monotonic() - self.stop_s
        for process in [process for process, since in self._retired.items() if since <= latest]:
            _send(process, signal.SIGKILL)
        if not self._retired:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _stop(self) -> None:
        """Pass the signal on; processes that outlive the time for stopping are killed."""
        first, self._stopping = not self._stopping, True
        self.release()
        self._signal(signal.SIGTERM if first else signal.SIGKILL)
        if first:
            signal.signal(signal.SIGALRM, lambda *_: self._signal(signal.SIGKILL))
            signal.setitimer(signal.ITIMER_REAL, self.stop_s)

    def _signal(self, number: signal.Signals) -> None:
        for process in (*self._processes, *self._retired):
            _send(process, number)


class NotRenewed(Exception):
    """There is a mistake in the new configuration, which has been reported."""


class Renewal(Protocol):
    """What a reload does besides processes."""

    def jobs(self) -> Mapping[str, Job]:
        """The jobs of the new configuration. Raises NotRenewed."""

    def done(self) -> None:
        """All of them are ready."""

    def stop_s(self) -> float:
        """How long the processes that are ready may take to stop."""

    def failed(self, reason: str) -> None:
        """Not all of them are; the generation before stays."""


def _has_ended(process: int) -> bool:
    """Whether the child *process* has ended; it is left to be waited for."""
    try:
        return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _send(process: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)


@contextmanager
def _without(number: signal.Signals) -> Iterator[None]:
    """Hold *number* back."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])


def unix_socket(path: str) -> socket.socket:
    """A bound Unix-domain socket that only this user can reach."""
    bound = socket.socket(socket.AF_UNIX)
    with suppress(FileNotFoundError):
        os.unlink(path)
    bound.bind(path)
    os.chmod(path, 0o600)
    return bound
