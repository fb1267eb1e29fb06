"""
What the service manager is told: ready, reloading, stopping, and that the event loop turns.

The protocol is one datagram of ``NAME=value`` lines. Whatever is wrong with the socket, serving goes on.

Source: sd_notify(3), sd_watchdog_enabled(3), systemd.service(5) on ``Type=notify-reload``.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from gateway.telemetry import logs

SEND_S = 0.2  # a manager that reads nothing must not hold the gateway
_STATUS_CHARACTERS = 300
_MOST_WATCHDOG_S = 3_600.0


@dataclass(slots=True, eq=False)
class ServiceManager:
    """
    The service manager that has started this process; without an *address* nothing is sent.

    Attributes:
        address: Its socket: a path, or an abstract name that begins with a NUL.
        watchdog_s: Within this time it wants a sign of life, or kills the process; 0: it does not ask.
    """

    address: str = ""
    watchdog_s: float = 0.0
    _fed_at: float = 0.0

    @classmethod
    def taken_from(cls, environment: MutableMapping[str, str]) -> Self:
        """The one that *environment* names; its variables are removed, so that no child speaks for this process."""
        address = environment.pop("NOTIFY_SOCKET", "")
        limit, process = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        if not address.startswith(("/", "@")):  # a name of another kind (vsock) is for virtual machines
            return cls()
        is_ours = process in ("", str(os.getpid())) and limit.isascii() and limit.isdigit()
        watchdog_s = min(int(limit) / 1_000_000, _MOST_WATCHDOG_S) if is_ours else 0.0
        return cls("\0" + address[1:] if address.startswith("@") else address, watchdog_s)

    @property
    def beat_s(self) -> float:
        """How often a process that must feed the watchdog at half of its time has to look; 0: never."""
        return self.watchdog_s / 8

    def ready(self, status: str) -> None:
        """It serves; after ``reloading``: again. *status* is for people."""
        self._send("READY=1", _status(status))

    def reloading(self) -> None:
        """A reload has begun, now: the manager compares the time with that of its own request."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now}", "STATUS=Loading the configuration again")

    def stopping(self) -> None:
        """It stops, and lets requests end."""
        self._send("STOPPING=1", "STATUS=Letting running requests end")

    def say(self, status: str) -> None:
        """Only *status*."""
        self._send(_status(status))

    def alive(self) -> None:
        """To be called while everything turns: feeds the watchdog when half of its time is over."""
        now = time.monotonic()
        is_due = self.watchdog_s and now - self._fed_at >= self.watchdog_s / 2 - self.beat_s
        if is_due and self._send("WATCHDOG=1", patience_s=0.0):  # from the loop that serves: it never waits
            self._fed_at = now

    def _send(self, *lines: str, patience_s: float = SEND_S) -> bool:
        """Whether the manager's socket has taken it."""
        if not self.address:
            return False
        with suppress(OSError, ValueError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(patience_s)
            sender.connect(self.address)
            sender.sendall("\n".join(lines).encode())
            return True
        return False


NO_MANAGER = ServiceManager()


def _status(text: str) -> str:
    """One line, without secrets."""
    return f"STATUS={logs.clean(' '.join(text.split()))}"[:_STATUS_CHARACTERS]
