"""
What is written to a client in one turn of the event loop, joined.

Without TLS the event loop joins it by itself. Over TLS each write would be a record of its own, encrypted and handed to
the socket by itself, however small the answer is.
"""

from __future__ import annotations

import asyncio
from typing import Any

_MAX_BYTES = 16 * 1024  # of a record: more is not worth joining


class JoinedWrites(asyncio.Transport):
    """The transport of a connection with TLS, as its streams see it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> None:
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= _MAX_BYTES:
            self._flush()

    def _flush(self) -> None:
        pieces, self._pieces, self._size = self._pieces, [], 0
        if pieces and not self._transport.is_closing():
            self._transport.write(b"".join(pieces))

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size() + self._size

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._pieces.clear()
        self._transport.abort()
