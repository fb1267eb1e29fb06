"""
How much a client may make the gateway do without asking for anything: a number for each kind of it.

Source: RFC 9113 §10.5; CVE-2023-44487 (rapid reset), CVE-2019-9511 to 9518, CVE-2024-27316 (CONTINUATION),
CVE-2025-8671 (MadeYouReset).
"""

from __future__ import annotations

from ipaddress import IPv6Address

from gateway.wire.server.http2.frames import ConnectionFault, ErrorCode

MAX_RESETS = 200
"""Streams of one address that are ended early, by its reset or its fault, more than are ended well …"""
RESETS_PER_S = 20
"""… and that many a second."""
MAX_ADDRESSES = 4096
"""Whose resets are counted."""
MAX_NOISE = 2000
"""Frames that carry nothing (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown ones) …"""
NOISE_PER_S = 200
"""… and that many a second …"""
NOISE_PER_FRAME = 4
"""… and that many for each request, and for each frame of an answer."""
MAX_CONTINUATIONS = 16
"""Frames of one head."""


class Resets:
    """
    What the clients at one address have left for streams that end early.

    It belongs to the address, not to a connection: a client that is thrown out and comes again has no more than before.
    """

    __slots__ = ("_at", "left")

    def __init__(self, now: float) -> None:
        self.left = float(MAX_RESETS)
        self._at = now

    def pass_time(self, now: float) -> None:
        """It is *now*, in seconds of the event loop's clock."""
        self.left = min(MAX_RESETS, self.left + RESETS_PER_S * max(0.0, now - self._at))
        self._at = now


class AddressResets:
    """Those of all addresses that have connected to one listener; the oldest are forgotten."""

    __slots__ = ("_addresses",)

    def __init__(self) -> None:
        self._addresses: dict[str, Resets] = {}

    def of(self, address: str, now: float) -> Resets:
        """What *address* has left; an IPv6 client has a network of its own (/64)."""
        key = _network(address)
        resets = self._addresses.pop(key, None) or Resets(now)
        resets.pass_time(now)
        self._addresses[key] = resets
        if len(self._addresses) > MAX_ADDRESSES:
            self._addresses.pop(next(iter(self._addresses)))
        return resets


def _network(address: str) -> str:
    """The client that *address* stands for."""
    if ":" not in address:
        return address
    try:
        return str(IPv6Address(address.partition("%")[0]).packed[:8])
    except ValueError:
        return address


class Calm:
    """
    What one connection has left.

    Attributes:
        earned: Frames of answers that were sent, and not only because a tiny window allowed no larger one.
    """

    __slots__ = ("_noise", "_resets", "earned")

    def __init__(self, resets: Resets) -> None:
        self._noise = MAX_NOISE
        self._resets = resets
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
        if self._resets.left < MAX_RESETS:
            self._resets.left += 1

    def ended_early(self) -> None:
        """A stream has not. Raises ConnectionFault."""
        if self._resets.left < 1:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "too many streams were reset")
        self._resets.left -= 1

    def pass_time(self, seconds: float, now: float) -> None:
        """*seconds* have gone by, and it is *now*."""
        self._noise = min(MAX_NOISE, self._noise + int(NOISE_PER_S * seconds))
        self._resets.pass_time(now)
