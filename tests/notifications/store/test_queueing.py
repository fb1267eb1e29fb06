"""Requests are written before what the service writes for itself, and do not stop it."""

from __future__ import annotations

import threading

from gateway.notifications.store.queueing import WriteQueue


def filled(own: int, requests: int) -> WriteQueue[str]:
    """A queue for groups of eight; what the service writes for itself came first."""
    queue = WriteQueue[str](8)
    for number in range(own):
        queue.put(f"own {number}")
    for number in range(requests):
        queue.put(f"request {number}", request=True)
    return queue


def test_requests_come_first() -> None:
    """A request is in the next group, however much of the service's own waits before it."""
    assert filled(1000, 1).take()[:2] == ["request 0", "own 0"]


def test_own_work_continues() -> None:
    """A quarter of a group is kept for the service's own writes while requests flood it, and none if there are none."""
    queue = filled(1, 100)
    assert queue.take() == [*(f"request {number}" for number in range(7)), "own 0"]
    assert queue.take() == [f"request {number}" for number in range(7, 15)]
    assert sum("own" in item for item in filled(100, 100).take()) == 2


def test_close() -> None:
    """What is there is still taken, in order; then the taker is told to stop, even while it waits."""
    queue, found = filled(10, 0), list[list[str]]()
    queue.close()
    assert [len(queue.take()) for _ in range(3)] == [8, 2, 0]
    idle = WriteQueue[str](8)
    taker = threading.Thread(target=lambda: found.append(idle.take()))
    taker.start()
    idle.close()
    taker.join(10)
    assert found == [[]]
