"""Which files, which tests, and the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gateway.commands.policy_tests.reading import TestFile, discover, read
from gateway.commands.policy_tests.report import FileResult, junit, text
from gateway.commands.policy_tests.running import run_case
from gateway.errors import GatewayError


def run_tests(files: Sequence[Path], name_part: str | None = None, junit_file: Path | None = None) -> int:
    """
    Run the tests in *files*, or in every ``*.policytest.yaml`` below the current directory, and print the results.

    Args:
        name_part: Only tests whose name contains this, in any case.
        junit_file: Where to write a JUnit report.

    Returns:
        The exit code: 0 when all passed, 1 when one failed, a file is bad, or there was nothing to run.
    """
    results = [run_file(path, name_part) for path in _paths(files)]
    for line in text(results):
        print(line)
    if junit_file is not None:
        junit_file.write_text(junit(results), "utf-8")
    if not any(result.outcomes or result.error for result in results):
        print("no tests found; test files are called NAME.policytest.yaml")
        return 1
    return int(not all(result.passed for result in results))


def _paths(files: Sequence[Path]) -> list[Path]:
    """The test files that are meant: *files*, and what is in those that are directories."""
    return [path for named in files or [Path()] for path in (discover(named) if named.is_dir() else [named])]


def run_file(path: Path, name_part: str | None = None) -> FileResult:
    """The results of one file; of the tests whose name contains *name_part*."""
    try:
        file = read(path)
        return FileResult(path, tuple(run_case(file, index) for index in _chosen(file, name_part)))
    except GatewayError as error:
        return FileResult(path, error=str(error))


def _chosen(file: TestFile, name_part: str | None) -> list[int]:
    wanted = (name_part or "").lower()
    return [index for index, case in enumerate(file.suite.tests) if wanted in case.name.lower()]
