"""Files are read whole, or refused with their path."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import LoadError
from gateway.reading.files import read_bytes, unsaved


def test_content(tmp_path: Path) -> None:
    """The bytes are returned unchanged."""
    (tmp_path / "a").write_bytes(b"\xff\r\n")
    assert read_bytes(tmp_path / "a", "look") == b"\xff\r\n"


@pytest.mark.parametrize(("name", "reason"), [("none", "No such file or directory"), (".", "Is a directory")])
def test_what_cannot_be_read(tmp_path: Path, name: str, reason: str) -> None:
    """A missing file and a directory are refused with path, reason and remedy."""
    path = tmp_path / name
    with pytest.raises(LoadError) as caught:
        read_bytes(path, "look elsewhere")
    (problem,) = caught.value.problems
    assert (problem.code, problem.location.file) == ("unreadable-file", str(path))
    assert (problem.message, problem.remedy) == (reason, "look elsewhere")


def test_a_text_of_an_editor_stands_in_for_its_file(tmp_path: Path) -> None:
    """While a check runs for an editor, a text that is not saved is read, by whatever name; afterwards its file is."""
    path = tmp_path / "a.xml"
    path.write_bytes(b"saved")
    (tmp_path / "folder").mkdir()
    with unsaved({path.resolve(): b"typed", tmp_path.resolve() / "new.xml": b"new"}):
        assert read_bytes(path, "look") == b"typed"
        assert read_bytes(tmp_path / "folder" / ".." / "a.xml", "look") == b"typed"
        assert read_bytes(tmp_path / "new.xml", "look") == b"new"
    assert read_bytes(path, "look") == b"saved"
