"""The processes of one generation: started, counted, and started again after a pause that grows."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import structlog

from gateway.serving.exit_codes import ExitCode, code_of
from gateway.serving.pulses import Pulse, Pulses
from gateway.serving.signals import RETIRE, Lifeline, ignore
from gateway.telemetry import logs

log = structlog.get_logger("gateway.workers")

# A worker that keeps dying right after its start must not overload the machine.
MIN_LIFE_S = 1.0
LONGEST_PAUSE_S = 30.0
MOST_STARTS = 5  # in a row that came to nothing; then, if no worker serves, another one is no help
_HELD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, RETIRE)
MANAGEMENT = "management"  # the process without which requests are served all the same

Job: TypeAlias = Callable[[Lifeline, Pulse], None]
"""What a process does; it beats while its loop turns, and reports once it serves."""


@dataclass(frozen=True, slots=True)
class Generation:
    """
    What is to run.

    Attributes:
        jobs: Name → what a process of that name does; it returns after SIGTERM and RETIRE, and when the lifeline ends.
        pulses: Theirs.
    """

    jobs: Mapping[str, Job]
    pulses: Pulses

    @classmethod
    def of(cls, jobs: Mapping[str, Job]) -> Generation:
        """With pulses of its own."""
        return cls(jobs, Pulses(jobs))


@dataclass(slots=True)
class Staff:
    """
    The processes of *generation*.

    Attributes:
        leave: Called in each new process: it leaves the supervisor's signals to the supervisor.
        processes: Those that run, with their names, in the order of their start.
        due: When those that have ended are started again, by name.
    """

    generation: Generation
    lifeline: Lifeline
    leave: Callable[[], None]
    processes: dict[int, str] = field(default_factory=dict)
    due: dict[str, float] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)
    _started: dict[str, float] = field(default_factory=dict)
    _in_vain: Counter[str] = field(default_factory=Counter)

    @property
    def age_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    @property
    def is_ready(self) -> bool:
        """Whether every process serves."""
        return (
            not self.due
            and len(self.processes) == len(self.generation.jobs)
            and all(pulse.is_ready for pulse in self.generation.pulses)
        )

    def start_all(self) -> None:
        """Start every process."""
        for name in self.generation.jobs:
            self._start(name)

    def start_due(self) -> None:
        """Start again what has paused for long enough."""
        now = time.monotonic()
        for name in [name for name, at in self.due.items() if at <= now]:
            del self.due[name]
            self._start(name)

    def knows(self, process: int) -> bool:
        """Whether *process* is one of them."""
        return process in self.processes

    def forgive(self) -> None:
        """Count from now on how long a loop does not turn."""
        for name in self.processes.values():
            self.generation.pulses[name].beat()

    def hung(self, seconds: float) -> Iterator[tuple[int, str]]:
        """Processes, with their names, that have not turned for *seconds*."""
        for process, name in self.processes.items():
            if self.generation.pulses[name].age_s > seconds:
                yield process, name

    def forget(self, process: int) -> None:
        """*process* has ended, as it was asked to; it may be another generation's."""
        name = self.processes.pop(process, None)
        if name is not None:
            self.generation.pulses[name].rest()

    def note_end(self, process: int, status: int) -> bool:
        """*process* has ended, and is started again in a moment; whether there is hope in that."""
        name = self.processes.pop(process)
        log.warning("process_died", process=name, status=status)
        served = self.generation.pulses[name].is_ready
        self._in_vain[name] = 0 if served else self._in_vain[name] + 1
        pause = 0.0 if served else min(2.0 ** (self._in_vain[name] - 1), LONGEST_PAUSE_S)
        self.due[name] = max(self._started[name] + MIN_LIFE_S, time.monotonic() + pause)
        self.generation.pulses[name].rest()
        is_hopeless = status == ExitCode.CONFIGURATION or self._in_vain[name] >= MOST_STARTS
        return served or name == MANAGEMENT or not is_hopeless or self._some_worker_serves()

    def _some_worker_serves(self) -> bool:
        working = set(self.processes.values()) - {MANAGEMENT}
        return any(self.generation.pulses[name].is_ready for name in working)

    def _start(self, name: str) -> None:
        sys.stdout.flush()
        self._started[name] = time.monotonic()
        self.generation.pulses[name].begin()
        process = self._forked(name)
        if process:
            self.processes[process] = name
        else:
            self.due[name] = time.monotonic() + MIN_LIFE_S

    def _forked(self, name: str) -> int:
        """A process that does the job *name*; 0: the system gives no process now."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)  # one that comes before the process has its own would be lost
        try:
            process = os.fork()
            if process == 0:
                self._become(name)
        except OSError as error:
            log.error("cannot_start", process=name, error=error.strerror)
            self.generation.pulses[name].rest()
            return 0
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
        return process

    def _become(self, name: str) -> None:
        """In the new process: do the job, then end without running the parent's cleanup."""
        status: int = ExitCode.INTERNAL
        try:
            self.leave()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, ignore)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
            self.lifeline.follow()
            gc.freeze()  # a collection that looked through what is shared with the supervisor would copy all of it
            self.generation.jobs[name](self.lifeline, self.generation.pulses[name])
            status = ExitCode.STOPPED
        except BaseException as error:
            status = code_of(error)
            log.error("process_failed", process=name, error=repr(error))
        finally:
            logs.flush()
            sys.stdout.flush()
            os._exit(status)


def send(process: int, number: signal.Signals) -> None:
    """Send the signal *number*, if the process is still there."""
    with suppress(ProcessLookupError):
        os.kill(process, number)
