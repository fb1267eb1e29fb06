"""
A circuit for each caller at each callback host: callbacks that keep failing go out one at a time until one succeeds.

So URLs that hang cost one turn, not a share of them, and are noticed as soon as they recover. They are the caller's: at
the same host those of others may be well. Nothing is given up because of an open circuit: attempts only wait for their
turn.
"""

from __future__ import annotations

from collections import Counter

import structlog

log = structlog.get_logger("gateway.notifications")

_FAILURES = 5
_REMEMBERED = 10_000


class Circuits:
    """Failures in a row by caller and host. For one event loop."""

    def __init__(self) -> None:
        self._failures: Counter[tuple[str, str]] = Counter()

    def is_open(self, caller: str, host: str) -> bool:
        """Whether the caller's last attempts at the host have all failed."""
        return self._failures[caller, host] >= _FAILURES

    def record(self, caller: str, host: str, succeeded: bool) -> None:
        """Count one attempt; an answer that refuses counts as success: the host is there."""
        key = caller, host
        if succeeded:
            if self._failures.pop(key, 0) >= _FAILURES:
                log.info("callback_circuit_closed", host=host, caller=caller)
            return
        if len(self._failures) >= _REMEMBERED and key not in self._failures:
            self._failures.clear()
        self._failures[key] += 1
        if self._failures[key] == _FAILURES:
            log.warning("callback_circuit_opened", host=host, caller=caller, failures=_FAILURES)

    @property
    def open_hosts(self) -> list[str]:
        """Hosts at which a circuit is open."""
        return list(dict.fromkeys(host for (_, host), failures in self._failures.items() if failures >= _FAILURES))
