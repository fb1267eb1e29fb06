"""
How much a client may make the gateway do without asking for anything: a number for each kind of it.

Source: RFC 9113 §10.5; CVE-2023-44487 (rapid reset), CVE-2019-9511 to 9518, CVE-2024-27316 (CONTINUATION),
CVE-2025-8671 (MadeYouReset).
"""

from __future__ import annotations

from gateway.wire.server.http2.frames import ConnectionFault, ErrorCode

MAX_RESETS = 200
"""Streams that are ended early, by the client's reset or by its fault, more than are ended well …"""
RESETS_PER_S = 20
"""… and that many a second."""
MAX_NOISE = 2000
"""Frames that carry nothing (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown ones) …"""
NOISE_PER_S = 200
"""… and that many a second …"""
NOISE_PER_FRAME = 4
"""… and that many for each request, and for each frame of an answer."""
MAX_CONTINUATIONS = 16
"""Frames of one head."""


class Calm:
    """
    What one connection has left.

    Attributes:
        earned: Frames of answers that were sent, and not only because a tiny window allowed no larger one.
    """

    __slots__ = ("_noise", "_resets", "earned")

    def __init__(self) -> None:
        self._noise = MAX_NOISE
        self._resets = float(MAX_RESETS)
        self.earned = 0

    def noise(self) -> None:
        """A frame that carries nothing. Raises ConnectionFault."""
        self._noise -= 1
        if self._noise < 0:
            self._count_earned()
            if self._noise < 0:
                raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "too many frames that carry nothing")

    def _count_earned(self) -> None:
        earned, self.earned = self.earned, 0
        self._noise = min(MAX_NOISE, self._noise + earned * NOISE_PER_FRAME)

    def ended_well(self) -> None:
        """A stream has been answered completely."""
        if self._resets < MAX_RESETS:
            self._resets += 1

    def ended_early(self) -> None:
        """A stream has not. Raises ConnectionFault."""
        self._resets -= 1
        if self._resets < 0:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "too many streams were reset")

    def pass_time(self, seconds: float) -> None:
        """*seconds* have gone by."""
        self._noise = min(MAX_NOISE, self._noise + int(NOISE_PER_S * seconds))
        self._resets = min(MAX_RESETS, self._resets + RESETS_PER_S * seconds)
