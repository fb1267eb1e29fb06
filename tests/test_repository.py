"""What surrounds the code is true: workflows and forms are valid, and the commands that they name exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
HOOKS = ROOT / ".pre-commit-config.yaml"
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PROGRAMS = Path(sys.executable).parent

SCHEMAS = {
    "vendor.github-workflows": sorted((GITHUB / "workflows").glob("*")),
    "vendor.dependabot": [GITHUB / "dependabot.yml"],
    "vendor.github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
    "vendor.github-issue-forms": [GITHUB / "ISSUE_TEMPLATE" / name for name in ("bug.yml", "policy.yml")],
}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_github_understands_its_files(schema: str) -> None:
    """Each file keeps to the schema that GitHub publishes for it; the schemas come with check-jsonschema."""
    assert SCHEMAS[schema]
    command = [str(PROGRAMS / "check-jsonschema"), "--builtin-schema", schema, *map(str, SCHEMAS[schema])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_file_is_checked() -> None:
    """Every YAML file in .github is checked."""
    checked = {path for paths in SCHEMAS.values() for path in paths}
    assert {path for path in GITHUB.rglob("*.y*ml")} == checked


def test_hooks_are_understood() -> None:
    """pre-commit accepts its configuration."""
    subprocess.run([PROGRAMS / "pre-commit", "validate-config", HOOKS], check=True)


def commands() -> Iterator[str]:
    """Everything that the workflows and the hooks run."""
    for path in (GITHUB / "workflows").glob("*"):
        jobs: dict[str, Any] = yaml.safe_load(path.read_text())["jobs"]
        yield from (step["run"] for job in jobs.values() for step in job["steps"] if "run" in step)
    for repository in yaml.safe_load(HOOKS.read_text())["repos"]:
        yield from (hook["entry"] for hook in repository["hooks"])


@pytest.mark.parametrize("command", [line for text in commands() for line in text.splitlines()])
def test_commands_exist(command: str) -> None:
    """A workflow or a hook runs what is in the repository, or what `make install` installs."""
    program, *arguments = shlex.split(command)
    if program == "make":
        assert set(arguments) <= TARGETS
    elif program == "python":  # of actions/setup-python; on Windows no script can be run by its name
        assert arguments[:2] == ["-m", "pip"] or (ROOT / arguments[0]).is_file()
    elif program.startswith(".venv/bin/"):
        assert (PROGRAMS / Path(program).name).exists()
    else:
        assert (ROOT / program).stat().st_mode & 0o111, program


def test_the_gate_runs_what_the_readme_promises() -> None:
    """CI runs the README's own command, with the tools that `make tools` installs, and no excuse for a skipped test."""
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-2:] == [".ci/tools", "CI=true make test"]
    assert re.search(r"^tools:.*\n\t@\.ci/tools$", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_owners_exist() -> None:
    """Each path that CODEOWNERS names is there, and each line names an owner."""
    for line in (GITHUB / "CODEOWNERS").read_text().splitlines():
        path, *owners = line.split()
        if path != "#":
            assert path == "*" or (ROOT / path.lstrip("/")).exists()
            assert owners
            assert all(owner.startswith("@") for owner in owners)


# -- workflows
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
WRITING = {
    "id-token": {"attest", "pypi", "image"},
    "attestations": {"attest", "image"},
    "packages": {"image"},
    "contents": {"announce"},
}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(path: Path) -> None:
    """An action is named by its commit, beside its version: a tag can be moved to other code."""
    used = re.findall(r"uses: (.+)$", path.read_text(), re.MULTILINE)
    assert used
    assert [name for name in used if re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", name) is None] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_may_do_no_more_than_they_need(path: Path) -> None:
    """Every job has an end; it reads, and only those that publish write, each what it publishes."""
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 60
        granted = job.get("permissions", {})
        writes = {scope for scope, level in granted.items() if level == "write"}
        assert writes == {scope for scope, jobs in WRITING.items() if name in jobs}


def _run_tagged(folder: Path, tag: str, version: str, heading: str) -> subprocess.CompletedProcess[str]:
    (folder / ".ci").mkdir(parents=True)
    (folder / "gateway").mkdir()
    script = folder / ".ci" / "tagged"
    script.write_bytes((ROOT / ".ci" / "tagged").read_bytes())
    (folder / "gateway" / "__init__.py").write_text(f'__version__ = "{version}"\n')
    (folder / "CHANGELOG.md").write_text(f"# Changelog\n\n## {heading}\n")
    return subprocess.run(["bash", script], env={"TAG": tag}, capture_output=True, text=True, check=False)


TAGS = {
    "right": ("v1.2.3", "1.2.3", "1.2.3 – 2027-01-31", 0),
    "other version": ("v1.2.4", "1.2.3", "1.2.3 – 2027-01-31", 1),
    "no date": ("v1.2.3", "1.2.3", "1.2.3 – unreleased", 1),
    "no changes": ("v1.2.3", "1.2.3", "1.2.2 – 2027-01-31", 1),
}


@pytest.mark.parametrize(("tag", "version", "heading", "status"), TAGS.values(), ids=TAGS)
def test_only_what_is_written_down_is_released(
    tmp_path: Path, tag: str, version: str, heading: str, status: int
) -> None:
    """A tag that is not the code's version, or whose changes have no date yet, stops the release."""
    done = _run_tagged(tmp_path / "x", tag, version, heading)
    assert done.returncode == status
    assert ("version=1.2.3" in done.stdout) == (status == 0)
