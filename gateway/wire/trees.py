"""
Large trees of a request, taken apart once nothing of the request is left.

The nodes of a JSON or XML tree know their parents, so only the collector of garbage frees it, and one pass of the
collector over the trees that requests have left behind takes longer than any turn of the event loop should. So a
request notes its large trees. When it is over they lose those links, some nodes per turn, and each node goes with its
last reference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

LARGE = 1_000  # nodes; smaller trees are young enough for the collector's quickest pass
NODES_PER_TURN = 2_000


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
        """Take *root* apart when this object is gone."""
        self._roots.append(root)

    def __del__(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # no loop, and nobody who would have to wait for the collector
        loop.call_soon(_take_apart, self._roots, loop)


def _take_apart(waiting: list[Tree], loop: asyncio.AbstractEventLoop) -> None:
    for _ in range(NODES_PER_TURN):
        if not waiting:
            return
        waiting.extend(waiting.pop().take_apart())
    loop.call_soon(_take_apart, waiting, loop)
