"""
Ids of requests: drawn ahead, because every answer has one.

Each looks like a random UUID (version 4). Those of one batch have their first half in common; the other half is 62
random bits of each id's own, so that nobody can guess the id of another request.

Source: RFC 9562 §5.4.
"""

from __future__ import annotations

import os
import sys
from binascii import hexlify

ID_CHARACTERS = 36

_BATCH = 128
_VARIANT = bytes(0x80 | (octet & 0x3F) for octet in range(256))
_HALF = 17  # characters, with the hyphen in its middle


class IdPool:
    """
    Draws ids, each behind the same *start*, such as ``x-request-id: ``.

    Attributes:
        ready: Those that are drawn already, to be taken from its end.
    """

    __slots__ = ("_start", "ready")

    def __init__(self, start: str = "") -> None:
        self._start = start
        self.ready: list[str] = []

    def draw(self) -> str:
        """A new id."""
        if not self.ready:
            self.ready.extend(_batch(self._start))
        return self.ready.pop()

    def forget(self) -> None:
        """Draw others than those that are ready."""
        self.ready.clear()


def _batch(start: str) -> list[str]:
    """The halves are put together all at once, a digit of each at a time: for one id alone that would take longer."""
    first = os.urandom(8).hex()
    octets = bytearray(os.urandom(8 * _BATCH))
    octets[::8] = octets[::8].translate(_VARIANT)
    digits, halves, step = hexlify(octets), bytearray((_HALF + 1) * _BATCH), _HALF + 1
    for place in range(16):
        halves[place + (place > 3) :: step] = digits[place::16]
    halves[4::step] = b"-" * _BATCH
    halves[_HALF::step] = b"\n" * _BATCH
    head = f"{start}{first[:8]}-{first[8:12]}-4{first[13:]}-"
    return [head + half for half in halves.decode().split()]


_pools: dict[str, IdPool] = {}


def pool_of(start: str) -> IdPool:
    """The pool of all who draw ids with that *start*, which comes from the configuration."""
    return _pools.setdefault(start, IdPool(start))


def draw_id() -> str:
    """A new id, without anything in front."""
    return pool_of("").draw()


def _forget_all() -> None:
    """Two processes must not have the same ids."""
    for pool in _pools.values():
        pool.forget()


if sys.platform != "win32":  # where nothing forks
    os.register_at_fork(after_in_child=_forget_all)
