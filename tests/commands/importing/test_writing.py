"""Importing again into the same folder: what the source has is new, what a person has written stays."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.commands.importing.findings import ImportFinding
from gateway.commands.importing.planned import Planned
from gateway.commands.importing.writing.folder import WrittenFolder, write
from gateway.errors import LoadError

OLD = "<policies>\n    <!-- old -->\n</policies>\n"
NEW = "<policies>\n    <!-- new -->\n</policies>\n"


def planned(policy: str = OLD, **api: Any) -> Planned:
    """A small plan: one API with one policy; *api* changes or adds keys, None takes them away."""
    keys = {"id": "orders", "path": "orders", "service-url": "https://a.example.com", "policy": "policies/p.xml", **api}
    apis = [{key: value for key, value in keys.items() if value is not None}]
    return Planned({"named-values": {"a": "1"}, "apis": apis}, {"policies/p.xml": policy.encode()})


def content(folder: Path) -> dict[str, str]:
    """Every file below *folder*."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_text() for file in files}


def edited(folder: Path, name: str, old: str, new: str) -> None:
    """A person replaces *old*."""
    file = folder / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_a_second_import_changes_nothing(tmp_path: Path) -> None:
    """The same source gives the same bytes, and no file is touched."""
    write(planned(), tmp_path)
    before = content(tmp_path)
    times = {path: (tmp_path / path).stat().st_mtime_ns for path in before if path != "import.lock"}
    written = write(planned(), tmp_path)
    assert content(tmp_path) == before
    assert {path: (tmp_path / path).stat().st_mtime_ns for path in times} == times
    assert (written.created, written.replaced, written.removed, written.kept) == ([], [], [], [])


def test_what_a_person_adds_stays(tmp_path: Path) -> None:
    """Comments, keys and entries of a person's own stay while the source's changes arrive."""
    write(planned(), tmp_path)
    edited(tmp_path, "config.yaml", "named-values:", "listen: 0.0.0.0:8080  # ours\nnamed-values:\n  mine: x")
    edited(
        tmp_path, "config.yaml", "    path: orders\n", "    path: orders\n    path-escapes: ['//']  # the backend's\n"
    )
    written = write(planned(NEW, path="shop", name="Orders"), tmp_path)
    text = (tmp_path / "config.yaml").read_text()
    assert "listen: 0.0.0.0:8080  # ours\n" in text
    assert "  mine: x\n" in text
    assert "    path: shop\n    path-escapes: ['//']  # the backend's\n" in text
    assert "    name: Orders\n" in text
    assert (tmp_path / "policies/p.xml").read_text() == NEW
    assert written.findings == []


def test_a_change_of_a_person_stays_while_the_source_has_none(tmp_path: Path) -> None:
    """What a person has changed or taken out is not undone by the next import."""
    write(planned(), tmp_path)
    edited(tmp_path, "config.yaml", "https://a.example.com", "http://127.0.0.1:9")
    edited(tmp_path, "config.yaml", "  a: '1'\n", "  b: '2'\n")
    edited(tmp_path, "policies/p.xml", "old", "mine")
    before = content(tmp_path)
    assert write(planned(), tmp_path).findings == []
    assert content(tmp_path) == before


def _conflicts(findings: list[ImportFinding]) -> list[str]:
    return [f"{finding.what}: {finding.message}" for finding in findings]


def test_a_change_on_both_sides_is_a_persons_to_join(tmp_path: Path) -> None:
    """A person's version is kept, the source's is beside it or in the report, and it is said once."""
    write(planned(), tmp_path)
    edited(tmp_path, "config.yaml", "https://a.example.com", "http://127.0.0.1:9")
    edited(tmp_path, "policies/p.xml", "old", "mine")
    new = planned(NEW, **{"service-url": "https://b.example.com"})
    written = write(new, tmp_path)
    assert _conflicts(written.findings) == [
        "config.yaml: apis.orders.service-url: you have changed it, and so has the source: yours is kept",
        "policies/p.xml: you have changed it, and so has the source: yours is kept, the new version is "
        "policies/p.xml.imported",
    ]
    assert "https://b.example.com" in written.findings[0].remedy
    assert "mine" in (tmp_path / "policies/p.xml").read_text()
    assert (tmp_path / "policies/p.xml.imported").read_text() == NEW
    assert "http://127.0.0.1:9" in (tmp_path / "config.yaml").read_text()
    assert write(new, tmp_path).findings == []


def test_what_the_source_has_dropped_is_removed(tmp_path: Path) -> None:
    """Files and entries that are gone from the source go, unless a person has changed them."""
    second = {"id": "second", "path": "second", "policy": "policies/q.xml"}
    plan = planned(name="Orders")
    plan.config["apis"].append(second)
    plan.files["policies/q.xml"] = OLD.encode()
    write(plan, tmp_path)
    written = write(planned(), tmp_path)
    assert written.removed == ["policies/q.xml"]
    text = (tmp_path / "config.yaml").read_text()
    assert "second" not in text
    assert "name: Orders" not in text
    write(plan, tmp_path)
    edited(tmp_path, "policies/q.xml", "old", "mine")
    edited(tmp_path, "config.yaml", "path: second", "path: zweite")
    written = write(planned(), tmp_path)
    assert len(written.findings) == 2
    assert (tmp_path / "policies/q.xml").exists()
    assert "zweite" in (tmp_path / "config.yaml").read_text()


def test_a_file_that_a_person_has_deleted_comes_back(tmp_path: Path) -> None:
    """The configuration names it, so it is written again."""
    write(planned(), tmp_path)
    (tmp_path / "policies/p.xml").unlink()
    assert write(planned(), tmp_path).created == ["policies/p.xml"]


def test_an_edited_configuration_keeps_its_bytes(tmp_path: Path) -> None:
    """Where the source changes one value, every other line stays as the person has written it."""
    write(planned(), tmp_path)
    edited(tmp_path, "config.yaml", "named-values:", 'via: "x"   #   odd   spacing\n\n\n# a remark\nnamed-values:')
    before = (tmp_path / "config.yaml").read_text()
    write(planned(path="shop"), tmp_path)
    assert (tmp_path / "config.yaml").read_text() == before.replace("path: orders", "path: shop")


def _stranger(folder: Path) -> None:
    (folder / "config.yaml").write_text("listen: 127.0.0.1:1\n")


def _link(folder: Path) -> None:
    (folder / "policies").symlink_to(folder.parent, target_is_directory=True)


def _bad_record(folder: Path) -> None:
    (folder / "import.lock").write_text("[]")


def _bad_yaml(folder: Path) -> None:
    write(planned(), folder)
    (folder / "config.yaml").write_text("a: [1\n")


@pytest.mark.parametrize(
    ("prepare", "code"),
    [(_stranger, "not-ours"), (_link, "outside"), (_bad_record, "bad-record"), (_bad_yaml, "bad-yaml")],
)
def test_nothing_is_overwritten(tmp_path: Path, prepare: Callable[[Path], None], code: str) -> None:
    """A folder of somebody else, a link that leads out, and a broken record or configuration are left as they are."""
    folder = tmp_path / "out"
    folder.mkdir()
    prepare(folder)
    before = content(tmp_path)
    with pytest.raises(LoadError) as error:
        write(planned(NEW, path="shop"), folder)
    assert error.value.problems[0].code == code
    assert {path: text for path, text in content(tmp_path).items() if not path.endswith("import.lock")} == {
        path: text for path, text in before.items() if not path.endswith("import.lock")
    }


def _a_folder(folder: Path) -> None:
    (folder / "policies/p.xml").unlink()
    (folder / "policies/p.xml").mkdir()


def _a_file(folder: Path) -> None:
    (folder / "policies/p.xml").unlink()
    (folder / "policies").rmdir()
    (folder / "policies").write_text("")


def _deep(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).write_text("[" * 50_000)

    return spoil


SPOILT = [(_a_folder, "not-writable"), (_a_file, "not-writable"), (_deep("import.lock"), "bad-record"),
          (_deep("config.yaml"), "bad-yaml")]  # fmt: skip


@pytest.mark.parametrize(("spoil", "code"), SPOILT)
def test_a_folder_that_cannot_be_written_to(tmp_path: Path, spoil: Callable[[Path], None], code: str) -> None:
    """What is in the way, or too deep to be read, is an error with its place, not a traceback."""
    write(planned(), tmp_path)
    spoil(tmp_path)
    with pytest.raises(LoadError) as refused:
        write(planned(NEW, path="new"), tmp_path)
    assert [problem.code for problem in refused.value.problems] == [code]


def test_an_interrupted_import_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the moment at which writing ends, the next import completes it, and no half-written file is left."""
    replace, steps = os.replace, [0]

    def failing(source: str, target: Path) -> None:
        steps[0] -= 1
        if steps[0] < 0:
            raise OSError("the disk is full")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    for after in range(3):
        folder, steps[0] = tmp_path / str(after), after
        with pytest.raises(LoadError, match="disk is full"):
            write(planned(), folder)
        steps[0] = 100
        assert not list(folder.rglob(".import-*"))
        assert write(planned(), folder).findings == []
        assert set(content(folder)) == {"config.yaml", "import.lock", "policies/p.xml"}


def test_nothing_is_reported_of_a_first_import(tmp_path: Path) -> None:
    """A folder with other files in it is fine as long as none of them is in the way."""
    (tmp_path / "README.md").write_text("x")
    assert write(planned(), tmp_path) == WrittenFolder(created=["config.yaml", "policies/p.xml"])
