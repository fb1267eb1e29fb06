"""validate-content: size, type and content of bodies, by schemas of their own and by an OpenAPI definition."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.errors import LoadError, PolicyError
from gateway.openapi import OperationDefinition
from gateway.policies.parts import content_forms
from gateway.wire.body import Body, BodyStream
from tests.policies.bench import Bench, Ran, answer, codes, get, new_context, post
from tests.policies.converting import JSON, XML
from tests.policies.operation import called

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


def test_an_announced_length_is_refused_before_the_body(bench: Bench) -> None:
    """A body that is announced to be too long is refused before it is read, so before 100 Continue is sent."""
    asked = post("", "/", JSON)
    stream = BodyStream(51, resume=lambda: pytest.fail("the body was asked for"))
    asked.body = Body(stream=stream)
    with pytest.raises(PolicyError, match="exceeds the configured limit of 50 bytes"):
        bench.run(CONTENT.format("prevent", ""), asked)
    asked.body = Body(stream=stream)
    asked.headers.replace("Content-Encoding", "gzip")  # that many bytes may be fewer when they are unpacked, or more
    with pytest.raises(pytest.fail.Exception):
        bench.run(CONTENT.format("prevent", ""), asked)


def test_responses_are_refused_without_detail(bench: Bench) -> None:
    """The client is not told what is wrong with a response."""
    xml = CONTENT.format("prevent", "")
    with pytest.raises(PolicyError) as caught:
        bench.run(xml, section="outbound", context=new_context(response=answer(200, "x" * 60, JSON)))
    assert caught.value.status == 502
    assert caught.value.public_message.endswith("Contact the API owner.")


DEFINED = (
    '<validate-content unspecified-content-type-action="{0}" max-size="100" size-exceeded-action="{0}"'
    ' errors-variable-name="e">{1}</validate-content>'
)


JSON_FORM = '<content type="application/json" validate-as="json" action="{0}" {1}/>'


ANY_FORM = '<content validate-as="json" action="{0}" />'


JSON_KIND, XML_KIND, TEXT_KIND = "application/json; charset=utf-8", "application/xml", "text/plain"


@pytest.mark.parametrize(
    ("content", "kind", "body", "details"),
    [
        (JSON_FORM, JSON_KIND, '{"id": 1, "more": 2}', None),
        (
            JSON_FORM,
            JSON_KIND,
            '{"id": "x"}',
            "definition Order, which is associated with the content type application/json. id:",
        ),
        (JSON_FORM, JSON_KIND, "{}", "(root): required"),
        (JSON_FORM, JSON_KIND, '{"id": 1, "id": "x"}', "not well-formed"),
        (JSON_FORM, JSON_KIND, '{"id": NaN}', "not well-formed"),
        (JSON_FORM, JSON_KIND, "[" * 50, "not well-formed"),
        (JSON_FORM, JSON_KIND, "", "not well-formed"),
        (JSON_FORM, JSON_KIND, '{"id": 1, "note": "' + "x" * 100 + '"}', "exceeds the configured limit of 100 bytes"),
        (
            JSON_FORM.replace("{1}", 'allow-additional-properties="false"'),
            JSON_KIND,
            '{"id": 1, "more": 2}',
            "unevaluated",
        ),
        (JSON_FORM, XML_KIND, "<a/>", None),
        (JSON_FORM, TEXT_KIND, "a", "Unspecified content type text/plain is not allowed."),
        (JSON_FORM + '<content type="text/plain" validate-as="json" action="{0}" />', TEXT_KIND, "1", "Unspecified"),
        (ANY_FORM, JSON_KIND, '{"id": "x"}', "id: type"),
        (ANY_FORM, TEXT_KIND, "1", "Unspecified"),
        ("", JSON_KIND, "x", None),
        ("", TEXT_KIND, "x", "Unspecified"),
        ('<content-type-map any-content-type-value="application/json" />' + JSON_FORM, TEXT_KIND, "{}", "required"),
    ],
)
def test_request_content(
    bench: Bench, definition: OperationDefinition, content: str, kind: str, body: str, details: str | None
) -> None:
    """A body is checked against the operation's schema for its content type."""

    def run(action: str) -> Ran:
        request = post(body, "/", [("Content-Type", kind)])
        return bench.run(DEFINED.format(action, content.format(action, "")), context=called(definition, request))

    if details is None:
        assert run("prevent").variables == {}
        return
    with pytest.raises(PolicyError) as caught:
        run("prevent")
    told: Any = run("detect").variables["e"]
    assert details in told[0]["Details"]
    assert (caught.value.status, caught.value.message) == (400, told[0]["Details"])


@pytest.mark.parametrize(
    ("status", "kind", "body", "refused"),
    [
        (200, JSON_KIND, '{"id": 1}', False),
        (200, JSON_KIND, '{"id": "x"}', True),
        (200, TEXT_KIND, "x", False),
        (404, JSON_KIND, '{"title": 1}', True),
        (404, TEXT_KIND, "x", True),
        (500, JSON_KIND, "{}", True),
        (500, JSON_KIND, "", False),
        (503, "application/hal+json", "{}", False),
    ],
)
def test_response_content(
    bench: Bench, definition: OperationDefinition, status: int, kind: str, body: str, refused: bool
) -> None:
    """Each status has its own schemas; one that is not declared has none, so any body is too much."""
    context = called(definition, get("/"), answer(status, body, [("Content-Type", kind)]))
    xml = DEFINED.format("prevent", JSON_FORM.format("prevent", ""))
    if not refused:
        assert bench.run(xml, section="outbound", context=context).outcome is None
        return
    with pytest.raises(PolicyError) as caught:
        bench.run(xml, section="outbound", context=context)
    assert (caught.value.status, caught.value.reason) == (502, "Response not allowed")
    assert caught.value.public_message.endswith("Contact the API owner.")


def test_a_definition_is_read_once(bench: Bench, definition: OperationDefinition) -> None:
    """What this process has loaded is not read again for a body, however many definitions there are."""
    xml = CONTENT.format("prevent", '<content type="application/json" validate-as="json" action="prevent"/>')
    before = content_forms._read_definition.cache_info().misses
    assert bench.run(xml, context=called(definition, post('{"id": 1}', "/", JSON))).outcome is None
    assert content_forms._read_definition.cache_info().misses == before
