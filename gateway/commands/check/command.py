"""The command line of ``gateway check``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from gateway.commands.options import CONFIG

if TYPE_CHECKING:
    from gateway.commands.check.report import Report


def check(
    *files: Path,
    config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """
    Load configuration and policy documents and report every problem. Exit code 0 or 1.

    Parameters
    ----------
    files
        Policy documents, or directories of them, to check on their own; unknown named values and fragments are notes
        then.
    config
        Check this configuration and every document that it names; `config.yaml` when no files are given either.
    as_json
        Print one JSON object per file.
    """
    from gateway.commands.check.report import check_all

    reports = check_all(files, config if config or files else CONFIG)
    for report in reports:
        print(json.dumps(report.as_json()) if as_json else _text(report))
    return 0 if all(report.ok for report in reports) else 1


def _text(report: Report) -> str:
    findings = [*report.problems, *report.notes]
    return "\n".join(map(str, findings)) if findings else f"{report.file}: ok"
