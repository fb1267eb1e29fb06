"""
``--workers N``: processes that share one listening socket, and a supervisor that restarts them.

The gateway is built before the processes are forked, so that a mistake stops the start and its memory is shared. The
management plane runs in a process of its own: it asks every worker over a socket in a private directory.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from gateway.serving.signals import Lifeline, hang_up
from gateway.telemetry import logs

log = structlog.get_logger("gateway.workers")

Job = Callable[[Lifeline], None]

# A worker that keeps dying right after its start must not overload the machine.
MIN_LIFE_S = 1.0
KILL_AFTER_S = 5.0


@dataclass(slots=True)
class Supervisor:
    """
    Keeps one process per entry of *jobs* running until a signal stops it.

    Attributes:
        jobs: Name → what a process of that name does; it returns after SIGTERM, and when the lifeline ends.
        stop_s: How long processes may take to stop before they are killed.
        release: Closes what the supervisor holds for processes that it would start again: called when it stops, so
            that no socket stays listening without anything that accepts.
    """

    jobs: Mapping[str, Job]
    stop_s: float
    release: Callable[[], None]
    _lifeline: Lifeline = field(default_factory=Lifeline)
    _processes: dict[int, tuple[str, float]] = field(default_factory=dict)
    _stopping: bool = False

    def run(self) -> None:
        """Start everything, replace what dies, and return when everything has stopped."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop())
        signal.signal(signal.SIGHUP, hang_up)
        for name in self.jobs:
            self._start(name)
        while self._processes:
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
            self._lifeline.follow()
            self.jobs[name](self._lifeline)
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
        name, started = self._processes.pop(process, ("", 0.0))
        if not name or self._stopping:
            return
        log.warning("process_died", process=name, status=os.waitstatus_to_exitcode(status))
        time.sleep(max(0.0, MIN_LIFE_S - (time.monotonic() - started)))
        if not self._stopping:
            self._start(name)

    def _stop(self) -> None:
        """Pass the signal on; processes that outlive the time for stopping are killed."""
        first, self._stopping = not self._stopping, True
        self.release()
        self._signal(signal.SIGTERM if first else signal.SIGKILL)
        if first:
            signal.signal(signal.SIGALRM, lambda *_: self._signal(signal.SIGKILL))
            signal.setitimer(signal.ITIMER_REAL, self.stop_s + KILL_AFTER_S)

    def _signal(self, number: signal.Signals) -> None:
        for process in tuple(self._processes):
            with suppress(ProcessLookupError):
                os.kill(process, number)


def unix_socket(path: str) -> socket.socket:
    """A bound Unix-domain socket that only this user can reach."""
    bound = socket.socket(socket.AF_UNIX)
    with suppress(FileNotFoundError):
        os.unlink(path)
    bound.bind(path)
    os.chmod(path, 0o600)
    return bound
