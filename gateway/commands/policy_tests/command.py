"""The command line of ``gateway test``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def run_policy_tests(
    *files: Path,
    only: Annotated[str | None, Parameter(name=["--only", "-k"])] = None,
    junit: Path | None = None,
) -> int:
    """
    Run policy tests written in YAML; nothing leaves this process. Exit code 0 or 1.

    Parameters
    ----------
    files
        Test files, or directories of them; without any, every *.policytest.yaml below the current directory.
    only
        Only tests whose name contains this text.
    junit
        Write a JUnit report to this file.
    """
    from gateway.commands.policy_tests.suites import run_tests
    from gateway.telemetry import logs

    logs.configure("error", "console")
    return run_tests(files, only, junit)
