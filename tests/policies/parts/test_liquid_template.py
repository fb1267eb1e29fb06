"""set-body with Liquid: DotLiquid's templates as they are in APIM documents."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import ExpressionError, LoadError
from tests.policies.bench import Bench, answer, codes, new_context, post

JSON = [("Content-Type", "application/json")]
XML = [("Content-Type", "text/xml; charset=utf-8")]


def rendered(bench: Bench, template: str, body: str = "{}", headers: list[tuple[str, str]] = JSON, **more: Any) -> str:
    """The request's body after set-body."""
    xml = f'<set-body template="liquid" {more.pop("attributes", "")}>{template}</set-body>'
    request = post(body, "/p?q=1", headers, ip_address="10.0.0.1")
    request.matched_parameters = {"Id": "7"}
    content = bench.run(xml, request, **more).request.body
    assert content is not None
    return content.content.decode()


@pytest.mark.parametrize(
    ("template", "body", "expected"),
    [
        ('{"a": "{{body.name}}"}', '{"name": "x"}', '{"a": "x"}'),
        ("[{{body.NAME}}]", '{"name": "x"}', "[]"),
        ("{{body.a.b[1].c}}", '{"a": {"b": [0, {"c": 5}]}}', "5"),
        ("{% for i in body.items %}{{i.n}};{% endfor %}", '{"items": [{"n": 1}, {"n": 2}]}', "1;2;"),
        ("{% if body.none %}a{% else %}b{% endif %}", "{}", "b"),
        ("{{body.p}} {{body.p | Times: 3}}", '{"p": 1.10}', "1.1 3.3"),
        (
            "{{body.n | Plus: 1}}",
            '{"n": 12345678901234567890123}',
            "Liquid error: Argument is not numeric (Parameter 'left')",
        ),
        ("{{body[0].a}}", '[{"a": 1}]', "1"),
        ("{{body.t}} {{body.f}}", '{"t": true, "f": null}', "true "),
    ],
    ids="member case path loop missing decimal large array literals".split(),
)
def test_json_bodies(bench: Bench, template: str, body: str, expected: str) -> None:
    """``body`` is the parsed JSON; its names are found as they are written."""
    assert rendered(bench, template, body) == expected


SOAP = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
    '<s:Body><Order id="9"><item>a</item><item>b</item><none i:nil="true"/>text</Order></s:Body></s:Envelope>'
)


@pytest.mark.parametrize(
    ("template", "attributes", "expected"),
    [
        ("{{body.envelope.body.order.item[1]}}", "", "b"),
        ("{{body.envelope.body.Order['@id']}}", "", "9"),
        ("{{body.envelope.body.order.item | Join: '-'}}", "", "a-b"),
        ("[{{body.envelope.body.order.none | Default: 'd'}}]", "", "[d]"),
        ("{% if body.envelope.body.order.none == null %}null{% else %}blank{% endif %}", "", "blank"),
        ("{% if body.envelope.body.order.none == null %}null{% else %}blank{% endif %}", 'xsi-nil="null"', "null"),
    ],
    ids="path attribute list default blank null".split(),
)
def test_xml_bodies(bench: Bench, template: str, attributes: str, expected: str) -> None:
    """The root's name comes first, prefixes are left out."""
    template = template.replace("'", "&apos;") if "&" in template else template
    assert rendered(bench, template, SOAP, XML, attributes=attributes) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{context.Request.Method}} {{context.Request.IpAddress}}", "POST 10.0.0.1"),
        ("{{context.Request.Url}}", "http://backend.test/base/p?q=1"),
        ("{{context.Request.OriginalUrl.Path}}", "/p"),
        ("{{context.Request.Headers['content-type']}}", "application/json"),
        ("{{context.Request.MatchedParameters['id']}} {{context.Request.HasBody}}", "7 true"),
        ('{{context.Variables["v"]}} {{context.Variables["n"]}}', "text 3"),
        ("{{context.Request.OriginalUrl.Query.q}} {{context.Request.Url.QueryString}}", "1 ?q=1"),
        ("{{context.Request.OriginalUrl.Scheme}} {{context.Request.OriginalUrl.Host}}", "http localhost"),
        ("{{context.Request.OriginalUrl.ToUri}}", "http://localhost/p?q=1"),
        ("{{context.Request.Url.Port}} {{context.Request.Url.ToString}}", "80 http://backend.test/base/p?q=1"),
        ("{{context.Request.OriginalMethod}} [{{context.Response.StatusCode}}]", "POST []"),
        ("{% for h in context.Request.Headers %}{{h.Key}}={{h.Value}};{% endfor %}", "content-type=application/json;"),
        ("{{context.Api.Id}}", "api"),
    ],
)
def test_the_context(bench: Bench, template: str, expected: str) -> None:
    """A template sees the request, the response and the variables."""
    assert rendered(bench, template, v="text", n=3) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ 'aBc' | Upcase }}{{ 'aBc' | downcase }}", "ABCaBc"),
        ("{{ 'a b' | UrlEncode }}", "a+b"),
        ("{{ 'a,b' | Split: ',' | First }}", "a"),
        ("{{ 'a.b' | Replace: '[.]', '-' }}", "a-b"),
        ("{{ 'ab' | Replace: '(a)(b)', '$2$1' }}", "ba"),
        ("{{ 'aa' | ReplaceFirst: 'a', 'b' }}", "ba"),
        ("{{ '2026-11-23T10:20:30Z' | Date: 'yyyy-MM-dd HH:mm' }}", "2026-11-23 10:20"),
        ("{{ 'never' | Date: 'yyyy' }}", "never"),
        ("{{ 1234.5 | Currency }}", "¤1,234.50"),
        ("{{ 5 | Plus: 3 | DividedBy: 2 }}", "4"),
        ("{{ 'a b c' | TruncateWords: 2 }}", "a b..."),
        ("{{ '\"' | H }}", "&quot;"),
    ],
)
def test_filters(bench: Bench, template: str, expected: str) -> None:
    """DotLiquid's filters under its names; Replace takes regular expressions, Date .NET's formats."""
    assert rendered(bench, template) == expected


@pytest.mark.parametrize(
    ("attributes", "body", "headers", "expected"),
    [
        ("", '{"d": "2026-11-23T10:20:30Z", "e": ["2026-11-23", "x"]}', JSON, "11/23/2026 10:20:30 2026-11-23x"),
        ("", '{"d": "2026-11-23T10:20:30+02:00"}', JSON, "11/23/2026 08:20:30 "),
        ('parse-date="false"', '{"d": "2026-11-23T10:20:30Z"}', JSON, "2026-11-23T10:20:30Z "),
        ("", "<a><d>2026-11-23T10:20:30</d></a>", XML, "11/23/2026 10:20:30 "),
    ],
)
def test_dates_of_bodies(
    bench: Bench, attributes: str, body: str, headers: list[tuple[str, str]], expected: str
) -> None:
    """Text that is an ISO date and time is a date, unless ``parse-date`` says otherwise."""
    path = "body.a" if headers is XML else "body"
    template = f"{{{{{path}.d}}}} {{{{{path}.e}}}}"
    assert rendered(bench, template, body, headers, attributes=attributes) == expected


def test_the_response_in_outbound(bench: Bench) -> None:
    """In outbound the response's body and status are there."""
    xml = '<set-body template="liquid">{{body.a}} {{context.Response.StatusCode}}</set-body>'
    context = new_context(response=answer(202, '{"a": 1}', JSON))
    assert bench.run(xml, section="outbound", context=context).response.body.content == b"1 202"


@pytest.mark.parametrize(
    ("template", "body", "headers"),
    [
        ("{{body.a}}", "{not json", JSON),
        ("{{body.a}}", "<a>", XML),
        ("{{body.a}}", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', XML),
        ("{% for i in (1..1000000) %}x{% endfor %}", "{}", JSON),
        ("{{ body.a | Replace: '(a|aa)+$', 'b' }}", '{"a": "' + "a" * 60 + 'c"}', JSON),
    ],
    ids="json xml entities loop regex".split(),
)
def test_what_fails(bench: Bench, template: str, body: str, headers: list[tuple[str, str]]) -> None:
    """Bodies that are not what they say, entities, endless loops and slow expressions fail the request, in time."""
    with pytest.raises(ExpressionError):
        rendered(bench, template, body, headers)


@pytest.mark.parametrize("template", ["{% if %}", "{{ a | nope }", "{% include 'x' %}"])
def test_a_template_is_checked_at_load(bench: Bench, template: str) -> None:
    """What is not Liquid, or reads other files, refuses to load."""
    with pytest.raises(LoadError) as caught:
        bench.compile(f'<set-body template="liquid">{template}</set-body>')
    assert codes(caught.value) == {"bad-template"}


def test_a_mistake_has_its_line(bench: Bench) -> None:
    """The place of a mistake is the line of the document on which it stands."""
    with pytest.raises(LoadError) as caught:
        bench.compile('<set-body template="liquid">{\n\n{{ body.a }}\n{% iff body.b %}</set-body>')
    (problem,) = caught.value.problems
    assert (problem.location.line, problem.message) == (4, "the template is not Liquid: there is no tag iff")


def test_other_types_are_text(bench: Bench) -> None:
    """A body of another type is its text; no body is nothing."""
    assert rendered(bench, "[{{body}}]", "plain", [("Content-Type", "text/plain")]) == "[plain]"
    assert rendered(bench, "[{{body}}]", "", JSON) == "[]"


def test_an_answer_may_be_a_template(bench: Bench) -> None:
    """In return-response the template sees the message of its section, and makes another body."""
    xml = '<return-response><set-body template="liquid">hello {{body.name}}</set-body></return-response>'
    outcome = bench.run(xml, post('{"name": "x"}', headers=JSON)).outcome
    assert outcome is not None
    assert outcome.body.content == b"hello x"


def test_variables_of_every_kind(bench: Bench) -> None:
    """JSON is data, other values are their text."""
    xml = (
        '<set-variable name="j" value="@(JObject.Parse("{\'a\': [1]}"))"/>'
        '<set-variable name="g" value="@(Guid.Empty)"/>'
        '<set-body template="liquid">{{context.Variables["j"].a[0]}} {{context.Variables["g"]}}</set-body>'
    )
    body = bench.run(xml, post("{}", headers=JSON)).request.body
    assert body is not None
    assert body.content == b"1 00000000-0000-0000-0000-000000000000"
