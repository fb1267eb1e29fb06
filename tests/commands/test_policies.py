"""``gateway policies``: the ready-made documents without a checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli import main
from gateway.commands.check.report import check_all
from gateway.commands.policies.copying import copied, shown
from gateway.commands.policies.listing import listed
from gateway.commands.policy_tests.suites import run_tests
from gateway.commands.ready_made import document, documents, folder
from gateway.errors import GatewayError

FOLDER = Path(__file__).parents[2] / "policies"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["policies", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_every_document_is_listed() -> None:
    """Each file of the folder has its line with what it does, and one with what must be configured for it."""
    assert folder() == FOLDER
    names = {path.stem for path in FOLDER.iterdir() if path.is_file()}
    assert names == set(documents())
    lines = listed().splitlines()
    assert {line.split()[0] for line in lines if line[:1].strip()} - {"gateway"} == names
    assert all(document(name).summary.endswith((".", "?")) for name in names)
    at = next(number for number, line in enumerate(lines) if line.startswith("backend-token "))
    assert lines[at + 1].strip() == (
        "needs named values: token-url, backend-client-id, backend-client-secret, backend-scope"
    )


@pytest.mark.parametrize("name", documents())
def test_comments_name_what_is_needed(name: str) -> None:
    """What the list says is needed is what the document's own comment says."""
    text = document(name).file.read_text()
    needs = [each for _, names in document(name).needs() for each in names]
    comment = text.partition("\n\n")[0] if document(name).file.suffix == ".yaml" else text
    assert [each for each in needs if each not in comment] == []


@pytest.mark.parametrize("suffix", [".yaml", ".xml"])
def test_copies_pass_their_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    """In either form all documents and their tests can be copied, load, and pass."""
    assert "cors needs named value: app-origin" in copied(None, tmp_path, suffix)
    assert {path.suffix for path in tmp_path.iterdir() if path.is_file()} == {suffix}
    assert all(report.ok for report in check_all([tmp_path], None))
    if suffix == ".xml":  # the others run where they are
        assert run_tests([tmp_path]) == 0
        assert ", 0 failed" in capsys.readouterr().out


def test_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A name prints the file as it is; --xml the XML as it is, or made from the YAML with its comments."""
    assert run("cors") == 0
    assert capsys.readouterr().out == (FOLDER / "cors.yaml").read_text()
    assert shown("caller-objectid", ".xml") == (FOLDER / "caller-objectid.xml").read_text()
    assert run("cors.yaml", "--xml") == 0
    made = capsys.readouterr().out
    assert "<cors " in made
    assert "Keep it first" in made


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["corz"], "no ready-made policy is called 'corz' (did you mean cors?)"),
        (["caller"], "(did you mean caller-objectid or caller-objectid-oid or rate-limit-per-caller?)"),
        (["zzz"], "(gateway policies lists them)"),
        (["cors", "--xml", "--yaml"], "exclude each other"),
        (["cors", "--copy", "a", "-o", "b.xml"], "exclude each other"),
        (["-o", "b.xml"], "name it"),
        (["cors", "-o", "b"], "does not tell the form"),
        (["cors", "-o", "mine.xml"], "mine.xml is there already"),
        (["cors", "--copy", "."], "cors.yaml is there already"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    """A wrong name is answered with the right one; nothing is overwritten, and nothing is written beside it."""
    monkeypatch.chdir(tmp_path)
    for name in ("mine.xml", "cors.yaml"):
        Path(name).write_text("mine")
    assert run(*arguments) == 1
    assert said in capsys.readouterr().err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"mine.xml": "mine", "cors.yaml": "mine"}


def test_the_suffix_tells_the_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """-o writes one document in the form of the file's suffix, and says what it needs."""
    assert run("cors", "-o", str(tmp_path / "new" / "c.xml")) == 0
    assert (tmp_path / "new" / "c.xml").read_text().startswith("<")
    assert capsys.readouterr().out.splitlines()[1:] == ["cors needs named value: app-origin"]


def test_documents_are_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wheel's own copy is preferred to what happens to be beside the package."""
    monkeypatch.setattr("gateway.commands.ready_made._PACKAGE", tmp_path)
    with pytest.raises((GatewayError, FileNotFoundError)):
        document("cors")
    (tmp_path / "ready_made").mkdir()
    assert folder() == tmp_path / "ready_made" / "policies"
