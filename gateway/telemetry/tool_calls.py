"""How often tools are called, by name; the names that a client may bring are bounded."""

from __future__ import annotations

from collections import Counter

MAX_NAMES = 200  # of one API; a server that is passed through alone knows its tools
OTHERS = "(others)"


class ToolCalls:
    """
    The calls of one MCP API.

    Attributes:
        statuses: Number of answers by tool and HTTP status; 0 stands for a client that left.
    """

    __slots__ = ("_names", "statuses")

    def __init__(self) -> None:
        self.statuses: Counter[tuple[str, int]] = Counter()
        self._names: set[str] = set()

    def count(self, tool: str, status: int) -> None:
        """One call has been answered; an empty name is that of no tool, and a refusal makes none known."""
        if tool not in self._names:
            if tool and 0 < status < 400 and len(self._names) < MAX_NAMES:
                self._names.add(tool)
            else:
                tool = OTHERS
        self.statuses[tool, status] += 1
