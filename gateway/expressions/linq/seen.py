"""
The keys that a sequence has had so far.

A set that grows is made anew as a whole, and one that is no longer needed is freed as a whole. Both take as long as it
is large, and no other request has its turn meanwhile. Beyond some size the keys are therefore in many small sets, which
are freed a little at a time when the request is over.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.expressions.limits import noted

_MOST = 16 * 1024  # keys in one set
_PARTS = 64
_FREED = 32  # keys that are freed as a tree's node is


class SeenKeys:
    """A set of keys, as ``key_of`` makes them."""

    __slots__ = ("_parts",)

    def __init__(self, keys: Iterable[object] = ()) -> None:
        self._parts: list[set[object]] = [set()]
        for key in keys:
            self.add(key)

    def __contains__(self, key: object) -> bool:
        parts = self._parts
        return key in (parts[0] if len(parts) == 1 else parts[hash(key) % _PARTS])

    def add(self, key: object) -> bool:
        """Whether *key* is new; it has been seen from now on."""
        parts = self._parts
        part = parts[0] if len(parts) == 1 else parts[hash(key) % _PARTS]
        if key in part:
            return False
        part.add(key)
        if len(part) > _MOST and len(parts) == 1:
            self._split()
        return True

    def take_apart(self) -> list[SeenKeys]:
        """Forget some of the keys; returns what is left, itself or nothing."""
        part = self._parts[-1]
        for _ in range(min(_FREED, len(part))):
            part.pop()
        if not part:
            self._parts.pop()
        return [self] if self._parts else []

    def _split(self) -> None:
        (whole,) = self._parts
        self._parts = [set() for _ in range(_PARTS)]
        for key in whole:
            self._parts[hash(key) % _PARTS].add(key)
        noted(self, len(whole))
