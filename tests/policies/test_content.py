"""xml-to-json, json-to-xml, xsl-transform and the four content validations."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.errors import ExpressionError, LoadError, PolicyError
from tests.policies.bench import Bench, Ran, answer, codes, get, new_context, post

XML = [("Content-Type", "application/xml")]
JSON = [("Content-Type", "application/json")]


def converted(
    bench: Bench, xml: str, body: str, headers: list[tuple[str, str]], accept: str | None = None
) -> tuple[str, str | None]:
    """Body and content type of the response after *xml*."""
    request = get("/", [("Accept", accept)] if accept else [])
    ran = bench.run(xml, section="outbound", context=new_context(request, answer(200, body, headers)))
    return ran.response.body.content.decode(), ran.response.headers.first("Content-Type")


TO_JSON = '<xml-to-json kind="{0}" apply="always" consider-accept-header="false" {1}/>'


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


@pytest.mark.parametrize(
    ("xml", "headers", "accept", "changed"),
    [
        ('<xml-to-json kind="direct" apply="content-type-xml"/>', XML, None, True),
        ('<xml-to-json kind="direct" apply="content-type-xml"/>', [("Content-Type", "text/plain")], None, False),
        ('<xml-to-json kind="direct" apply="always"/>', XML, "text/html, application/json;q=0.5", True),
        ('<xml-to-json kind="direct" apply="always"/>', XML, "application/xml", False),
        ('<xml-to-json kind="direct" apply="always"/>', XML, "*/*", True),
    ],
    ids="type other-type accepts refuses any".split(),
)
def test_when_it_applies(
    bench: Bench, xml: str, headers: list[tuple[str, str]], accept: str | None, changed: bool
) -> None:
    """Content type and Accept decide."""
    assert (converted(bench, xml, "<a>x</a>", headers, accept)[0] != "<a>x</a>") is changed


TO_XML = '<json-to-xml apply="always" consider-accept-header="false" {0}/>'


@pytest.mark.parametrize(
    ("attributes", "body", "expected"),
    [
        ("", {"a": {"b": 1, "c": [True, None], "d": "<&>"}}, "<a><b>1</b><c>true</c><c /><d>&lt;&amp;&gt;</d></a>"),
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
    ids="members document array attribute name namespaces default-namespace control".split(),
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


@pytest.mark.parametrize(
    ("xml", "body"),
    [
        (TO_JSON.format("direct", ""), "<a>"),
        (TO_JSON.format("direct", ""), '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'),
        (TO_XML.format(""), "{"),
        (TO_XML.format(""), "[" * 100_000),
        (TO_XML.format(""), '{"a":' * 70 + "1" + "}" * 70),
    ],
    ids="xml entities json depth deep".split(),
)
def test_what_cannot_be_converted(bench: Bench, xml: str, body: str) -> None:
    """A body that is not what the policy takes fails the request."""
    with pytest.raises(ExpressionError):
        converted(bench, xml, body, [])


def test_conversions_leave_other_messages_alone(bench: Bench) -> None:
    """No body, another type, a caller that wants something else."""
    assert bench.run(TO_JSON.format("direct", ""), get("/")).request.body is None
    assert bench.run(TO_XML.format(""), get("/")).request.body is None
    assert converted(bench, '<json-to-xml apply="content-type-json"/>', "{}", XML)[0] == "{}"
    assert converted(bench, '<json-to-xml apply="always"/>', "{}", JSON, "application/json")[0] == "{}"


SHEET = (
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:param name="p"/>'
    '<xsl:output method="text"/><xsl:template match="/"><xsl:value-of select="{0}"/></xsl:template></xsl:stylesheet>'
)


def _transform(select: str) -> str:
    return f'<xsl-transform><parameter name="p">@("v" + 1)</parameter>{SHEET.format(select)}</xsl-transform>'


def test_xsl_transform(bench: Bench) -> None:
    """The stylesheet sees the body and its parameters."""
    assert converted(bench, _transform("concat(/a/b, $p)"), "<a><b>x</b></a>", XML)[0] == "xv1"
    assert bench.run(_transform("/a"), get("/")).request.body is None


@pytest.mark.parametrize(
    ("select", "body"),
    [("document('/etc/passwd')", "<a/>"), ("/a", "not xml")],
    ids=["file", "body"],
)
def test_a_stylesheet_reaches_nothing(bench: Bench, select: str, body: str) -> None:
    """No file, no network; a body that is not XML fails."""
    with pytest.raises(ExpressionError):
        converted(bench, _transform(select), body, XML)


CONTENT = (
    '<validate-content unspecified-content-type-action="{0}" max-size="50" size-exceeded-action="{0}"'
    ' errors-variable-name="e">{1}</validate-content>'
)
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
XSD = b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="n" type="xs:integer"/></xs:schema>'
STRICT = '<content type="application/json" validate-as="json" action="{0}" schema-id="s" {1}/>'


def _validated(bench: Bench, xml: str, body: str, headers: list[tuple[str, str]]) -> Ran:
    return bench.use(schemas={"s": json.dumps(SCHEMA).encode(), "x": XSD}).run(xml, post(body, "/", headers))


@pytest.mark.parametrize(
    ("content", "body", "headers", "rule"),
    [
        (STRICT, '{"a": 1}', JSON, None),
        (STRICT, '{"a": "x"}', JSON, "IncorrectMessage"),
        (STRICT, "{}", JSON, "IncorrectMessage"),
        (STRICT, "{", JSON, "IncorrectMessage"),
        (STRICT, '{"a": 1, "b": "' + "x" * 50 + '"}', JSON, "SizeLimit"),
        (STRICT, "x", [("Content-Type", "text/plain")], "Unspecified"),
        (STRICT.replace("{1}", 'allow-additional-properties="false"'), '{"a": 1, "b": 2}', JSON, "IncorrectMessage"),
        ('<content validate-as="xml" action="{0}"/>', "<a/>", XML, None),
        ('<content validate-as="xml" action="{0}"/>', "<a>", XML, "IncorrectMessage"),
        ('<content validate-as="soap" action="{0}"/>', "<a/>", XML, "IncorrectMessage"),
        (
            '<content validate-as="soap" action="{0}"/>',
            '<E:Envelope xmlns:E="http://schemas.xmlsoap.org/soap/envelope/"/>',
            XML,
            "SizeLimit",
        ),
        ('<content validate-as="xml" action="{0}" schema-id="x"/>', "<n>1</n>", XML, None),
        ('<content validate-as="xml" action="{0}" schema-id="x"/>', "<n>a</n>", XML, "IncorrectMessage"),
        (STRICT.replace("{1}", 'schema-ref="#/properties/a"'), "{}", JSON, "IncorrectMessage"),
        ("", "x", [], "Unspecified"),
        ("", "{}", JSON, None),
        (
            '<content-type-map><type from="text/plain" to="application/json"/></content-type-map>' + STRICT,
            "{}",
            [("Content-Type", "text/plain")],
            "IncorrectMessage",
        ),
        (
            '<content-type-map missing-content-type-value="application/json"/>' + STRICT,
            "{}",
            [],
            "IncorrectMessage",
        ),
        (
            '<content-type-map any-content-type-value="application/json"/>' + STRICT,
            '{"a": 1}',
            XML,
            None,
        ),
        (STRICT, "", [], None),
    ],
)
def test_validate_content(
    bench: Bench, content: str, body: str, headers: list[tuple[str, str]], rule: str | None
) -> None:
    """prevent refuses with 400, detect only tells, and the variable holds what was found."""
    prevent = CONTENT.format("prevent", content.format("prevent", ""))
    detect = CONTENT.format("detect", content.format("detect", ""))
    if rule is None:
        assert _validated(bench, prevent, body, headers).variables == {}
        return
    with pytest.raises(PolicyError) as caught:
        _validated(bench, prevent, body, headers)
    assert (caught.value.status, caught.value.reason) == (400, "Bad request")
    assert "x" * 50 not in caught.value.message
    told: Any = _validated(bench, detect, body, headers).variables["e"]
    (found,) = told
    assert (found["ValidationRule"], found["Action"]) == (rule, "detect")


@pytest.mark.parametrize(
    ("schemas", "form", "code"),
    [
        ({}, "json", "unknown-schema"),
        ({"s": b"{"}, "json", "bad-schema"),
        ({"s": b'{"type": 1}'}, "json", "bad-schema"),
        ({"s": b"<a>"}, "xml", "bad-schema"),
        ({"s": b"<a/>"}, "xml", "bad-schema"),
    ],
    ids="unknown json schema xml xsd".split(),
)
def test_schemas_are_checked_at_load(bench: Bench, schemas: dict[str, bytes], form: str, code: str) -> None:
    """A schema that is not there, or is none, refuses to load."""
    content = f'<content validate-as="{form}" action="prevent" schema-id="s"/>'
    with pytest.raises(LoadError) as caught:
        bench.use(schemas=schemas).compile(CONTENT.format("prevent", content))
    assert codes(caught.value) == {code}


def test_responses_are_refused_without_detail(bench: Bench) -> None:
    """What is wrong with a response is nobody's business but the API's."""
    xml = CONTENT.format("prevent", "")
    with pytest.raises(PolicyError) as caught:
        bench.run(xml, section="outbound", context=new_context(response=answer(200, "x" * 60, JSON)))
    assert caught.value.status == 502
    assert caught.value.public_message.endswith("Contact the API owner.")


@pytest.mark.parametrize(
    ("status", "refused"), [(200, False), (404, False), (500, True)], ids=["listed", "detected", "unspecified"]
)
def test_validate_status_code(bench: Bench, status: int, refused: bool) -> None:
    """A listed status has its own action, all others share one."""
    listed = '<status-code code="200" action="ignore"/><status-code code="404" action="detect"/>'
    xml = f'<validate-status-code unspecified-status-code-action="prevent">{listed}</validate-status-code>'
    context = new_context(response=answer(status))
    if refused:
        with pytest.raises(PolicyError):
            bench.run(xml, section="outbound", context=context)
    else:
        assert bench.run(xml, section="outbound", context=context).outcome is None


@pytest.mark.parametrize(("name", "refused"), [("X-Known", False), ("X-Secret", True), ("Date", False)])
def test_validate_headers(bench: Bench, name: str, refused: bool) -> None:
    """Headers not listed are prevented; those that HTTP itself needs never are."""
    listed = '<header name="x-known" action="ignore"/>'
    xml = (
        '<validate-headers specified-header-action="ignore" unspecified-header-action="prevent">'
        f"{listed}</validate-headers>"
    )
    context = new_context(response=answer(200, "", [(name, "1")]))
    if refused:
        with pytest.raises(PolicyError):
            bench.run(xml, section="outbound", context=context)
    else:
        assert bench.run(xml, section="outbound", context=context).outcome is None


@pytest.mark.parametrize(
    ("url", "headers", "inner", "refused"),
    [
        ("/?a=1", [], "", False),
        ("/?b=1", [], "", True),
        ("/?b=1", [], '<query><parameter name="B" action="ignore"/></query>', False),
        ("/?c=1", [], '<query unspecified-parameter-action="ignore"/>', False),
        ("/", [("X-A", "1")], "", False),
        ("/", [("X-A", "1")], "<headers/>", True),
        ("/", [("X-A", "1")], '<headers><parameter name="x-a" action="ignore"/></headers>', False),
    ],
    ids="declared unspecified listed kind header-ignored header header-listed".split(),
)
def test_validate_parameters(bench: Bench, url: str, headers: list[tuple[str, str]], inner: str, refused: bool) -> None:
    """What the URL template declares, or the policy lists, may come; headers are looked at where they are named."""
    xml = (
        '<validate-parameters specified-parameter-action="prevent" unspecified-parameter-action="prevent">'
        f"{inner}</validate-parameters>"
    )
    request = get(url, headers)
    request.matched_query = frozenset({"a"})
    if refused:
        with pytest.raises(PolicyError) as caught:
            bench.run(xml, request)
        assert caught.value.status == 400
    else:
        assert bench.run(xml, request).outcome is None
