"""What every answer carries, and events of a stream."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gateway.emulators.openai.replies import Reply

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class ReplyHead:
    """
    One answer that is being written.

    Attributes:
        number: Counts answers; ids are made of it.
        created: Seconds since the epoch.
        model: The model's name and version.
        azure: Whether to add what Azure OpenAI adds: the content filter's verdicts.
        with_usage: Whether a stream ends with the usage.
    """

    number: int
    created: int
    model: str
    azure: bool = False
    with_usage: bool = False

    def id(self, prefix: str) -> str:
        """An id as long as the real ones."""
        return f"{prefix}{self.number:029d}"


def usage(reply: Reply) -> dict[str, Any]:
    """``usage`` of completions."""
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.total_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def data(document: object) -> bytes:
    """One event without a name."""
    return f"data: {compact(document)}\n\n".encode()


def event(name: str, document: object) -> bytes:
    """One event with a name."""
    return f"event: {name}\ndata: {compact(document)}\n\n".encode()


def compact(document: object) -> str:
    """JSON without spaces, as the service sends it."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
