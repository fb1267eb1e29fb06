"""The configuration that is exported: as it is written, as it is meant, and with its places."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gateway.commands.check.assumed import build_assuming
from gateway.config import Config
from gateway.config.positions import Positions, plain
from gateway.errors import Location
from gateway.reading.yaml_nodes import YamlNode, compose


@dataclass(frozen=True)
class ExportSource:
    """
    A configuration that loads.

    Attributes:
        path: The file.
        config: What it means; secrets have made-up values.
        root: What it says.
    """

    path: Path
    config: Config
    root: YamlNode

    @classmethod
    def read(cls, path: Path) -> ExportSource:
        """The configuration at *path*. Raises LoadError: with every mistake in it."""
        config = build_assuming(path, os.environ, lambda config: config)
        return cls(path, config, compose(path.read_bytes(), str(path)))

    @cached_property
    def written(self) -> dict[str, Any]:
        """The configuration's own keys and values, as plain data."""
        data = plain(self.root)
        return data if isinstance(data, dict) else {}

    @cached_property
    def _positions(self) -> Positions:
        return Positions(self.root)

    def at(self, *path: object) -> Location:
        """Where the value under *path* is written."""
        return self._positions.find(path)

    def section(self, name: str) -> Any:
        """What is under the top-level key *name*; an empty mapping where there is nothing."""
        return self.written.get(name) or {}
