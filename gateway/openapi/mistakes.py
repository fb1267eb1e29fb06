"""Mistakes of one definition, gathered while it is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import LoadError, Problem


class Mistakes(list[Problem]):
    """Every problem found so far."""

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Take up the problems of a LoadError that is raised inside, and go on behind it."""
        try:
            yield
        except LoadError as error:
            self += error.problems
