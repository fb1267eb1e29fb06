"""
The emulator's tokens: up to four characters of a word with the space before it, or one sign.

They are not those of a real model. What matters is that streams are cut into them, and that the usage is their number.
"""

from __future__ import annotations

import re

_PIECE = re.compile(r"\s?\w{1,4}|\s?[^\w\s]|\s")


def pieces(text: str) -> list[str]:
    """*text* in tokens; joined they give it back."""
    return _PIECE.findall(text)


def count_tokens(text: str) -> int:
    """How many tokens *text* has."""
    return len(pieces(text))
