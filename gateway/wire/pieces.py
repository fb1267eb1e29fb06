"""Long texts in pieces, so that somebody else gets a turn in between: what C does in one call lets nobody else run."""

from __future__ import annotations

from collections.abc import Callable
from typing import AnyStr

PIECE = 64 * 1024  # characters or bytes


def replace_in_pieces(content: AnyStr, old: AnyStr, new: AnyStr, rest: Callable[[], object]) -> AnyStr:
    """``content.replace(old, new)``, which calls *rest* after each piece."""
    if len(content) <= PIECE:
        return content.replace(old, new)
    size = max(PIECE, 8 * len(old))
    parts, place = [], 0
    while place < len(content):
        window = content[place : place + size]
        *before, tail = window.split(old)
        # The end of a window may be the beginning of what is looked for.
        kept = min(len(tail), len(old) - 1) if place + size < len(content) else 0
        parts.append(new.join([*before, tail[: len(tail) - kept]]))
        place += len(window) - kept
        rest()
    return content[:0].join(parts)
