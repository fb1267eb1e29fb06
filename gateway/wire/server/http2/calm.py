"""
How much a client may make the gateway do without asking for anything: a number for each kind of it.

Source: RFC 9113 §10.5; CVE-2023-44487 (rapid reset), CVE-2019-9511 to 9518, CVE-2024-27316 (CONTINUATION),
CVE-2025-8671 (MadeYouReset).
"""

from __future__ import annotations

from gateway.wire.server.http2.frames import ConnectionFault, ErrorCode

MAX_RESETS = 200
"""Streams that end early, whoever resets them, before the client has to slow down …"""
RESETS_PER_S = 20
"""… to that many a second."""
MAX_NOISE = 2000
"""Frames that carry nothing (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown ones) …"""
NOISE_PER_S = 200
"""… that many a second, and some for everything that does carry something."""
NOISE_PER_FRAME = 4
"""For each request, and each frame with data in either direction."""
MAX_CONTINUATIONS = 16
"""Frames of one head."""


class Calm:
    """What one connection has left."""

    __slots__ = ("_noise", "_resets")

    def __init__(self) -> None:
        self._noise = MAX_NOISE
        self._resets = float(MAX_RESETS)

    def useful(self) -> None:
        """A frame that carries something."""
        if self._noise < MAX_NOISE:
            self._noise += NOISE_PER_FRAME

    def noise(self) -> None:
        """A frame that does not. Raises ConnectionFault."""
        self._noise -= 1
        if self._noise < 0:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "too many frames that carry nothing")

    def reset(self) -> None:
        """A stream has ended early. Raises ConnectionFault."""
        self._resets -= 1
        if self._resets < 0:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "too many streams were reset")

    def pass_time(self, seconds: float) -> None:
        """*seconds* have gone by."""
        self._noise = min(MAX_NOISE, self._noise + int(NOISE_PER_S * seconds))
        self._resets = min(MAX_RESETS, self._resets + RESETS_PER_S * seconds)
