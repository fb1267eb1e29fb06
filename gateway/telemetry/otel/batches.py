"""
A bounded queue, and the thread that exports what is in it.

The loop only appends. What does not fit is dropped and counted; an export that fails is counted and not repeated here,
for the exporter has repeated it already. Nobody waits for the thread but ``stop``, and that only for a while.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Final, Generic, TypeVar

import structlog

from gateway.telemetry.otel.environment import QueuePlan

log = structlog.get_logger("gateway.telemetry")

T = TypeVar("T")

QUIET_S: Final = 60.0  # between two lines about failures of one signal


_why: ContextVar[str] = ContextVar("why", default="")  # of the thread that exports


def explain(reason: str) -> None:
    """Why the export that this thread makes is about to fail: nothing that is secret."""
    _why.set(reason)


class SignalCounts:
    """
    What became of one signal's items in this process; those that export after a reload go on counting.

    Attributes:
        exported: Items that the receiver has taken.
        dropped: Items that found the queue full, or were still in it at the end.
        lost: Items in exports that failed.
    """

    def __init__(self, signal: str) -> None:
        self._signal = signal
        self.exported = self.dropped = self.lost = 0
        self._told = 0
        self._quiet_until = 0.0

    def fail(self, items: int, reason: str) -> None:
        """An export of *items* has failed: a line in the log, now and then."""
        self.lost += items
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_S
            log.warning("telemetry_export_failed", signal=self._signal, lost=self.lost - self._told, reason=reason)
            self._told = self.lost

    def export(self, work: Callable[[], bool], items: int) -> None:
        """Let *work* export *items*, and count them; whatever it raises is a failure."""
        explain("not taken")
        try:
            taken, reason = work(), _why.get()
        except Exception as error:  # one export must not end the thread
            taken, reason = False, type(error).__name__
        if taken:
            self.exported += items
        else:
            self.fail(items, reason)


class ExportQueue(Generic[T]):
    """The queue of one signal."""

    def __init__(self, plan: QueuePlan, counts: SignalCounts) -> None:
        self._plan = plan
        self._counts = counts
        self._items: deque[T] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self, export: Callable[[Sequence[T]], bool]) -> None:
        """
        Begin to export. Not before a fork: threads do not survive it.

        Args:
            export: Hands one batch over; false, or an exception: it was not taken.
        """
        self._thread = threading.Thread(target=self._run, args=[export], name="telemetry", daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Add *item*; from any thread, and never waits."""
        if len(self._items) >= self._plan.size:
            self._counts.dropped += 1
            return
        self._items.append(item)
        if len(self._items) == self._plan.batch:
            self._wake.set()

    def __len__(self) -> int:
        return len(self._items)

    def hasten(self) -> None:
        """Export what is there now, not when it has waited."""
        self._wake.set()

    def finish(self) -> None:
        """Export what is there, and end."""
        self._stopping = True
        self._wake.set()

    def stop(self, timeout_s: float) -> None:
        """Export what is there, for *timeout_s* at most; the rest is lost."""
        self.finish()
        if self._thread is not None:
            self._thread.join(timeout_s)
        self._counts.dropped += len(self._items)
        self._items.clear()

    def _run(self, export: Callable[[Sequence[T]], bool]) -> None:
        while not self._stopping:
            self._wake.wait(self._plan.delay_s)
            self._wake.clear()
            self._empty(export)
        self._empty(export)

    def _empty(self, export: Callable[[Sequence[T]], bool]) -> None:
        while batch := self._batch():
            self._counts.export(partial(export, batch), len(batch))

    def _batch(self) -> list[T]:
        batch: list[T] = []
        with suppress(IndexError):  # that was the last one
            while len(batch) < self._plan.batch:
                batch.append(self._items.popleft())
        return batch


class Interval:
    """Exports again and again in a thread of its own, and once more at the end."""

    def __init__(self, seconds: float, counts: SignalCounts) -> None:
        self._seconds = seconds
        self._counts = counts
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, export: Callable[[], bool]) -> None:
        """Begin; *export* as an ExportQueue's."""
        self._thread = threading.Thread(target=self._run, args=[export], name="telemetry", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Export once more, and end."""
        self._stop.set()

    def stop(self, timeout_s: float) -> None:
        """Export once more, and wait for that for *timeout_s* at most."""
        self.finish()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self, export: Callable[[], bool]) -> None:
        while not self._stop.wait(self._seconds):
            self._counts.export(export, 1)
        self._counts.export(export, 1)
