"""
What waits for the store's writer: requests come first, within limits.

The service's own writes come in waves, such as thousands of changes of status at the same time. A request that waited
behind them would be answered too late, or with 503. So it is written with the next group; a quarter of each group is
kept for the service's own writes, so that a flood of requests does not stop the work on the jobs accepted before.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class WriteQueue(Generic[T]):
    """
    Items for one thread that takes them in groups.

    Args:
        most: Items in a group.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._requests: deque[T] = deque()
        self._own: deque[T] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T, request: bool = False) -> None:
        """Add an item; *request*: a caller waits for it."""
        with self._changed:
            (self._requests if request else self._own).append(item)
            self._changed.notify()

    def close(self) -> None:
        """Let the taker have what is there, and nothing afterwards."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take(self) -> list[T]:
        """The next group, as soon as there is one; empty when the queue is closed and everything was taken."""
        with self._changed:
            while not (self._requests or self._own or self._closed):
                self._changed.wait()
            kept = min(len(self._own), self._most // 4)
            group = _first(self._requests, self._most - kept)
            return group + _first(self._own, self._most - len(group))


def _first(items: deque[T], most: int) -> list[T]:
    return [items.popleft() for _ in range(min(len(items), most))]
