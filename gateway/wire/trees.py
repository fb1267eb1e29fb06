"""
Large trees of a request, taken apart once nothing of the request is left.

The nodes of a JSON or XML tree know their parents, so only the collector of garbage frees it, and one pass of the
collector over the trees that requests have left behind takes longer than any turn of the event loop should. So a
request notes its large trees. When it is over they lose those links, for a few milliseconds per turn, and each node
goes with its last reference.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from typing import Protocol

LARGE = 1_000  # nodes; smaller trees are young enough for the collector's quickest pass
TURN_S = 0.003  # processor time of one turn of the loop
_NODES_PER_LOOK = 500


class Tree(Protocol):
    """A node of a tree."""

    def take_apart(self) -> Iterable[Tree]:
        """Forget the parent and the children; returns those."""
        ...


class Trees:
    """The large trees of one request."""

    __slots__ = ("_roots",)

    def __init__(self) -> None:
        self._roots: list[Tree] = []

    def note(self, root: Tree) -> None:
        """Take *root* apart when this object is collected."""
        self._roots.append(root)

    def __del__(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # no loop, so nothing would have to wait for the collector
        _DISMANTLING.add(self._roots, loop)


class _Dismantling(threading.local):
    """The nodes that wait to be taken apart in this thread's event loop, those of all requests together."""

    def __init__(self) -> None:
        self._waiting: list[Tree] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, roots: list[Tree], loop: asyncio.AbstractEventLoop) -> None:
        """Take *roots* apart in the next turns of *loop*."""
        self._waiting += roots
        if self._loop is not loop:
            self._loop = loop
            loop.call_soon(self._go_on, loop)

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        end_s = time.thread_time() + TURN_S
        while self._waiting:
            if time.thread_time() > end_s:
                loop.call_soon(self._go_on, loop)
                return
            self._take_apart(_NODES_PER_LOOK)
        self._loop = None

    def _take_apart(self, nodes: int) -> None:
        waiting = self._waiting
        for _ in range(nodes):
            if not waiting:
                return
            waiting.extend(waiting.pop().take_apart())


_DISMANTLING = _Dismantling()
