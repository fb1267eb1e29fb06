"""A backend's name, looked up again while connections are open: they follow it to another address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from typing import Protocol

from gateway.wire.upstream.dial import is_address

RESOLVE_S = 30.0  # between two look-ups
_NEVER = float("inf")


class Movable(Protocol):
    """A connection that can be given up for another address."""

    def retire_unless_in(self, addresses: frozenset[str]) -> None:
        """Carry nothing new unless it leads to one of *addresses*."""


class NameWatch:
    """Retires those of *connections*, a collection that changes, that lead where the name *host* no longer does."""

    def __init__(self, host: str, connections: Collection[Movable]) -> None:
        self._host = host
        self._connections = connections
        self._due_at = _NEVER if not host or is_address(host) else 0.0
        self._look_up: asyncio.Task[None] | None = None

    def sweep(self, now: float) -> None:
        """Look the name up when it is time to; *now* is the event loop's time."""
        if now < self._due_at or not self._connections or self._look_up is not None:
            return
        self._due_at = now + RESOLVE_S
        self._look_up = asyncio.get_running_loop().create_task(self._follow())

    def stop(self) -> None:
        """A look-up that runs has no effect any more."""
        if self._look_up is not None:
            self._look_up.cancel()

    async def _follow(self) -> None:
        """A failed look-up changes nothing."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(self._host, None, type=socket.SOCK_STREAM)
        except OSError:
            return
        finally:
            self._look_up = None
        addresses = frozenset(str(address[0]) for *_, address in found)
        for connection in tuple(self._connections):
            connection.retire_unless_in(addresses)
