"""
What one request may have this process compute: a budget that work on its bodies draws from before it is done.

Each piece of work whose cost grows with what a caller or a backend sent has a price, in seconds of processor time and
in bytes of memory. Conversions, schema checks, templates, stylesheets, replacements and expressions of one request all
draw from one budget, so their sum is bounded, not only each of them.
"""

from __future__ import annotations

from gateway.errors import GatewayError
from gateway.wire.trees import LARGE, Tree, Trees

REQUEST_TIME_S = 4.0
REQUEST_MEMORY = 256 * 1024 * 1024
# What may run on the event loop in one turn; longer work runs beside the loop.
TURN_S = 0.02


class WorkExceeded(GatewayError):
    """The request asks for more work than one request may have."""


class Work:
    """
    What is left for one request.

    Attributes:
        time_s: Processor time, in seconds.
        memory: Bytes of results and copies, all of them together, whether still in use or not.
    """

    __slots__ = ("_trees", "memory", "time_s")

    def __init__(self, time_s: float = REQUEST_TIME_S, memory: int = REQUEST_MEMORY) -> None:
        self.time_s = time_s
        self.memory = memory
        self._trees: Trees | None = None

    def note_tree(self, root: Tree, nodes: int) -> None:
        """*root* of so many *nodes* was made for this request, and is taken apart when the request is over."""
        if nodes >= LARGE:
            if self._trees is None:
                self._trees = Trees()
            self._trees.note(root)

    def draw(self, time_s: float, memory: int = 0) -> None:
        """
        Take what a piece of work costs, before it is done.

        Raises:
            WorkExceeded: More is asked for than is left. Nothing is left afterwards: a caught refusal begins no new
                attempt.
        """
        self.time_s -= time_s
        self.memory -= memory
        if self.time_s < 0 or self.memory < 0:
            what = "processor time" if self.time_s < 0 else "memory"
            self.time_s = self.memory = 0
            raise WorkExceeded(f"the request needs more {what} than one request may have")

    def used(self, time_s: float) -> None:
        """Account for work that has measured itself and stopped in time; once nothing is left, the next is refused."""
        self.time_s = max(0.0, self.time_s - time_s)
