"""What keeps a file from being made or written: the remedy for a path that a configuration names."""

from __future__ import annotations

import os
from pathlib import Path


def remedy_for(path: Path) -> str:
    """What to do so that *path* can be a file that is read and written; empty if nothing is against it."""
    if path.is_dir():
        return f"name a file: {path} is a folder"
    return _about_folder(path) or _about_file(path)


def _about_folder(path: Path) -> str:
    existing = next(parent for parent in path.parents if os.path.exists(parent))
    if not existing.is_dir():
        return f"name another folder: {existing} is a file"
    if existing != path.parent:
        return f"make the folder {path.parent}"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"let the gateway's user write to the folder {existing}"
    return ""


def _about_file(path: Path) -> str:
    closed = os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK)
    return f"let the gateway's user read and write {path}" if closed else ""
