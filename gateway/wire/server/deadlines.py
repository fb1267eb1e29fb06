"""
When a client has been waited for long enough.

Every state of a connection has a deadline; the sweeper looks at them four times a second, so they are up to half a
second late and never early.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.wire.settings import ServerSettings
    from gateway.wire.sweeper import Sweeper

NEVER = float("inf")


class Deadlines:
    """
    The deadlines of one connection.

    Attributes:
        reading: For the client's next bytes; a moment of the event loop's clock.
        writing: For the client to take some of what waits to be sent; also while the connection closes.
        expiry: When the token of the stream on this connection has expired, grace included; seconds since the epoch.
    """

    __slots__ = ("_idle_s", "_settings", "_sweeper", "_unsent_bytes", "expiry", "reading", "writing")

    def __init__(self, sweeper: Sweeper, settings: ServerSettings) -> None:
        self._sweeper = sweeper
        self._settings = settings
        self._idle_s = sweeper.interval_s + settings.timeouts.idle_s  # prepared: once in every request
        self._unsent_bytes = 0
        self.reading = sweeper.deadline(settings.timeouts.head_s)
        self.writing = NEVER
        self.expiry = NEVER

    def expect_head(self) -> None:
        """Part of a head has come: the rest is due."""
        self.reading = self._sweeper.deadline(self._settings.timeouts.head_s)

    def expect_body(self) -> None:
        """The next piece of the request's body is due."""
        self.reading = self._sweeper.deadline(self._settings.timeouts.body_s)

    def expect_request(self) -> None:
        """The connection is idle."""
        self.reading = self._sweeper.now + self._idle_s

    def expect_close(self) -> None:
        """The client has had its last answer, and should close."""
        self.reading = self._sweeper.deadline(self._settings.timeouts.linger_s)

    def hurry(self, timeout_s: float) -> None:
        """The server stops: an idle connection is kept for *timeout_s* at most."""
        self.reading = min(self.reading, self._sweeper.deadline(timeout_s))

    def expect_progress(self, unsent_bytes: int) -> None:
        """*unsent_bytes* wait for the client to take some of them."""
        self._unsent_bytes = unsent_bytes
        self.writing = self._sweeper.deadline(self._settings.timeouts.write_s)

    def has_progressed(self, unsent_bytes: int) -> bool:
        """Whether the client has taken some since the last look; then it has as long again for the next."""
        if unsent_bytes >= self._unsent_bytes:
            return False
        self.expect_progress(unsent_bytes)
        return True

    def expire_at(self, expires_at: float | None) -> None:
        """The stream that begins now ends soon after its token has expired."""
        if expires_at is not None:
            self.expiry = expires_at + self._settings.timeouts.expiry_grace_s

    def is_expired(self) -> bool:
        """Whether the token of the stream has expired."""
        return self.expiry != NEVER and time.time() >= self.expiry

    def is_overdue(self) -> bool:
        """Whether a stream whose token has expired has had long enough to end."""
        return time.time() >= self.expiry + self._settings.timeouts.linger_s
