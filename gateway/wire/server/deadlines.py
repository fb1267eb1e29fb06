"""
When a client has been waited for long enough.

Every state of a connection has a deadline; the sweeper looks at them four times a second, so they are up to half a
second late and never early.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.wire.server.exchange import ReceivedBody
    from gateway.wire.settings import ServerSettings
    from gateway.wire.sweeper import Sweeper

NEVER = float("inf")
_STALL_S = 5.0  # without a byte read: the client is stalled
_STOP_S = 5.0  # the same while the server is stopping
_LOOK_S = 1.0  # between two checks of a socket that is not being read


class Deadlines:
    """
    The deadlines of one connection.

    Attributes:
        reading: For the client's next bytes; a time of the event loop's clock.
        writing: For the client to read some of the data that waits to be sent; also while the connection closes.
        tunnel: For the next bytes of either side of a tunnel.
        expiry: When the token of the stream on this connection has expired, grace included; seconds since the epoch.
    """

    __slots__ = (
        "_body",
        "_body_rate",
        "_idle_s",
        "_look",
        "_moved_bytes",
        "_patience_s",
        "_progress",
        "_received",
        "_settings",
        "_sweeper",
        "_unsent_bytes",
        "_waited_since",
        "_write_s",
        "expiry",
        "reading",
        "tunnel",
        "writing",
    )

    def __init__(self, sweeper: Sweeper, settings: ServerSettings) -> None:
        self._sweeper = sweeper
        self._settings = settings
        self._idle_s = sweeper.interval_s + settings.timeouts.idle_s  # prepared: used once in every request
        self._write_s = settings.timeouts.write_s
        self._body_rate = settings.limits.body_rate
        self._body: ReceivedBody | None = None
        self._patience_s = 0.0
        self._received = 0
        self._waited_since = NEVER  # for a piece of the body; never: its reader is not ready for more
        self._progress = 0.0  # when the client last read something
        self._unsent_bytes = 0
        self._moved_bytes = -1
        self._look = 0.0
        self.tunnel = NEVER
        self.reading = sweeper.deadline(settings.timeouts.head_s)
        self.writing = NEVER
        self.expiry = NEVER

    def expect_head(self) -> None:
        """Part of a head has arrived: the rest is due."""
        self.reading = self._sweeper.deadline(self._settings.timeouts.head_s)

    def expect_body(self, body: ReceivedBody) -> None:
        """
        The next piece of *body* is due.

        Waiting for it takes from the time between two pieces, and each of its bytes adds to that: so a client may
        pause, but not send a byte now and then for ever.
        """
        whole_s = self._settings.timeouts.body_s
        if body is not self._body:
            self._body, self._received, self._waited_since = body, body.received, NEVER
            self._patience_s = whole_s
        if self._body_rate:
            self._look_at(body, whole_s)
        self.reading = self._sweeper.deadline(self._patience_s)

    def _look_at(self, body: ReceivedBody, whole_s: float) -> None:
        self._stop_waiting()
        self._waited_since = self._sweeper.now
        gained_s = (body.received - self._received) / self._body_rate
        self._received = body.received
        self._patience_s = min(whole_s, self._patience_s + gained_s)

    def _stop_waiting(self) -> None:
        if self._waited_since != NEVER:
            self._patience_s = max(0.0, self._patience_s - (self._sweeper.now - self._waited_since))
            self._waited_since = NEVER

    def stop_reading(self) -> None:
        """Nothing is due from the client: it is not read."""
        self.reading = NEVER
        self._stop_waiting()

    def expect_request(self) -> None:
        """The connection is idle."""
        self.reading = self._sweeper.now + self._idle_s

    def expect_close(self) -> None:
        """The client has received its last answer and should close."""
        self.reading = self._sweeper.deadline(self._settings.timeouts.linger_s)

    def hurry(self, timeout_s: float) -> None:
        """The server is stopping: an idle connection is kept for *timeout_s* at most."""
        self.reading = min(self.reading, self._sweeper.deadline(timeout_s))

    def stop(self) -> None:
        """The server is stopping: a client that reads nothing does not delay it."""
        self._write_s = min(self._write_s, _STOP_S)
        self.writing = min(self.writing, self._sweeper.deadline(self._write_s))

    def expect_progress(self, unsent_bytes: int) -> None:
        """*unsent_bytes* are waiting for the client to read some of them; 0: nothing is waiting."""
        self._unsent_bytes = unsent_bytes
        self._progress = self._sweeper.now
        self.writing = self._sweeper.deadline(min(self._write_s, _STALL_S)) if unsent_bytes else NEVER

    def has_progressed(self, unsent_bytes: int) -> bool:
        """Whether the client has read something since the last check; then its time begins again."""
        if unsent_bytes and unsent_bytes >= self._unsent_bytes:
            return False
        self.expect_progress(unsent_bytes)
        return True

    def may_stall(self) -> bool:
        """Whether a client that reads nothing has time left; if so, the next deadline is its end."""
        self.writing = self._progress + self._sweeper.interval_s + self._write_s
        return self._sweeper.now < self.writing

    def has_moved(self, moved_bytes: int) -> None:
        """*moved_bytes* have passed through the tunnel, both directions together."""
        if moved_bytes != self._moved_bytes:
            self._moved_bytes = moved_bytes
            self.tunnel = self._sweeper.deadline(self._settings.timeouts.tunnel_idle_s)

    def is_time_to_look(self) -> bool:
        """Whether it is time to check again if the client of a socket that is not being read has left."""
        if self._sweeper.now < self._look:
            return False
        self._look = self._sweeper.now + _LOOK_S
        return True

    def expire_at(self, expires_at: float | None) -> None:
        """The stream that is just beginning ends soon after its token has expired."""
        if expires_at is not None:
            self.expiry = expires_at + self._settings.timeouts.expiry_grace_s

    def is_expired(self) -> bool:
        """Whether the token of the stream has expired."""
        return self.expiry != NEVER and time.time() >= self.expiry

    def is_overdue(self) -> bool:
        """Whether a stream whose token has expired has had enough time to end."""
        return time.time() >= self.expiry + self._settings.timeouts.linger_s
