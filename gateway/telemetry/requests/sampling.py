"""Which of the ordinary requests are looked at: shares of them, chosen at random, for a subtraction each."""

from __future__ import annotations

import random

_NEVER = 1 << 62


class RequestSampling:
    """
    Chooses which ordinary requests are kept, and which are logged: two shares, 0 to 1, independent of each other.

    How many are left out in between is drawn at random, so that no rhythm of the traffic decides which are chosen.

    Attributes:
        left: How many more to leave out. Whoever asks subtracts 1 each time, and calls ``choose`` below 0: most
            requests are neither kept nor logged, and a call for each would be most of what this costs.
    """

    __slots__ = ("_kept", "_logged", "left")

    def __init__(self, kept: float = 0.0, logged: float = 0.0) -> None:
        self._kept, self._logged = _Share(kept), _Share(logged)
        self.left = min(self._kept.left, self._logged.left)

    def choose(self) -> tuple[bool, bool]:
        """Whether the present request is kept, and whether it is logged."""
        passed = min(self._kept.left, self._logged.left) + 1
        chosen = self._kept.pass_by(passed), self._logged.pass_by(passed)
        self.left = min(self._kept.left, self._logged.left)
        return chosen


class _Share:
    """One of the two."""

    __slots__ = ("_share", "left")

    def __init__(self, share: float) -> None:
        self._share = share
        self.left = self._draw()

    def pass_by(self, requests: int) -> bool:
        """So many have passed; whether the last of them is chosen."""
        self.left -= requests
        if self.left >= 0:
            return False
        self.left = self._draw()
        return True

    def _draw(self) -> int:
        """How many to leave out; on average so many that the share is met."""
        return random.randint(0, round(2 / self._share) - 2) if self._share else _NEVER  # noqa: S311 (no secret)
