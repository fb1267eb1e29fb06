"""What one backend is like right now, for readiness and the console."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from gateway.management.health import Status

Kind = Literal["http", "application", "pool"]


@dataclass(frozen=True, slots=True)
class BackendState:
    """
    One backend in one process.

    Attributes:
        name: Its id in the configuration, or the service URL of an API.
        url: Where it is; empty for a pool.
        members: Of a pool: names of the backends that share the load.
        open_for_s: Seconds for which its circuit stays open; 0 while it is closed; None: it has no circuit breaker.
        in_use, idle: HTTP/1.1 connections, those being opened counted as in use.
        waiting: Requests that wait for a connection.
    """

    name: str
    kind: Kind
    url: str = ""
    members: tuple[str, ...] = ()
    open_for_s: float | None = None
    in_use: int = 0
    idle: int = 0
    waiting: int = 0

    @property
    def status(self) -> Status:
        """
        Its line in ``/readyz``: always ready, docs/adr/0056. An open circuit is told, and closes by itself.
        """
        if self.open_for_s:
            return Status(True, f"circuit open for {math.ceil(self.open_for_s)} s: its requests get 503")
        return Status(True, "" if self.open_for_s is None else "circuit closed")
