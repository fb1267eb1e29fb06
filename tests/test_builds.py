"""What other repositories use in their builds: the GitHub Action, the pre-commit hooks, the examples of docs/ci.md."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cyclopts import CycloptsError

from gateway.cli import app
from gateway.commands.init.start import begin
from tests.processes import unmeasured

ROOT = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in ACTION["runs"]["steps"] if "id" in step}
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
PAGE = (ROOT / "docs" / "ci.md").read_text()
BLOCKS = {
    name: text for name, text in re.findall(r"^## ([\w -]+)\n.*?^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
}
BAD = '<policies><inbound><nope />\n<set-header name="{{x}}" exists-action="delete" /></inbound></policies>'


# -- the action, as a runner runs it
@dataclass
class Build:
    """One run of the action's steps in the repository *root*."""

    root: Path
    inputs: dict[str, str]
    gateway: str = str(PROGRAMS / "gateway")

    def run(self, name: str) -> tuple[int, str, dict[str, str]]:
        """Exit code, log and outputs of a step, run as GitHub's runner runs bash."""
        step = STEPS[name]
        output, script = self.root.parent / "output", self.root.parent / f"{name}.sh"
        output.write_text("")
        script.write_text(step["run"])
        host = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(self.root), "GITHUB_OUTPUT": str(output)}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.root / self._filled(step.get("working-directory", ".")),
            env=unmeasured() | host | {key: self._filled(text) for key, text in step["env"].items()},
            capture_output=True,
            text=True,
            check=False,
        )
        outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        return done.returncode, done.stdout + done.stderr, outputs

    def _filled(self, text: str) -> str:
        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: self._value(found[1]), text)

    def _value(self, name: str) -> str:
        if name.startswith("inputs."):
            key = name.removeprefix("inputs.")
            return self.inputs.get(key, str(ACTION["inputs"][key]["default"]))
        return {
            "github.action_path": str(ROOT),
            "runner.temp": str(self.root.parent),
            "steps.install.outputs.gateway": self.gateway,
        }[name]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with what `gateway init` writes."""
    (tmp_path / "repo").mkdir()
    begin(tmp_path / "repo")
    return tmp_path / "repo"


def test_the_action_is_valid() -> None:
    """GitHub's schema accepts it, and no input is put into a script: each arrives in a variable."""
    command = [
        str(PROGRAMS / "check-jsonschema"),
        "--builtin-schema",
        "vendor.github-actions",
        str(ROOT / "action.yml"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert [name for name, step in STEPS.items() if "${{" in step["run"]] == []
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text()))
    assert used == set(ACTION["inputs"])


def test_a_bad_repository_fails(repository: Path) -> None:
    """Annotations and SARIF have paths from the root, also from a folder below and with spaces; the step fails."""
    (repository / "sub" / "my policies").mkdir(parents=True)
    (repository / "sub" / "my policies" / "a.xml").write_text(BAD)
    inputs = {"working-directory": "sub", "files": "my policies\n\n", "sarif": "out.sarif", "target": "azure"}
    status, log, outputs = Build(repository, inputs).run("check")
    assert status == 1
    assert log.splitlines() == [
        "::error file=sub/my policies/a.xml,line=1,col=20,title=unknown-element"
        "::no policy is called 'nope' (remove it)",
        "::notice file=sub/my policies/a.xml,line=2,col=19,title=unknown-named-value"
        "::named value 'x' is not configured (add x under named-values in the configuration)",
        "1 error, 1 note in 1 file",
    ]
    results = json.loads((repository / outputs["sarif"]).read_text())["runs"][0]["results"]
    uris = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results}
    assert uris == {"sub/my%20policies/a.xml"}


@pytest.mark.parametrize(
    ("inputs", "status"),
    [({}, 0), pytest.param({"assume-secrets": "false", "config": "config.yaml"}, 1, marks=pytest.mark.slow)],
)
def test_secrets_need_not_be_there(repository: Path, inputs: dict[str, str], status: int) -> None:
    """A configuration with secrets is checked without them, unless the input says otherwise."""
    config = repository / "config.yaml"
    config.write_text(config.read_text().replace("greeting: Hello", "greeting: {env: NOT_SET_HERE}"))
    found, log, _ = Build(repository, inputs).run("check")
    assert found == status, log
    assert ("::error file=config.yaml,line=" in log) is (status == 1)


@pytest.mark.parametrize(
    ("inputs", "status", "said"),
    [
        ({"tests": "nowhere"}, 1, "nowhere"),
        ({"working-directory": "policies"}, 0, "::notice::There are no policy tests"),
        ({"tests": "tests\n", "junit": "report.xml"}, 0, "3 passed"),
    ],
)
def test_tests_of_a_build(repository: Path, inputs: dict[str, str], status: int, said: str) -> None:
    """Named tests run, missing ones fail, and a repository without any passes with a notice."""
    found, log, _ = Build(repository, inputs).run("test")
    assert found == status, log
    assert said in log
    assert (repository / "report.xml").exists() is ("junit" in inputs)


def test_the_tests_run_after_a_failed_check() -> None:
    """Both are seen in one build; only without the program nothing runs."""
    assert STEPS["test"]["if"] == (
        "${{ !cancelled() && steps.install.outcome == 'success' && inputs.tests != 'none' }}"
    )


def test_inputs_are_documented() -> None:
    """The page's table has each input with its default and its description."""
    rows = re.findall(r"^\| `([\w-]+)` \| (?:`(.*?)`|empty) \| (.*) \|$", PAGE, re.MULTILINE)
    assert [row for row in rows if row[0] in ACTION["inputs"] and row[0] != "format" or row[2].startswith("How")] == [
        (name, entry["default"], entry["description"]) for name, entry in ACTION["inputs"].items()
    ]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_action_installs_itself(repository: Path) -> None:
    """The install step makes an environment with the locked releases, and the other steps run with its program."""
    status, log, outputs = Build(repository, {}).run("install")
    assert status == 0, log
    assert Path(outputs["gateway"]).is_relative_to(repository.parent)
    build = Build(repository, {}, outputs["gateway"])
    assert build.run("check")[:2] == (0, "0 errors, 0 notes in 1 file\n")
    assert "3 passed" in build.run("test")[1]


# -- hooks
def test_the_hooks_are_valid() -> None:
    """pre-commit accepts the manifest; what it runs are commands with options that exist."""
    subprocess.run([PROGRAMS / "pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml"], check=True)
    for hook in HOOKS:
        _parse([*shlex.split(hook["entry"]), *hook.get("args", [])])


@pytest.mark.parametrize(
    ("file", "checked"),
    [
        ("policies/a.xml", True),
        ("api/policies/a.yaml", True),
        ("apis/echo/policy.xml", True),
        ("pom.xml", False),
        ("policies/tests/a.policytest.yaml", False),
        ("policies/a.policytest.yaml", False),
        ("config.yaml", False),
        ("my-policy.xml", False),
    ],
)
def test_which_files_are_checked(file: str, checked: bool) -> None:
    """The hook takes policy documents by where they usually are, and leaves other XML and YAML alone."""
    (hook,) = (hook for hook in HOOKS if hook["id"] == "gateway-check")
    found = re.search(hook["files"], file) is not None and re.search(hook["exclude"], file) is None
    assert found is checked


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_hooks_run(repository: Path, tmp_path: Path) -> None:
    """pre-commit installs them from this repository, and they pass or fail with the repository that uses them."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    (repository / "policies" / "bad.xml").write_text(BAD)
    for arguments in (["init", "-q"], ["add", "-A"]):
        subprocess.run([*git, *arguments], cwd=repository, check=True)
    command = [str(PROGRAMS / "pre-commit"), "try-repo", str(ROOT), "--all-files"]
    environment = os.environ | {"PRE_COMMIT_HOME": str(tmp_path / "cache")}
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    results = re.findall(r"^gateway (check -c|check|test)\.+(\w+)$", done.stdout, re.MULTILINE)
    assert results == [("check", "Failed"), ("check -c", "Passed"), ("test", "Passed")], done.stdout
    assert "policies/bad.xml:1:20: unknown-element" in done.stdout


# -- the page
SCHEMAS = {
    "GitHub Actions": "vendor.github-workflows",
    "Azure Pipelines": "vendor.azure-pipelines",
    "GitLab": "vendor.gitlab-ci",
}


def test_the_page_has_an_example_for_each() -> None:
    """Nothing on the page goes untested."""
    assert set(BLOCKS) == {*SCHEMAS, "pre-commit"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_hosts_understand_the_examples(name: str, tmp_path: Path) -> None:
    """Each example keeps to the schema that its host publishes."""
    (tmp_path / "build.yml").write_text(BLOCKS[name])
    command = [str(PROGRAMS / "check-jsonschema"), "--builtin-schema", SCHEMAS[name], str(tmp_path / "build.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_github_example_runs(repository: Path) -> None:
    """The action takes the inputs of the example, and its steps succeed with them."""
    steps = yaml.safe_load(BLOCKS["GitHub Actions"])["jobs"]["policies"]["steps"]
    (used,) = (step for step in steps if step["uses"].startswith("apim-policy-gateway/"))
    assert set(used["with"]) <= set(ACTION["inputs"])
    build = Build(repository, used["with"])
    status, log, outputs = build.run("check")
    assert (status, log) == (0, "0 errors, 0 notes in 1 file\n")
    assert outputs == {"sarif": "./policies.sarif"}
    assert json.loads((repository / outputs["sarif"]).read_text())["version"] == "2.1.0"
    status, log, _ = build.run("test")
    assert status == 0
    assert "3 passed, 0 failed" in log
    (upload,) = (step for step in steps if "upload-sarif" in step["uses"])
    assert upload["with"]["sarif_file"] == f"${{{{ steps.{used['id']}.outputs.{next(iter(ACTION['outputs']))} }}}}"


def test_the_pre_commit_example_is_understood(tmp_path: Path) -> None:
    """pre-commit accepts it, and the hooks are those that there are."""
    (tmp_path / "config.yaml").write_text(BLOCKS["pre-commit"])
    subprocess.run([PROGRAMS / "pre-commit", "validate-config", tmp_path / "config.yaml"], check=True)
    (used,) = yaml.safe_load(BLOCKS["pre-commit"])["repos"]
    assert [hook["id"] for hook in used["hooks"]] == [hook["id"] for hook in HOOKS]


def _lines(name: str) -> list[str]:
    content = yaml.safe_load(BLOCKS[name])
    if name == "GitLab":
        return list(content["policies"]["script"])
    return [step["script"] for step in content["steps"] if "script" in step]


@pytest.mark.parametrize("name", ["Azure Pipelines", "GitLab"])
def test_the_scripts_exist(name: str) -> None:
    """The commands of the example have the options that they are given there."""
    for line in _lines(name)[1:]:
        _parse(shlex.split(line.partition(" > ")[0]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reports"),
    [("Azure Pipelines", {"policy-tests.xml"}), ("GitLab", {"policies.json", "policy-tests.xml"})],
)
def test_the_scripts_run(name: str, reports: set[str], repository: Path) -> None:
    """The commands of the example pass in a folder that `gateway init` has made, and write what the host collects."""
    install, *scripts = _lines(name)
    assert install.startswith("pip install ")
    for line in scripts:
        path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(["bash", "-ec", line], cwd=repository, env=unmeasured() | {"PATH": path}, check=True)
    written = {file.name for file in repository.iterdir()} - {"config.yaml", "policies", "tests"}
    assert written == reports
    assert all(report in BLOCKS[name].replace(install, "") for report in reports)


def _parse(words: list[str]) -> None:
    program, *arguments = words
    assert program == "gateway"
    try:
        app.parse_args(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        pytest.fail(str(error))
