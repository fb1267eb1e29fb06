"""writable.py: what to do about a path at which no file can be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.reading.writable import remedy_for


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("folder", "name a file: {}/folder is a folder"),
        ("folder/new/quotas.db", "make the folder {}/folder/new"),
        ("plain/quotas.db", "name another folder: {}/plain is a file"),
        ("plain/deeper/quotas.db", "name another folder: {}/plain is a file"),
        ("closed/quotas.db", "let the gateway's user write to the folder {}/closed"),
        ("folder/held.db", "let the gateway's user read and write {}/folder/held.db"),
        ("folder/quotas.db", ""),
        ("plain", ""),
    ],
)
def test_remedies(path: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy names the part of the path that is in the way."""
    (tmp_path / "plain").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "held.db").touch()
    (tmp_path / "closed").mkdir()
    # As root every file can be written, so the system's answer is replaced.
    monkeypatch.setattr(os, "access", lambda asked, _mode: Path(asked).name not in ("closed", "held.db"))
    assert remedy_for(tmp_path / path) == remedy.format(tmp_path)
