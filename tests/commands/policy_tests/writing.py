"""Test files as tests write them: a policy and cases in, results out."""

from __future__ import annotations

import textwrap
from pathlib import Path

from gateway.commands.policy_tests.report import FileResult
from gateway.commands.policy_tests.suites import run_file

TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
METADATA = f"https://login.microsoftonline.com/{TENANT}/v2.0/.well-known/openid-configuration"


def written(directory: Path, policy: str, tests: str, name: str = "one") -> Path:
    """A policy document and a test file for it; the file's path."""
    (directory / f"{name}.yaml").write_text(textwrap.dedent(policy))
    path = directory / f"{name}.policytest.yaml"
    path.write_text(f"policy: {name}.yaml\n{textwrap.dedent(tests)}")
    return path


def results(directory: Path, policy: str, tests: str) -> FileResult:
    """What running them gives."""
    return run_file(written(directory, policy, tests))


def failures(result: FileResult) -> list[str]:
    """Each difference in one line: what, expected, found."""
    assert not result.error, result.error
    found = [difference for outcome in result.outcomes for difference in outcome.differences]
    return [f"{each.what}: {each.expected} / {each.found}" for each in found]
