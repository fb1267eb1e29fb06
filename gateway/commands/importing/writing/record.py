"""
What the last import wrote, kept beside it in ``import.lock``: so that the next one knows what a person has changed.

It holds the configuration as it was written, and the SHA-256 of every file; no secret is in either.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import LoadError, Location

NAME = "import.lock"
VERSION = 1


@dataclass(slots=True)
class ImportRecord:
    """
    The last import.

    Attributes:
        config: The configuration as it was written.
        files: SHA-256 of the other files, in hexadecimal, by path.
    """

    config: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def dump(self) -> bytes:
        """The file's content."""
        content = {
            "about": "written by gateway import: it tells your changes from its own; keep it with the configuration",
            "version": VERSION,
            "config": self.config,
            "files": dict(sorted(self.files.items())),
        }
        return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def read_record(folder: Path) -> ImportRecord | None:
    """
    The record in *folder*, or None where there is none.

    Raises:
        LoadError: It is none, or of a later version.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_bytes())
        version, config, files = content["version"], content["config"], content["files"]
    except (ValueError, KeyError, TypeError, RecursionError):
        version, config, files = None, None, None
    if version != VERSION or not isinstance(config, dict) or not isinstance(files, dict):
        remedy = "restore it from version control, or import into an empty folder"
        raise LoadError.at(Location(str(path)), "bad-record", "this is not the record of an import", remedy)
    return ImportRecord(config, {str(name): str(digest) for name, digest in files.items()})


def digest_of(content: bytes) -> str:
    """SHA-256 of *content*."""
    return hashlib.sha256(content).hexdigest()
