"""The queue: bounded, never in anybody's way, and quiet about failures."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from structlog.testing import capture_logs

from gateway.telemetry.otel.batches import ExportQueue, Interval, SignalCounts
from gateway.telemetry.otel.environment import QueuePlan

SLOW = QueuePlan(size=4, batch=2, delay_s=60.0)


def test_everything_is_exported_at_the_end() -> None:
    """A full batch is exported immediately, the rest when the process stops."""
    batches: list[list[int]] = []
    full, counts = threading.Event(), SignalCounts("traces")

    def export(batch: Sequence[int]) -> bool:
        batches.append(list(batch))
        full.set()
        return True

    queue: ExportQueue[int] = ExportQueue(SLOW, counts)
    queue.start(export)
    queue.put(1)
    queue.put(2)
    assert full.wait(20)
    queue.put(3)
    queue.stop(20)
    assert batches == [[1, 2], [3]]
    assert (counts.exported, counts.dropped, counts.lost) == (3, 0, 0)


def test_a_full_queue_drops() -> None:
    """While nothing is exported what does not fit is dropped and counted, and so is what is left at the end."""
    counts = SignalCounts("traces")
    queue: ExportQueue[int] = ExportQueue(SLOW, counts)
    for number in range(6):
        queue.put(number)
    assert (len(queue), counts.dropped) == (4, 2)
    queue.stop(0)
    assert (len(queue), counts.dropped) == (0, 6)


def test_a_receiver_that_hangs_delays_no_end() -> None:
    """Stopping waits for its own time only, and putting for none."""
    hanging, release, counts = threading.Event(), threading.Event(), SignalCounts("traces")

    def export(batch: Sequence[int]) -> bool:
        hanging.set()
        return release.wait(60)

    queue: ExportQueue[int] = ExportQueue(SLOW, counts)
    queue.start(export)
    for number in range(8):
        queue.put(number)
    assert hanging.wait(20)
    queue.stop(0.01)
    assert counts.dropped
    release.set()


def test_failures_are_counted_and_told_rarely() -> None:
    """An exporter that raises, or whose receiver refuses, ends nothing; the log has one line a minute."""
    counts = SignalCounts("logs")

    def raises() -> bool:
        raise OSError("secret")

    with capture_logs() as lines:
        for _ in range(3):
            counts.export(raises, 2)
            counts.export(lambda: False, 1)
    assert counts.lost == 9
    assert lines == [
        {"event": "telemetry_export_failed", "log_level": "warning", "signal": "logs", "lost": 2, "reason": "OSError"}
    ]


def test_an_interval_ends_with_an_export() -> None:
    """Metrics are exported again and again, and as they are at the end."""
    called = threading.Event()
    counts = SignalCounts("metrics")

    def export() -> bool:
        called.set()
        return True

    interval = Interval(0.001, counts)
    interval.start(export)
    assert called.wait(20)
    before, began = counts.exported, time.monotonic()
    interval.stop(20)
    assert counts.exported > before or time.monotonic() - began < 20
    last = Interval(3600, counts)
    last.start(export)
    before = counts.exported
    last.stop(20)
    assert counts.exported == before + 1


def test_all_end_at_the_same_time() -> None:
    """A part that was told to finish exports before anyone waits for it."""
    exported = threading.Event()

    def export(*_: object) -> bool:
        exported.set()
        return True

    queue: ExportQueue[int] = ExportQueue(SLOW, SignalCounts("traces"))
    for part in (queue, Interval(3600, SignalCounts("metrics"))):
        exported.clear()
        queue.put(1)
        part.start(export)
        part.finish()
        assert exported.wait(20)
        part.stop(20)
