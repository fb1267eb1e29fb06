"""
Bodies stream unless a policy reads them: the step that brings one into memory, put in front of such a policy.

So a request that is refused earlier is refused before its body was read.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.pipeline.step import Policy

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.wire.body import Body


@dataclass(frozen=True, slots=True)
class BufferBody(Policy):
    """Waits until the bodies that the next policy reads are in memory; does nothing when they are."""

    request: bool
    response: bool
    max_bytes: int

    def apply(self, context: Context) -> Coroutine[object, object, None] | None:
        """None, or the wait. Raises BodyTooLarge."""
        waiting = [body for body in self._bodies(context) if body is not None and body.stream is not None]
        return self._wait(waiting) if waiting else None

    def _bodies(self, context: Context) -> list[Body | None]:
        return [
            context.request.body if self.request else None,
            context.response.body if self.response and context.response else None,
        ]

    async def _wait(self, bodies: list[Body]) -> None:
        for body in bodies:
            await body.buffer(self.max_bytes)
