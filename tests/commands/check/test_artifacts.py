"""``gateway check`` knows artifacts folders of APIOps: each file for what it is, mistakes at their places."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.commands.check.report import Report
from gateway.commands.check.running import check_paths
from tests.commands.importing.apiops_folder import DEFINITION, POLICY, an_api, written

FRAGMENT = '<fragment>\n  <set-header name="x-key"><value>{{key}}</value></set-header>\n</fragment>'
USES = '<policies><inbound>\n<base /><include-fragment fragment-id="trace" />\n</inbound></policies>'
BACKEND = '<policies><inbound><set-backend-service backend-id="b" /></inbound></policies>'
GOOD: dict[str, object] = {
    "policy.xml": "<policies><inbound></inbound><backend><forward-request /></backend></policies>",
    "apis/orders/apiInformation.json": an_api(),
    "apis/orders/specification.yaml": DEFINITION,
    "apis/orders/policy.xml": USES,
    "apis/orders/operations/create/policy.xml": POLICY,
    "named values/key/namedValueInformation.json": {"displayName": "key", "secret": True},
    "policy fragments/trace/policyFragmentInformation.json": {"description": "adds a key"},
    "policy fragments/trace/policy.xml": FRAGMENT,
    "tags/t/tagInformation.json": {"displayName": "t"},
}


def _problems(reports: list[Report], root: Path) -> dict[str, str]:
    problems = [problem for report in reports for problem in report.problems]
    return {str(problem.location).removeprefix(f"{root}/"): problem.code for problem in problems}


def test_each_file_is_what_it_is(tmp_path: Path) -> None:
    """A folder without mistakes is fine: definitions are no policies, fragments and named values are known."""
    root = written(tmp_path / "repository/apimartifacts", GOOD)
    written(tmp_path / "repository", {"readme.xml": POLICY, "other.yaml": "a: 1"})
    reports = check_paths([tmp_path / "repository"], None)
    assert _problems(reports, root) == {}
    verdicts = {report.file.removeprefix(f"{root}/"): report.verdict for report in reports if not report.notes}
    assert verdicts[f"{tmp_path}/repository/readme.xml"] == "ok"
    assert verdicts["policy.xml"] == "ok, global policy document"
    assert verdicts["apis/orders/specification.yaml"] == "ok, definition of apis orders"
    assert verdicts["policy fragments/trace/policy.xml"] == "ok, policy fragment of policyFragments trace"
    assert verdicts["apis/orders/operations/create/policy.xml"] == (
        "ok, policy document of apis/operations orders/create"
    )


def test_mistakes_have_their_places(tmp_path: Path) -> None:
    """What is wrong is reported in the folder's own file, line and column; a definition that is refused is a note."""
    mistakes: dict[str, object] = {
        "apis/orders/policy.xml": USES.replace('"trace"', '"unknown"'),
        "apis/orders/operations/create/policy.xml": "<policies><inbound>\n  <nothing /></inbound></policies>",
        "apis/orders/operations/list/policy.xml": BACKEND,
        "apis/again/apiInformation.json": an_api(path="again"),
        "apis/again/specification.yaml": DEFINITION.replace("openapi: 3.0.1", "openapi: 7.0.1"),
        "policy fragments/trace/policy.xml": FRAGMENT.replace("{{key}}", "{{other}}"),
        "tags/t/tagInformation.json": "{",
        "tags/t/odd.json": "{}",
    }
    root = written(tmp_path / "apimartifacts", {**GOOD, **mistakes})
    reports = check_paths([root], None)
    assert _problems(reports, root) == {
        "apis/orders/policy.xml:2:9": "unknown-fragment",
        "apis/orders/operations/create/policy.xml:2:3": "unknown-element",
        "apis/orders/operations/list/policy.xml:1:53": "unknown-backend",
        "policy fragments/trace/policy.xml:2:35": "unknown-named-value",
        "tags/t/tagInformation.json:1:2": "needs-you",
    }
    notes = {note.location.file.removeprefix(f"{root}/") for report in reports for note in report.notes}
    assert {"apis/again/specification.yaml", "tags/t/odd.json"} <= notes


def test_single_files_are_known_too(tmp_path: Path) -> None:
    """Files that a commit names are checked with their folder, and alone reported."""
    root = written(tmp_path / "apimartifacts", {**GOOD, "policy.xml": "<policies><nothing /></policies>"})
    named = [root / "apis/orders/policy.xml", root / "apis/orders/specification.yaml"]
    assert [(report.file, report.ok) for report in check_paths(named, None)] == [(str(path), True) for path in named]
    assert [report.ok for report in check_paths([root / "policy.xml"], None)] == [False]


def test_the_command_exits_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command's exit code is that of the folder."""
    root = written(tmp_path / "apimartifacts", GOOD)
    shutil.rmtree(root / "policy fragments")
    with pytest.raises(SystemExit) as ended:
        main(["check", str(root), "--target", "azure"])
    assert ended.value.code == 1
    assert "unknown-fragment" in capsys.readouterr().out


def test_no_copy_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The private folder of the check is gone afterwards, and nothing is written beside the source."""
    root = written(tmp_path / "apimartifacts", GOOD)
    before = sorted(root.rglob("*"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    check_paths([root], None)
    assert (sorted(root.rglob("*")), list((tmp_path / "temporary").iterdir())) == (before, [])
