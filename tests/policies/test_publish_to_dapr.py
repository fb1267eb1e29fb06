"""publish-to-dapr and invoke-dapr-binding, one module: what the sidecar gets, and what its answer means."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gateway.documents.named_values import NamedValue, Substitution
from gateway.errors import ExpressionError, LoadError, UpstreamError
from gateway.outside.seam import Call
from gateway.wire.messages import Response
from tests.policies.bench import Bench, answer, codes, new_context, post, read_xml


@dataclass
class Sidecar:
    """Remembers calls, answers with *status*."""

    status: int = 200
    calls: list[Call] = field(default_factory=list)

    async def send(self, call: Call) -> Response:
        self.calls.append(call)
        return Response(self.status)


@pytest.mark.parametrize(
    ("xml", "url", "body"),
    [
        (
            '<publish-to-dapr pubsub-name="p" topic="t">@("{" + "}")</publish-to-dapr>',
            "http://localhost:3500/v1.0/publish/p/t",
            b"{}",
        ),
        (
            '<invoke-dapr-binding name="n" operation="create"><metadata><item key="a">b</item></metadata>'
            "<data>[1]</data></invoke-dapr-binding>",
            "http://localhost:3500/v1.0/bindings/n",
            b'{"operation": "create", "metadata": {"a": "b"}, "data": [1]}',
        ),
        (
            '<invoke-dapr-binding name="n"><data>text</data></invoke-dapr-binding>',
            "http://localhost:3500/v1.0/bindings/n",
            b'{"data": "text"}',
        ),
    ],
    ids=["publish", "binding", "text"],
)
def test_dapr(bench: Bench, xml: str, url: str, body: bytes) -> None:
    """The sidecar gets the message; its refusal is an error unless that is ignored."""
    sidecar = Sidecar()
    bench.use(http=sidecar).run(xml)
    assert (sidecar.calls[0].url, sidecar.calls[0].body, sidecar.calls[0].timeout_s) == (url, body, 5.0)
    sidecar.status = 500
    with pytest.raises(UpstreamError):
        bench.run(xml)
    ignoring = xml.replace(' name="n"', ' name="n" ignore-error="true" response-variable-name="r"').replace(
        ' topic="t"', ' topic="t" ignore-error="true" response-variable-name="r"'
    )
    assert bench.run(ignoring).variables == {"r": None}
    with pytest.raises(UpstreamError):
        bench.use(http=None).run(xml)


JSON = [("Content-Type", "application/json")]


TEMPLATES = [
    (
        '<publish-to-dapr topic="p/t" template="Liquid">{"id": {{body.order.id}}}</publish-to-dapr>',
        b'{"id": 7}',
    ),
    (
        '<publish-to-dapr topic="p/t" template="liquid">{% for each in body.order.items %}{{ each }};{% endfor %}'
        "</publish-to-dapr>",
        b"1;2;",
    ),
    (
        '<invoke-dapr-binding name="n" template="Liquid"><metadata><item key="a">{{b}}</item></metadata>'
        "<data>[{{body.order.id}}, {{context.Request.Method | Size}}]</data></invoke-dapr-binding>",
        b'{"metadata": {"a": "{{b}}"}, "data": [7, 4]}',
    ),
]


@pytest.mark.parametrize(("xml", "body"), TEMPLATES, ids=["publish", "loop", "binding"])
def test_liquid(bench: Bench, xml: str, body: bytes) -> None:
    """With ``template`` the content is Liquid over the current request, which is in memory by then."""
    sidecar = Sidecar()
    bench.use(http=sidecar).run(xml, post('{"order": {"id": 7, "items": [1, 2]}}', headers=JSON))
    assert sidecar.calls[0].body == body


def test_liquid_over_the_response(bench: Bench) -> None:
    """In outbound the template sees the response."""
    sidecar = Sidecar()
    context = new_context(response=answer(200, '{"a": "b"}', JSON))
    xml = '<invoke-dapr-binding name="n" template="Liquid"><data>"{{body.a}}"</data></invoke-dapr-binding>'
    bench.use(http=sidecar).run(xml, section="outbound", context=context)
    assert sidecar.calls[0].body == b'{"data": "b"}'


def test_named_values_beside_liquid() -> None:
    """Double braces in a template belong to Liquid, those around it to named values."""
    xml = (
        '<invoke-dapr-binding name="{{n}}" template="Liquid"><metadata><item key="a">{{n}}</item></metadata>'
        "<data>{{n}}</data></invoke-dapr-binding>"
    )
    replaced = Substitution({"n": NamedValue("value")}).document(read_xml(xml))
    (inbound,) = replaced.sections.values()
    texts = [node.text.value for node in inbound.walk() if node.text]
    assert texts == ["value", "{{n}}"]
    assert inbound.children[0].attribute("name") == "value"


def test_templates_that_fail(bench: Bench) -> None:
    """A broken template does not load; one that meets a body which is not what its type says fails the request."""
    with pytest.raises(LoadError) as caught:
        bench.compile('<publish-to-dapr topic="p/t" template="Liquid">{% for %}</publish-to-dapr>')
    assert codes(caught.value) == {"bad-template"}
    with pytest.raises(ExpressionError):
        bench.use(http=Sidecar()).run(TEMPLATES[0][0], post("{", headers=JSON))
