"""Texts of others (F&O's messages, answers of receivers) in a form that every store can hold."""

from __future__ import annotations


def storable(text: str) -> str:
    """
    *text* without what a store refuses: PostgreSQL has no NUL in texts, and no store half of a surrogate pair.

    A write that is refused is tried again, and this one would be refused for ever.
    """
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
