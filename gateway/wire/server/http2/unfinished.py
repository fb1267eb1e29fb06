"""
Requests that run although their clients have not sent them completely: how many of them hold a backend.

Over HTTP/1.1 a connection has one such request at most. Over HTTP/2 each connection may have one as well; every other
one needs a place of those that all connections share, and waits until there is one. A request that has come completely
never waits, so a small body is no reason to, and a client that has many requests waits for its own first. A trusted
proxy carries the requests of many clients on one connection: its places are as many as its streams.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

SHARED_PLACES = 128
"""Of one listener, beside the one of each connection."""


class Beginner(Protocol):
    """The connection, as its unfinished requests see it."""

    def begin_waiting(self, stream_id: int) -> None:
        """Give a request that has waited to the application."""


class SharedPlaces:
    """Those of one listener."""

    __slots__ = ("_waiting", "free")

    def __init__(self, free: int = SHARED_PLACES) -> None:
        self.free = free
        self._waiting: deque[UnfinishedRequests] = deque()  # connections, in order

    def take(self) -> bool:
        """Whether there was a place."""
        if not self.free:
            return False
        self.free -= 1
        return True

    def give(self) -> None:
        """Return a place, which goes to the connection that has waited longest."""
        self.free += 1
        while self.free and self._waiting:
            connection = self._waiting.popleft()
            if connection.begin_next() and connection.is_waiting:
                self._waiting.append(connection)

    def queue(self, connection: UnfinishedRequests) -> None:
        """*connection* waits for a place."""
        self._waiting.append(connection)

    def leave(self, connection: UnfinishedRequests) -> None:
        """*connection* is gone."""
        if connection in self._waiting:
            self._waiting.remove(connection)


class UnfinishedRequests:
    """Those of one connection."""

    __slots__ = ("_beginner", "_borrowed", "_own", "_running", "_shared", "_waiting")

    def __init__(self, beginner: Beginner, shared: SharedPlaces, own: int = 1) -> None:
        """*own*: places that the connection has for itself."""
        self._beginner: Beginner | None = beginner
        self._own = own
        self._shared = shared
        self._running: set[int] = set()
        self._borrowed = 0  # of the shared places
        self._waiting: dict[int, None] = {}  # streams, in order

    @property
    def is_waiting(self) -> bool:
        """Whether a request waits for a place."""
        return bool(self._waiting)

    def admit(self, stream_id: int) -> bool:
        """Whether the request may begin now; otherwise it is begun later."""
        if not self._waiting and self._take(stream_id):
            return True
        if not self._waiting:
            self._shared.queue(self)
        self._waiting[stream_id] = None
        return False

    def _take(self, stream_id: int) -> bool:
        """Whether there is a place."""
        if len(self._running) - self._borrowed >= self._own:
            if not self._shared.take():
                return False
            self._borrowed += 1
        self._running.add(stream_id)
        return True

    def begin_next(self) -> bool:
        """Begin the request that has waited longest. Whether there was one, and a place."""
        if not self._waiting or self._beginner is None:
            return False
        stream_id = next(iter(self._waiting))
        if not self._take(stream_id):
            return False
        self._waiting.pop(stream_id)
        self._beginner.begin_waiting(stream_id)
        return True

    def leave(self, stream_id: int) -> bool:
        """The request has come completely, or is over. Whether it was waiting."""
        if stream_id in self._waiting:
            self._waiting.pop(stream_id)
            return True
        if stream_id in self._running:
            self._running.discard(stream_id)
            self._return_place()
        return False

    def _return_place(self) -> None:
        """The next of this connection takes the place, or all share it again."""
        if self._borrowed:
            self._borrowed -= 1
            self._shared.give()
        else:
            self.begin_next()

    def close(self) -> None:
        """The connection is gone."""
        self._beginner = None  # break the reference cycle
        self._waiting.clear()
        self._shared.leave(self)
        self._running.clear()
        while self._borrowed:
            self._borrowed -= 1
            self._shared.give()
