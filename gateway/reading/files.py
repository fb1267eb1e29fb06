"""
Files that a user names on the command line or in a configuration.

An editor holds texts that it has not saved; while it asks for a check, they stand in for the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from gateway.errors import LoadError, Location

if TYPE_CHECKING:
    from pathlib import Path


_UNSAVED: ContextVar[Mapping[Path, bytes] | None] = ContextVar("unsaved", default=None)


@contextmanager
def unsaved(texts: Mapping[Path, bytes]) -> Iterator[None]:
    """Let *texts*, by resolved path, stand in for the contents of files until the block ends."""
    token = _UNSAVED.set(texts)
    try:
        yield
    finally:
        _UNSAVED.reset(token)


def read_bytes(path: Path, remedy: str) -> bytes:
    """
    The content of the file at *path*, or the unsaved text that stands in for it.

    Raises:
        LoadError: ``unreadable-file``, with *remedy*: what to check if the file is not there.
    """
    texts = _UNSAVED.get()
    try:
        text = texts.get(path.resolve()) if texts else None
        return path.read_bytes() if text is None else text
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise LoadError.at(Location(str(path)), "unreadable-file", reason, remedy) from None
