"""A test file → its suite, with the places of everything in it; or all of its mistakes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from gateway.commands.policy_tests.model import Case, Suite
from gateway.commands.policy_tests.typed_yaml import typed
from gateway.config.loading import problems_of
from gateway.config.positions import Positions
from gateway.errors import LoadError, Location
from gateway.reading.files import read_bytes
from gateway.reading.settings import Surroundings
from gateway.reading.yaml_nodes import compose

PATTERN = "*.policytest.yaml"


@dataclass(frozen=True, slots=True)
class TestFile:
    """
    One file.

    Attributes:
        path: As it was named.
        positions: The position of each key.
    """

    path: Path
    suite: Suite
    positions: Positions

    def cases(self) -> list[tuple[Case, Location]]:
        """Each test and its position."""
        return [(case, self.positions.find(("tests", index))) for index, case in enumerate(self.suite.tests)]

    def place(self, index: int, *path: object) -> Location:
        """The position of an expectation of test *index*."""
        return self.positions.find(("tests", index, "expect", *path))


def discover(below: Path) -> list[Path]:
    """Every ``*.policytest.yaml`` below a directory, sorted; hidden ones within it and node_modules are skipped."""
    return sorted(
        path for path in below.rglob(PATTERN) if not any(map(_is_skipped, path.relative_to(below).parts[:-1]))
    )


def _is_skipped(folder: str) -> bool:
    return folder.startswith(".") or folder == "node_modules"


def read(path: Path) -> TestFile:
    """
    The tests in the file at *path*.

    Raises:
        LoadError: It cannot be read, or with every mistake in it.
    """
    return read_text(read_bytes(path, "check the path"), path)


def read_text(content: bytes, path: Path) -> TestFile:
    """The tests in *content*, which is or will be in the file at *path*. Raises LoadError."""
    root = compose(content, str(path))
    positions = Positions(root)
    try:
        data = typed(content.decode("utf-8-sig"))
        suite = Suite.from_file(data, Surroundings(path.resolve().parent, os.environ))
    except ValidationError as error:
        raise LoadError(problems_of(error, positions, Suite, "testing-policies")) from None
    return TestFile(path, suite, positions)
