"""Name resolution for callbacks: every address a name has, IPv4 and IPv6, in the order the system prefers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """
    All addresses of *host*, also for its odd spellings (``127.1``, ``0x7f000001``), which the system's resolver knows.

    Raises:
        OSError: When the name cannot be resolved now; ``socket.gaierror`` is one.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label of more than 63 characters
        raise OSError("host name cannot be encoded") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
