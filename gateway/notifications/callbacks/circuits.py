"""
A circuit for each callback host: a host that keeps failing gets one attempt at a time until one succeeds.

So a host that hangs costs one turn, not a share of them, and is noticed as soon as it recovers. Nothing is given
up because of an open circuit: attempts only wait for their turn.
"""

from __future__ import annotations

from collections import Counter

import structlog

log = structlog.get_logger("gateway.notifications")

_FAILURES = 5
_REMEMBERED = 10_000


class HostCircuits:
    """Failures in a row by host. For one event loop."""

    def __init__(self) -> None:
        self._failures: Counter[str] = Counter()

    def is_open(self, host: str) -> bool:
        """Whether the host's last attempts have all failed."""
        return self._failures[host] >= _FAILURES

    def record(self, host: str, succeeded: bool) -> None:
        """Count one attempt; an answer that refuses counts as success: the host is there."""
        if succeeded:
            if self._failures.pop(host, 0) >= _FAILURES:
                log.info("callback_circuit_closed", host=host)
            return
        if len(self._failures) >= _REMEMBERED and host not in self._failures:
            self._failures.clear()
        self._failures[host] += 1
        if self._failures[host] == _FAILURES:
            log.warning("callback_circuit_opened", host=host, failures=_FAILURES)

    @property
    def open_hosts(self) -> list[str]:
        """Hosts whose circuit is open."""
        return [host for host, failures in self._failures.items() if failures >= _FAILURES]
