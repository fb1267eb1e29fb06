"""xml-to-json: XML bodies become JSON as Newtonsoft writes it."""

from __future__ import annotations

import json

import pytest

from tests.policies.bench import Bench
from tests.policies.converting import TO_JSON, XML, converted


@pytest.mark.parametrize(
    ("kind", "attributes", "body", "expected"),
    [
        ("direct", "", "<a>x</a>", {"a": "x"}),
        ("direct", "", "<a/>", {"a": None}),
        ("direct", "", '<a id="1">x</a>', {"a": {"@id": "1", "#text": "x"}}),
        ("javascript-friendly", "", '<a id="1">x</a>', {"a": {"id": "1", "text": "x"}}),
        ("direct", "", "<a><b>1</b><b>2</b><c>3</c></a>", {"a": {"b": ["1", "2"], "c": "3"}}),
        ("direct", 'always-array-child-elements="true"', "<a><b>1</b></a>", {"a": {"b": ["1"]}}),
        (
            "direct",
            "",
            '<s:a xmlns:s="u" xmlns="v" s:x="1" xml:lang="en"><b/></s:a>',
            {"s:a": {"@xmlns": "v", "@xmlns:s": "u", "@s:x": "1", "@xml:lang": "en", "b": None}},
        ),
    ],
    ids="text empty attribute friendly list array namespaces".split(),
)
def test_xml_to_json(bench: Bench, kind: str, attributes: str, body: str, expected: object) -> None:
    """Elements become members as Newtonsoft writes them."""
    text, kind_after = converted(bench, TO_JSON.format(kind, attributes), body, XML)
    assert json.loads(text) == expected
    assert kind_after == "application/json; charset=utf-8"
