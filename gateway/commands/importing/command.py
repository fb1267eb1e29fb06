"""The command line of ``gateway import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def import_instance(  # noqa: PLR0913 (one option each)
    source: Path,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    parameters: Annotated[list[Path] | None, Parameter(negative="")] = None,
    settings: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    report: Path | None = None,
    format: Literal["text", "json"] = "text",
    strict: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """
    Make a configuration and policy documents of an Azure API Management instance. Exit code 0 when the result loads.

    What was taken over, changed, needs you or was left out is reported with its place in the source.

    Parameters
    ----------
    source
        The instance as you keep it: a file or a folder.
    output
        Folder for the result. Importing into it again keeps what you have changed there.
    parameters
        File with parameters of the deployment; may be given several times, later ones win.
    settings
        One parameter as `name=value`; wins over files.
    report
        Also write the report to this file, as JSON.
    format
        The report on the screen: lines for people, or JSON.
    strict
        Exit code 1 also when something that may matter for traffic needs you or was left out.
    dry_run
        Report only, write nothing but --report.
    """
    from gateway.commands.importing.report import FORMATS
    from gateway.commands.importing.running import run
    from gateway.commands.importing.sources.inputs import read_inputs

    outcome = run(source, output, read_inputs(parameters or (), settings or ()), dry=dry_run)
    if report is not None:
        _save(report, FORMATS["json"](outcome) + "\n")
    print(FORMATS[format](outcome))
    return 1 if outcome.problems or (strict and outcome.incomplete) else 0


def _save(path: Path, text: str) -> None:
    """Write a report. Raises LoadError: it cannot be written there."""
    from gateway.commands.importing.writing.folder import not_writable

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise not_writable(path, error) from None
