"""suites.py, reading.py, report.py: which tests run, what is printed, the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from gateway.cli import main
from gateway.commands.policy_tests.model import json_schema
from gateway.commands.policy_tests.reading import discover, read
from gateway.commands.policy_tests.suites import run_tests
from gateway.commands.policy_tests.typed_yaml import typed
from gateway.errors import LoadError
from tests.commands.policy_tests.writing import written

EXAMPLES = Path(__file__).parents[3] / "examples" / "policy-tests"
EMPTY = "inbound: [base]\nbackend: [base]\n"
MIXED = """
tests:
  - {name: It answers, expect: {status: 200}}
  - {name: It fails, expect: {status: 404}}
  - {name: Not yet, skip: waiting for v2, expect: {status: 500}}
"""


def test_discovery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file every test file below the current directory runs, but not those of tools."""
    for folder in ("a", "a/b", ".venv", "node_modules"):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder, EMPTY, MIXED)
    monkeypatch.chdir(tmp_path)
    assert [str(path.parent) for path in discover(Path())] == ["a/b", "a"]


@pytest.mark.parametrize("named", ["../policies/tests", "../.github/tests", "..", "../policies/../policies"])
def test_discovery_below_any_path(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named folder is searched wherever it is, even above the current one or below a hidden one."""
    for folder in ("policies/tests", ".github/tests", "work"):
        (tmp_path / folder).mkdir(parents=True)
        if folder != "work":
            written(tmp_path / folder, EMPTY, MIXED)
    monkeypatch.chdir(tmp_path / "work")
    assert len(discover(Path(named))) == 1


def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each test, the differences of what failed, a summary, exit code 1."""
    path = written(tmp_path, EMPTY, MIXED)
    assert run_tests([path]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "pass It answers"
    assert lines[1] == "FAIL It fails"
    assert lines[2] == f"  {path}:5:39: status"
    assert lines[3:5] == ["    expected 404", "    found    200"]
    assert lines[-2:] == ["skip Not yet (waiting for v2)", "1 passed, 1 failed, 1 skipped"]


def test_filter_and_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Part of a name selects tests, in any letter case; a directory means its files."""
    written(tmp_path, EMPTY, MIXED)
    assert run_tests([tmp_path], "ANSWERS") == 0
    assert capsys.readouterr().out.splitlines() == ["pass It answers", "1 passed, 0 failed"]
    assert run_tests([tmp_path], "nothing of that name") == 1
    assert "no tests found" in capsys.readouterr().out


def test_nothing_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory without tests is a failure: a CI that tests nothing must not be green."""
    monkeypatch.chdir(tmp_path)
    assert run_tests([]) == 1


def test_junit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JUnit report counts what passed, failed, was skipped or could not be loaded; its texts are escaped."""
    path = written(tmp_path, EMPTY, MIXED.replace("It fails", 'It "fails" <&>'))
    bad = tmp_path / "bad.policytest.yaml"
    bad.write_text("tests: 5")
    junit = tmp_path / "report.xml"
    assert run_tests([path, bad], junit_file=junit) == 1
    good, broken = ElementTree.fromstring(junit.read_text()).findall("testsuite")
    assert (good.get("tests"), good.get("failures"), good.get("skipped")) == ("3", "1", "1")
    assert [case.get("name") for case in good.findall("testcase")][1] == 'It "fails" <&>'
    assert good.findall("testcase")[1].find("failure") is not None
    assert (broken.get("tests"), broken.get("errors")) == ("1", "1")
    assert "1 files with errors" in capsys.readouterr().out


BAD = {
    "no policy": ("tests: [{name: a, expect: {}}]", "one-of"),
    "unknown key": ("policy: p.yaml\ntests: [{name: a, expct: {}, expect: {}}]", "unknown-key"),
    "no expectation": ("policy: p.yaml\ntests: [{name: a}]", "missing-key"),
    "no tests": ("policy: p.yaml\ntests: []", "bad-value"),
    "bad clock": ("policy: p.yaml\nclock: noon\ntests: [{name: a, expect: {}}]", "bad-time"),
    "bad lifetime": (
        "policy: p.yaml\ntokens: {a: {lifetime: 5 years}}\ntests: [{name: a, expect: {}}]",
        "bad-duration",
    ),
    "bad pattern": ("policy: p.yaml\ntests: [{name: a, expect: {body: {matches: '('}}}]", "bad-pattern"),
    "operation alone": ("config: p.yaml\noperation: a\ntests: [{name: a, expect: {}}]", "missing-setting"),
    "alias": ("policy: &a p.yaml\ntests: *a", "anchor-refused"),
    "not yaml": ("policy: [", "bad-yaml"),
}


@pytest.mark.parametrize(("text", "code"), BAD.values(), ids=BAD)
def test_bad_files(tmp_path: Path, text: str, code: str) -> None:
    """A mistake in a test file is reported with its place, as in every other file."""
    (tmp_path / "p.yaml").write_text(EMPTY)
    path = tmp_path / "bad.policytest.yaml"
    path.write_text(text)
    with pytest.raises(LoadError) as caught:
        read(path)
    assert code in [problem.code for problem in caught.value.problems]


@pytest.mark.parametrize(("key", "meant"), [("reqest", "request"), ("expct", "expect"), ("befor", "before")])
def test_misspelt_keys(tmp_path: Path, key: str, meant: str) -> None:
    """The proposal is a key of test files, not one of configurations."""
    path = tmp_path / "bad.policytest.yaml"
    path.write_text(f"policy: p.yaml\ntests: [{{name: a, expect: {{}}, {key}: {{}}}}]")
    (tmp_path / "p.yaml").write_text(EMPTY)
    with pytest.raises(LoadError) as caught:
        read(path)
    assert [problem.remedy for problem in caught.value.problems] == [f"did you mean {meant}?"]


def test_missing_file(tmp_path: Path) -> None:
    """A missing file is a LoadError."""
    with pytest.raises(LoadError, match="unreadable-file"):
        read(tmp_path / "none.policytest.yaml")


VALUES = {
    "1": 1,
    "-1.5": -1.5,
    "1e3": 1000.0,
    "true": True,
    "null": None,
    "~": None,
    "": None,
    "no": "no",
    "2026-01-01": "2026-01-01",
    "007": "007",
    "1_000": "1_000",
    "0x10": "0x10",
    "12:30": "12:30",
    "'5'": "5",
    "a\tb": "a\tb",
    "[a?.b]": ["a?.b"],
    "9" * 5_000: "9" * 5_000,
}


@pytest.mark.parametrize(("written_as", "value"), VALUES.items(), ids=[name[:20] for name in VALUES])
def test_plain_values(written_as: str, value: object) -> None:
    """Plain values are read as JSON would read them; everything else is text."""
    assert typed(f"a: {written_as}\n") == {"a": value}


def test_schema_accepts_the_examples() -> None:
    """The JSON Schema for editors accepts every example and refuses what is misspelt."""
    validator = Draft202012Validator(json_schema())
    paths = discover(EXAMPLES)
    assert paths
    for path in paths:
        assert [error.message for error in validator.iter_errors(typed(path.read_text()))] == [], path
    assert list(validator.iter_errors({"polcy": "a", "tests": []}))


@pytest.mark.parametrize("path", discover(EXAMPLES), ids=lambda path: path.stem)
def test_examples_pass(path: Path) -> None:
    """Every example in the repository passes."""
    assert run_tests([path]) == 0


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """``gateway schema test`` prints the schema."""
    with pytest.raises(SystemExit) as ended:
        main(["schema", "test"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["title"] == "gateway policy tests"
