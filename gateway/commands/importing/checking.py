"""What ``gateway check`` says of an imported configuration, with the places of the source where they are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.commands.check.report import check_config
from gateway.commands.importing.planned import Planned
from gateway.commands.importing.writing.folder import CONFIG
from gateway.errors import Location, Problem


@dataclass(frozen=True, slots=True)
class Checked:
    """
    A mistake in what was imported.

    Attributes:
        problem: As ``gateway check`` reports it.
        source: Where the source has it, if its text was copied.
    """

    problem: Problem
    source: Location | None = None


def checked(folder: Path, plan: Planned) -> list[Checked]:
    """Every problem of the configuration in *folder*; variables that are not set count as set."""
    reports = check_config(folder / CONFIG, assume_secrets=True)
    return list(with_sources((problem for report in reports for problem in report.problems), folder, plan))


def with_sources(problems: Iterable[Problem], folder: Path, plan: Planned) -> Iterator[Checked]:
    """*problems* of the configuration in *folder*, with the places of the texts that were copied into it."""
    root = folder.resolve()
    for problem in problems:
        path = Path(problem.location.file).resolve()
        relative = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
        shown = replace(problem.location, file=str(folder / relative if relative else path))
        origin = plan.origins.get(relative)
        yield Checked(replace(problem, location=shown), None if origin is None else _moved(problem.location, origin))


def _moved(place: Location, origin: Location) -> Location:
    """*place* of a file whose text begins at *origin* in the source."""
    column = place.column + (origin.column - 1 if place.line == 1 else 0)
    return Location(origin.file, origin.line + place.line - 1, column)
