"""Policy files: the name tells the form, and what cannot be read is reported where it was named."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.documents.files import read_document
from gateway.documents.model import Section
from gateway.errors import LoadError
from gateway.policies import POLICIES

XML = "<policies><inbound><set-method>PUT</set-method></inbound></policies>"
YAML = "inbound:\n  - set-method: PUT\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [("p.xml", XML), ("p", XML), ("p.policy", XML), ("p.yaml", YAML), ("P.YML", YAML)],
)
def test_the_form_follows_the_name(tmp_path: Path, name: str, text: str) -> None:
    """YAML for ``.yaml`` and ``.yml``, APIM's XML for every other name; errors name the file."""
    (tmp_path / name).write_text(text)
    document = read_document(tmp_path / name, POLICIES)
    (statement,) = document.statements(Section.INBOUND)
    assert (statement.name, statement.text and statement.text.value) == ("set-method", "PUT")
    assert document.file == statement.location.file == str(tmp_path / name)


@pytest.mark.parametrize(("name", "text"), [("p.xml", YAML), ("p.yaml", XML)])
def test_the_other_form_is_refused(tmp_path: Path, name: str, text: str) -> None:
    """The form of a file is never guessed."""
    (tmp_path / name).write_text(text)
    with pytest.raises(LoadError):
        read_document(tmp_path / name, POLICIES)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """One problem, with the path and a remedy."""
    with pytest.raises(LoadError) as caught:
        read_document(tmp_path / "none.xml", POLICIES)
    (problem,) = caught.value.problems
    assert (problem.code, problem.location.file) == ("unreadable-file", str(tmp_path / "none.xml"))
    assert problem.remedy
