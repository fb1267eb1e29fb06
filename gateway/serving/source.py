"""Where a configuration comes from, each time that it is asked for."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Protocol, TypeAlias

from gateway.config import Config, load

Snapshot: TypeAlias = dict[Path, bytes]
"""The digest of each file that could be read."""


class ConfigurationSource(Protocol):
    """A configuration that can be read again."""

    def load(self) -> Config:
        """Read it. Raises LoadError."""

    @property
    def files(self) -> Collection[Path]:
        """What it was read from."""

    @property
    def repairs(self) -> Collection[Path]:
        """What could repair it, if it has a mistake: the same, and files that may have been missing."""

    @property
    def read(self) -> Snapshot:
        """What the files held when it was read; a file that changed meanwhile is not among them."""


def snapshot(files: Iterable[Path], before: float = math.inf) -> Snapshot:
    """
    A digest of each of *files* that can be read, and was written *before* (seconds since the epoch).

    A file with a time in the future tells nothing by it, and counts: else it would never be known.
    """
    digests = ((file, _digest(file, before)) for file in files)
    return {file: digest for file, digest in digests if digest}


def _digest(file: Path, before: float) -> bytes:
    try:
        if not file.is_file() or before <= file.stat().st_mtime <= time.time():
            return b""
        with file.open("rb") as content:  # in pieces: what lies beside a configuration may be large
            return file_digest(content, "sha256").digest()
    except OSError:
        return b""


_CLOCK_S = 0.02  # the resolution of the times of files

# After a mistake, a new file of one of these kinds may be the one that was missing.
_KINDS = frozenset([".xml", ".yaml", ".yml", ".json", ".pem", ".crt", ".key", ".pfx"])


@dataclass(slots=True)
class ConfigurationFile:
    """``config.yaml`` and the files that it names."""

    path: Path
    _named: frozenset[Path] = field(default_factory=frozenset)
    _read: Snapshot = field(default_factory=dict)

    def load(self) -> Config:
        began = time.time()
        try:
            config = load(self.path)
            self._named = config.files
        finally:
            self._read = snapshot(self.files, began - _CLOCK_S)
        return config

    @property
    def read(self) -> Snapshot:
        return self._read

    @property
    def files(self) -> Collection[Path]:
        return {self.path, *self._named}

    @property
    def repairs(self) -> Collection[Path]:
        return {*self.files, *_siblings(self.files)}


def _siblings(files: Collection[Path]) -> set[Path]:
    """Files beside *files* that a configuration could name."""
    folders = {file.absolute().parent for file in files}
    return {file for folder in folders for file in _members(folder) if file.suffix.lower() in _KINDS}


def _members(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # it has gone
        return []
