"""Services that have failed are left alone for a while; then one question finds out whether they answer again."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSE_S = 5.0


class Pauses:
    """By the name of the service, which nobody but the configuration gives: there are only so many."""

    def __init__(self, pause_s: float = PAUSE_S, clock: Callable[[], float] = time.monotonic) -> None:
        """*clock*: seconds, monotonic."""
        self.pause_s = pause_s
        self._clock = clock
        self._until: dict[str, float] = {}

    def holds(self, service: str, longest_s: float) -> bool:
        """
        Whether *service* is not to be asked now.

        Who may ask after a pause is the only one to do so for *longest_s*, the time that the answer may take.
        """
        until, now = self._until.get(service), self._clock()
        if until is None or now < until:
            return until is not None
        self._until[service] = now + longest_s
        return False

    def failed(self, service: str) -> None:
        """It has not answered."""
        self._until[service] = self._clock() + self.pause_s

    def answered(self, service: str) -> None:
        """It has."""
        self._until.pop(service, None)
