"""
What a language model says that a call has cost: read from the answer while it passes, never held back.

Source: OpenAI API reference, ``usage`` of completions, responses and their streamed last event.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.wire.body import BodyStream

if TYPE_CHECKING:
    from gateway.wire.messages import Response

# The usage is at the end of an answer, streamed or not.
TAIL_BYTES = 64 * 1024

_NAMES = {
    "prompt": rb'"(?:prompt_tokens|input_tokens)"\s*:\s*(\d{1,9})',
    "completion": rb'"(?:completion_tokens|output_tokens)"\s*:\s*(\d{1,9})',
    "total": rb'"total_tokens"\s*:\s*(\d{1,9})',
}
_PATTERNS = {name: re.compile(pattern) for name, pattern in _NAMES.items()}


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one call."""

    prompt: int
    completion: int
    total: int


def find_usage(tail: bytes) -> TokenUsage | None:
    """The last usage that *tail* reports, or None."""
    counts = {name: pattern.findall(tail) for name, pattern in _PATTERNS.items()}
    prompt, completion = (int(counts[name][-1]) if counts[name] else 0 for name in ("prompt", "completion"))
    total = int(counts["total"][-1]) if counts["total"] else prompt + completion
    return TokenUsage(prompt, completion, total) if total else None


def watch_usage(answer: Response, tell: Callable[[TokenUsage | None], None]) -> None:
    """Call *tell* when the whole body of *answer* has passed; immediately where it is in memory."""
    stream = answer.body.stream
    if stream is None:
        tell(find_usage(answer.body.content[-TAIL_BYTES:]))
        return
    tap = _Tap(stream, tell)
    answer.body.stream = tap.passed_on
    stream.pipe(tap)


def _nobody(_: TokenUsage | None) -> None:
    """All has been told."""


class _Tap:
    """Passes a stream on, and keeps its tail."""

    def __init__(self, stream: BodyStream, tell: Callable[[TokenUsage | None], None]) -> None:
        self.passed_on = BodyStream(stream.length, stream.pause, stream.resume, stream.discard)
        self._tell = tell
        self._tail = b""

    def write(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-TAIL_BYTES:]
        self.passed_on.feed(data)

    def finish(self) -> None:
        self.passed_on.finish()
        self._end()

    def fail(self, error: Exception) -> None:
        self.passed_on.fail(error)
        self._end()

    def _end(self) -> None:
        # Both streams know each other: what is told refers to the request, which must not wait for the collector.
        tell, self._tell = self._tell, _nobody
        tell(find_usage(self._tail))
