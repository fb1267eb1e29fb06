"""``gateway check --format``: each host gets findings in its own words, escaped so that no text becomes a command."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import jsonschema
import pytest

from gateway.commands.check.annotations import azure_devops, github, gitlab
from gateway.commands.check.command import check
from gateway.commands.check.formats import FORMATS
from gateway.commands.check.places import ROOTS, checkout, uri, within
from gateway.commands.check.report import Report
from gateway.errors import Location, Problem
from tests.commands.check.hosts import GITLAB, SARIF

PLACE = Location("a/p.xml", 3, 7)
HOSTILE = "50% of\r\n::error::x, [y]; z: ##vso[task.complete]"


@pytest.fixture(autouse=True)
def _no_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ROOTS:
        monkeypatch.delenv(name, raising=False)


def report(file: str = "a/p.xml", message: str = "no such policy", remedy: str = "remove it") -> Report:
    place = Location(file, 3, 7)
    notes = [Problem(place, "token-after-cache", "second look"), Problem(place, "unknown-fragment", "not known")]
    return Report(file, (Problem(place, "unknown-element", message, remedy),), tuple(notes))


LINES = {
    "github": [
        "::error file=a/p.xml,line=3,col=7,title=unknown-element::no such policy (remove it)",
        "::warning file=a/p.xml,line=3,col=7,title=token-after-cache::second look",
        "::notice file=a/p.xml,line=3,col=7,title=unknown-fragment::not known",
        "1 error, 2 notes in 1 file",
    ],
    "azure-devops": [
        "##vso[task.logissue type=error;sourcepath=a/p.xml;linenumber=3;columnnumber=7;code=unknown-element]"
        "no such policy (remove it)",
        "##vso[task.logissue type=warning;sourcepath=a/p.xml;linenumber=3;columnnumber=7;code=token-after-cache]"
        "second look",
        "note: a/p.xml:3:7: unknown-fragment: not known",
        "1 error, 2 notes in 1 file",
    ],
}


@pytest.mark.parametrize("name", LINES)
def test_three_severities(name: str) -> None:
    """Errors fail the build, second looks are warnings, and what only a configuration can answer is a notice."""
    assert FORMATS[name]([report()]).splitlines() == LINES[name]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            github,
            "::error file=a%2Cb%3Ac%25.xml,line=3,col=7,title=unknown-element"
            "::50%25 of%0D%0A::error::x, [y]; z: ##vso[task.complete] (remove it)",
        ),
        (
            azure_devops,
            "##vso[task.logissue type=error;sourcepath=a,b:c%AZP25.xml;linenumber=3;columnnumber=7;"
            "code=unknown-element]50%AZP25 of%0D%0A::error::x, [y]; z: ##vso[task.complete] (remove it)",
        ),
    ],
)
def test_no_text_becomes_a_command(form: Callable[[Sequence[Report]], str], expected: str) -> None:
    """Line ends, per cent signs and separators of a document's own text are escaped where they would mean something."""
    lines = form([report("a,b:c%.xml", HOSTILE)]).splitlines()
    assert lines[0] == expected
    assert len(lines) == 3


def test_note_lines_are_lines() -> None:
    """What Azure Pipelines has no severity for stays on one line that begins with no command."""
    note = Problem(PLACE, "unknown-fragment", "a\n##vso[task.complete]\r::x")
    assert azure_devops([Report("p", (), (note,))]) == (
        "note: a/p.xml:3:7: unknown-fragment: a ##vso[task.complete] ::x"
    )


def test_code_quality() -> None:
    """GitLab's report has what its schema demands; a finding keeps its fingerprint when lines are added above it."""
    found = json.loads(gitlab([report(), report()]))
    jsonschema.validate(found, GITLAB)
    assert [issue["severity"] for issue in found[:3]] == ["major", "minor", "info"]
    assert len({issue["fingerprint"] for issue in found}) == 6
    moved = report()
    lower = Problem(Location("a/p.xml", 9, 1), "unknown-element", "no such policy", "remove it")
    after = json.loads(gitlab([Report("a/p.xml", (lower,), moved.notes)]))
    assert [issue["fingerprint"] for issue in after] == [issue["fingerprint"] for issue in found[:3]]
    assert json.loads(gitlab([])) == []


def test_sarif(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The log has the shape of SARIF 2.1.0, and is written to a file beside whatever is printed."""
    (tmp_path / "ä b.xml").write_text('<policies><inbound><nope /><set-header name="{{x}}" /></inbound></policies>')
    assert check(Path("ä b.xml"), format="github", sarif=Path("out.sarif")) == 1
    assert capsys.readouterr().out.startswith("::error file=ä b.xml,line=1,col=20,")
    log = json.loads((tmp_path / "out.sarif").read_text("utf-8"))
    jsonschema.validate(log, SARIF)
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "%C3%A4%20b.xml"
    assert json.loads(FORMATS["sarif"]([]))["runs"][0]["results"] == []


def test_the_shape_can_refuse() -> None:
    """What is no SARIF does not pass the test above."""
    log = json.loads(FORMATS["sarif"]([report()]))
    for broken in (
        log | {"version": "2.2"},
        log | {"extra": 1},
        {**log, "runs": [{**log["runs"][0], "results": [{"ruleId": "a"}]}]},
        {**log, "runs": [{"results": []}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SARIF)


# -- paths
POSIX, WINDOWS = PurePosixPath("/repo"), PureWindowsPath("D:\\a\\repo")


@pytest.mark.parametrize(
    ("file", "root", "here", "shown", "address"),
    [
        ("p.xml", POSIX, POSIX, "p.xml", "p.xml"),
        ("p.xml", POSIX, POSIX / "sub", "sub/p.xml", "sub/p.xml"),
        ("../q/p#1.xml", POSIX, POSIX / "sub", "q/p#1.xml", "q/p%231.xml"),
        ("/repo/a b.xml", POSIX, POSIX, "a b.xml", "a%20b.xml"),
        ("/repository/p.xml", POSIX, POSIX, "/repository/p.xml", "file:///repository/p.xml"),
        ("sub\\p.xml", WINDOWS, WINDOWS, "sub/p.xml", "sub/p.xml"),
        ("..\\p.xml", WINDOWS, WINDOWS / "sub", "p.xml", "p.xml"),
        ("d:\\A\\Repo\\p.xml", WINDOWS, WINDOWS, "p.xml", "p.xml"),
        ("C:\\a b\\p.xml", WINDOWS, WINDOWS, "C:/a b/p.xml", "file:///C:/a%20b/p.xml"),
    ],
)
def test_paths(file: str, root: PurePosixPath, here: PurePosixPath, shown: str, address: str) -> None:
    """Inside the checkout a path starts at its root, with slashes; elsewhere it is absolute. Windows ignores case."""
    path = within(file, root, here)
    assert path.as_posix() == shown
    assert uri(path) == address


@pytest.mark.parametrize("name", ROOTS)
def test_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """In a build the host says where the repository is; paths are its own also from a folder in it."""
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert checkout() == tmp_path / "sub"
    monkeypatch.setenv(name, str(tmp_path))
    assert checkout() == tmp_path
    assert " file=sub/p.xml,line=3" in github([report("p.xml")])


@pytest.mark.parametrize("windows", ["C:\\repo\\p.xml", "\\\\server\\share\\p.xml"])
def test_places_on_windows(windows: str) -> None:
    """The colon of a drive letter is not taken for that of the line."""
    assert str(Problem(Location(windows, 3, 7), "code", "text")) == f"{windows}:3:7: code: text"
