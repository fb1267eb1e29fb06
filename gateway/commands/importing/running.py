"""One import from end to end: read, map, write, check; with its progress on a terminal."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.commands.importing.checking import checked
from gateway.commands.importing.environment import with_example
from gateway.commands.importing.mapping.service import mapped
from gateway.commands.importing.plan import root_of
from gateway.commands.importing.report import ImportReport
from gateway.commands.importing.sources.forms import recognise
from gateway.commands.importing.sources.inputs import Inputs
from gateway.commands.importing.writing.folder import write


def run(source: Path, folder: Path, inputs: Inputs, *, dry: bool = False) -> ImportReport:
    """
    Import *source* into *folder*; with *dry*, into one that is removed afterwards.

    Raises:
        LoadError: The source cannot be read at all, or the folder cannot be written to.
    """
    form = recognise(source)
    with _step(f"reading {source}"):
        harvest = form.read(source, inputs)
    with _step(f"mapping {len(harvest.resources)} resources"):
        report = ImportReport(str(source), form.name, folder, with_example(mapped(harvest, root_of(source))), dry=dry)
    if not dry:
        return _completed(report, folder)
    with tempfile.TemporaryDirectory(prefix="gateway-import-") as temporary:
        return _completed(report, Path(temporary))


def _completed(report: ImportReport, folder: Path) -> ImportReport:
    with _step(f"writing {len(report.plan.files)} files"):
        report.written = write(report.plan, folder)
    with _step("checking the result"):
        report.problems = checked(folder, report.plan)
    return report


@contextmanager
def _step(text: str) -> Iterator[None]:
    """Shows what is under way on a terminal, and takes it away afterwards."""
    shown = sys.stderr.isatty()
    if shown:
        print(f"{text} …", end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
