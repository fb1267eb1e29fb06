"""xml-to-json: XML bodies become JSON as it was observed in APIM (the source is in the policy's module)."""

from __future__ import annotations

import json

import pytest

from tests.policies.bench import Bench
from tests.policies.converting import TO_JSON, XML, converted


@pytest.mark.parametrize(
    ("kind", "attributes", "body", "expected"),
    [
        ("direct", "", "<a>x</a>", {"a": "x"}),
        ("direct", "", "<a b='true'><c>true</c><c>5</c></a>", {"a": {"@b": "true", "c": ["true", "5"]}}),
        ("direct", "", "<a/>", {"a": None}),
        ("direct", "", '<a id="1">x</a>', {"a": {"@id": "1", "#text": "x"}}),
        ("javascript-friendly", "", '<a id="1">x</a>', {"a": {"id": "1", "text": "x"}}),
        ("direct", "", "<a><b>1</b><b>2</b><c>3</c></a>", {"a": {"b": ["1", "2"], "c": "3"}}),
        ("direct", 'always-array-child-elements="true"', "<a><b>1</b></a>", {"a": {"b": ["1"]}}),
        (
            "direct",
            "",
            '<s:a xmlns:s="u" xmlns="v" s:x="1" xml:lang="en"><b/></s:a>',
            {"s$a": {"@xmlns": "v", "@xmlns$s": "u", "@s$x": "1", "@xml$lang": "en", "b": None}},
        ),
        (
            "direct",
            "",
            '<?xml version="1.0"?><soap:Envelope xmlns="http://fyicenter.com/" xmlns:soap="http://schemas.xmlsoap.org/soap/'
            'envelope/">\n <soap:Body>\n <GetOrders>\n <Customer>1234567</Customer>\n </GetOrders>\n </soap:Body>\n'
            "</soap:Envelope>",
            {
                "version": "1.0",
                "soap$Envelope": {
                    "@xmlns": "http://fyicenter.com/",
                    "@xmlns$soap": "http://schemas.xmlsoap.org/soap/envelope/",
                    "soap$Body": {"GetOrders": {"Customer": "1234567"}},
                },
            },
        ),
        (
            "direct",
            "",
            '<?xml version="1.0" encoding="utf-8"?><!--top--><a>one<!--c--><b/>two<!--d--><b>x</b></a>',
            {
                "version": "1.0",
                "encoding": "utf-8",
                "$comment": "top",
                "a": {"#text": ["one", "two"], "$comment": ["c", "d"], "b": [None, "x"]},
            },
        ),
        (
            "javascript-friendly",
            "",
            '<?xml version="1.0"?><p:a xmlns:p="u"><!--c-->x</p:a>',
            {"p$a": {"xmlns$p": "u", "text": "x"}},
        ),
        ("direct", "", "<a><b/>x<c/>y</a>", {"a": {"b": None, "#text": ["x", "y"], "c": None}}),
        ("direct", 'always-array-child-elements="true"', "<a><b/><b/></a>", {"a": {"b": [None, None]}}),
    ],
    ids="text scalars empty attribute friendly list array namespaces observed comments marks order arrays".split(),
)
def test_xml_to_json(bench: Bench, kind: str, attributes: str, body: str, expected: object) -> None:
    """Elements become members, in their order, under the names that were observed in APIM."""
    text, kind_after = converted(bench, TO_JSON.format(kind, attributes), body, XML)
    assert json.loads(text) == expected
    assert kind_after == "application/json; charset=utf-8"
