"""Files that a user names on the command line or in a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import LoadError, Location

if TYPE_CHECKING:
    from pathlib import Path


def read_bytes(path: Path, remedy: str) -> bytes:
    """
    The content of the file at *path*.

    Raises:
        LoadError: ``unreadable-file``, with *remedy*: what to check if the file is not there.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise LoadError.at(Location(str(path)), "unreadable-file", reason, remedy) from None
