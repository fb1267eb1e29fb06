"""Metadata that is not metadata, or would do harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import LoadError
from gateway.odata.csdl import read_metadata
from tests.odata.shop import METADATA

BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
BROKEN = {
    "bad-xml": METADATA[:-20],
    "doctype": METADATA.replace("?>\n", f"?>\n{BOMB}", 1),
    "not-odata": METADATA.replace('Version="4.0"', 'Version="1.0"'),
    "unknown-type": METADATA.replace('EntityType="S.Bag"', 'EntityType="S.Sack"'),
}


@pytest.mark.parametrize("code", BROKEN)
def test_metadata_that_cannot_be_used(tmp_path: Path, code: str) -> None:
    """A file that is not the metadata of one OData 4 service is named with its place, and nothing in it is expanded."""
    file = tmp_path / "metadata.xml"
    file.write_text(BROKEN[code])
    with pytest.raises(LoadError) as refused:
        read_metadata(file)
    problem = refused.value.problems[0]
    assert (problem.code, problem.location.file) == (code, str(file))
    assert problem.remedy


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("two containers", METADATA.replace("</EntityContainer>", '</EntityContainer><EntityContainer Name="B"/>')),
        ("none", METADATA.replace("EntityContainer", "Elsewhere")),
        ("a set twice", METADATA.replace('Name="Bags"', 'Name="Orders"')),
        ("another root", "<a/>"),
    ],
)
def test_metadata_that_is_no_service(tmp_path: Path, name: str, content: str) -> None:
    """One container with different names in it is what can be published."""
    file = tmp_path / "metadata.xml"
    file.write_text(content)
    with pytest.raises(LoadError) as refused:
        read_metadata(file)
    assert refused.value.problems[0].code == "not-odata", name
