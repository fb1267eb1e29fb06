"""
Nothing but copying: what no gateway on this event loop can be quicker than.

Each client gets a connection of its own to the backend, and bytes pass between the two unread. It verifies nothing and
changes nothing: the floor under the gateway's figures.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop


class Side(asyncio.Protocol):
    """One end of a copied connection."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Pass it on, or keep it until the other end is connected."""
        if self.other is None or self.other.transport is None:
            self._early.append(data)
        else:
            self.other.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def join(self, other: Side) -> None:
        """Copy between this end and *other* from now on."""
        self.other, other.other = other, self
        if other.transport is not None:
            other.transport.writelines(self._early)
        self._early.clear()


async def serve(port: int, backend_port: int) -> None:
    """Copy between *port* and the backend for ever."""
    loop = asyncio.get_running_loop()
    connecting: set[asyncio.Task[None]] = set()

    async def connect(client: Side) -> None:
        _, backend = await loop.create_connection(Side, "127.0.0.1", backend_port)
        client.join(backend)

    def accept() -> Side:
        client = Side()
        task = loop.create_task(connect(client))
        connecting.add(task)
        task.add_done_callback(connecting.discard)
        return client

    server = await loop.create_server(accept, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
