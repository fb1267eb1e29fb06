"""json-to-xml: JSON bodies become well-formed XML."""

from __future__ import annotations

import json

import pytest

from tests.policies.bench import Bench
from tests.policies.converting import JSON, TO_XML, converted

# As observed in APIM: http://dev.fyicenter.com/1000734_json-to-xml_Azure_API_Policy_Statement.html
NIL = 'xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


@pytest.mark.parametrize(
    ("attributes", "body", "expected"),
    [
        (
            "",
            {"a": {"b": 1, "c": [True, None], "d": "<&>", "e": [1.0, 1e20, 1e-7, 2.5]}},
            f"<a><b>1</b><c>True</c><c {NIL} /><d>&lt;&amp;&gt;</d><e>1</e><e>1E+20</e><e>1E-07</e><e>2.5</e></a>",
        ),
        ("", {"children": [], "spouse": None}, f"<Document><children /><spouse {NIL} /></Document>"),
        ("", {"a": 1, "b": 2}, "<Document><a>1</a><b>2</b></Document>"),
        ("", [1, [2]], "<Document><item>1</item><item><item>2</item></item></Document>"),
        ("", {"a": {"@id": 'x"y', "#text": "t"}}, "<a id='x\"y'>t</a>"),
        ("", {"1 b": "x"}, "<_x0031__x0020_b>x</_x0031__x0020_b>"),
        (
            'namespace-separator=":" attribute-block-name="#attrs"',
            {"s:E": {"xmlns:s": "u", "s:B": {"#attrs": {"q": "t"}, "v:x": ""}}},
            '<s:E xmlns:s="u"><s:B q="t"><v_x003A_x /></s:B></s:E>',
        ),
        ("", {"a": {"xmlns": "u", "b_c": 1}}, '<a xmlns="u"><b_c>1</b_c></a>'),
        ("", "\u0000", "<Document><item>\ufffd</item></Document>"),
    ],
    ids="members empty document array attribute name namespaces default-namespace control".split(),
)
def test_json_to_xml(bench: Bench, attributes: str, body: object, expected: str) -> None:
    """Members become elements; names and values are always well-formed."""
    text, kind = converted(bench, TO_XML.format(attributes), json.dumps(body), JSON)
    assert text == expected
    assert kind == "application/xml; charset=utf-8"


DATES = [
    ("2026-11-27T18:25:43.500Z", "2026-11-27T18:25:43.5Z"),
    ("2026-11-27T18:25:43+02:00", "2026-11-27T16:25:43+00:00"),
    ("2026-11-27T18:25:43.1234567", "2026-11-27T18:25:43.1234567"),
    ("2026-11-27T18:25:43.000", "2026-11-27T18:25:43"),
    ("2026-11-27", "2026-11-27"),
    ("2026-13-27T18:25:43Z", "2026-13-27T18:25:43Z"),
    ("at 2026-11-27T18:25:43.500Z", "at 2026-11-27T18:25:43.500Z"),
]


@pytest.mark.parametrize(("written", "read"), DATES)
def test_dates(bench: Bench, written: str, read: str) -> None:
    """Dates with a time are written as XML has them, on the clock of the gateway (UTC), or copied if so wished."""
    body = json.dumps({"a": {"@b": written, "c": [written]}})
    for attributes, expected in (("", read), ('parse-date="true"', read), ('parse-date="false"', written)):
        text, _ = converted(bench, TO_XML.format(attributes), body, JSON)
        assert text == f'<a b="{expected}"><c>{expected}</c></a>'
