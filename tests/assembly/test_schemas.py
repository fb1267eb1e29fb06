"""A schema that cannot be used is reported whether a policy names it or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.assembly.app import build
from gateway.config import parse
from gateway.errors import LoadError

CONFIG = """
schemas: {order: order.schema}
apis: [{id: a, path: a, service-url: "http://127.0.0.1:9"}]
"""
XS = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('{"$ref": "#/nowhere"}', "$ref '#/nowhere' leads nowhere"),
        ('{"properties": {"a": {"$ref": "other.json"}}}', "$ref 'other.json' leads out of the schema"),
        ('{"type": 1}', "1 is not valid under any of the given schemas"),
        ("{", "it is not JSON: line 1, column 2"),
        (f'{XS}<xs:include schemaLocation="other.xsd"/></xs:schema>', "it refers to other files"),
        ("<a>", "not well-formed"),
    ],
)
def test_an_unused_schema_is_checked(tmp_path: Path, text: str, mistake: str) -> None:
    """The message names the schema, its file and what is wrong, at its place in the configuration."""
    (tmp_path / "order.schema").write_text(text)
    with pytest.raises(LoadError) as caught:
        build(parse(CONFIG, "config.yaml", tmp_path, {}))
    (problem,) = caught.value.problems
    assert (problem.code, problem.location.line) == ("bad-schema", 2)
    assert mistake in problem.message
    assert problem.remedy == "correct order.schema, or remove it"


SOUND = ('{"$defs": {"a": {}}, "$ref": "#/$defs/a"}', f'{XS}<xs:element name="a"/></xs:schema>')


@pytest.mark.parametrize("text", SOUND, ids=["json", "xml"])
def test_sound_schemas(tmp_path: Path, text: str) -> None:
    """A schema that can be used may wait for its policy."""
    (tmp_path / "order.schema").write_text(text)
    build(parse(CONFIG, "config.yaml", tmp_path, {}))
