"""
The state of one rendering: the variables, the iterations of loops, and the text so far.

Source: DotLiquid, "Context".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.expressions.limits import SMALL, charge
from gateway.expressions.thrown import thrown

MAX_SCOPES = 80


class RenderScope:
    """
    The variables of one rendering.

    Attributes:
        given: The variables passed to the template; ``increment`` keeps its counters there.
        cycles: The position of each ``cycle``.
        offsets: Where each loop ended, for ``offset:continue``.
        changed: The last text that ``ifchanged`` wrote.
    """

    __slots__ = ("_scopes", "changed", "cycles", "given", "offsets")

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = dict(given)
        self._scopes: list[dict[str, Any]] = [{}]
        self.cycles: dict[str, int] = {}
        self.offsets: dict[str, int] = {}
        self.changed: str | None = None

    def find(self, name: str) -> Any:
        """The variable, from the innermost scope that has it. Raises KeyError."""
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return self.given[name]

    @property
    def innermost(self) -> dict[str, Any]:
        """The variables of the tag that is being written."""
        return self._scopes[-1]

    def assign(self, name: str, value: Any) -> None:
        """Set a variable of the whole template, as ``assign`` and ``capture`` do."""
        self._scopes[0][name] = value

    @contextmanager
    def inner(self) -> Iterator[None]:
        """A scope for the content of a tag. Raises Thrown: tags are nested too deeply."""
        if len(self._scopes) > MAX_SCOPES:
            raise thrown("InvalidOperationException", "Nesting too deep")
        self._scopes.append({})
        try:
            yield
        finally:
            self._scopes.pop()


class Output:
    """The text of one rendering, or of one ``capture``, charged as it grows."""

    __slots__ = ("_accounted", "_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0
        self._accounted = SMALL

    def write(self, text: str) -> None:
        """Append *text*. Raises LimitExceeded: the template writes too much."""
        self._pieces.append(text)
        self._size += len(text)
        if self._size >= self._accounted:
            charge(self._size)
            self._accounted = self._size * 2

    def text(self) -> str:
        """Everything that was written."""
        return "".join(self._pieces)
