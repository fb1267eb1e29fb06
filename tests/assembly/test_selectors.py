"""APIs of type soap and odata at load, and where no body is at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.errors import LoadError
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Ending, Response
from tests.odata.shop import METADATA
from tests.policies.bench import get
from tests.soap.orders import WSDL

SOAP = "type: soap, wsdl: orders.wsdl, service-url: 'http://127.0.0.1:1'"


def built(folder: Path, api: str, more: str = "") -> Gateway:
    """The gateway of one API. Raises LoadError."""
    (folder / "orders.wsdl").write_text(WSDL)
    (folder / "shop.xml").write_text(METADATA)
    (folder / "p.xml").write_text("<policies><inbound><base/></inbound></policies>")
    (folder / "v.xml").write_text("<policies><inbound><base/><validate-odata-request/></inbound></policies>")
    return build(parse(f"apis: [{{id: orders, path: orders, {api}}}]\n{more}", "config.yaml", folder, {}))


MISTAKES = {
    "type: soap": "one-of",
    "wsdl: orders.wsdl": "one-of",
    "type: odata": "one-of",
    "type: odata, metadata: orders.wsdl": "not-odata",
    "type: soap, wsdl: shop.xml": "not-wsdl",
    "type: odata, metadata: shop.xml, soap: {port: a}": "one-of",
    f"{SOAP}, soap: {{port: Nowhere}}": "no-soap-port",
    f"{SOAP}, operations: [{{id: get, policy: p.xml}}, {{id: Get}}]": "duplicate-operation",
    f"{SOAP}, operations: [{{id: Gett}}]": "unknown-operation",
    f"{SOAP}, operations: [{{id: more, method: POST, url-template: /more}}]": "unknown-operation",
    f"{SOAP}, operations: [{{id: Get, method: POST}}]": "other-operation",
    "type: odata, metadata: shop.xml, operations: [{id: Custmers}]": "unknown-operation",
    "policy: v.xml": "no-metadata",
    f"{SOAP}, operations: [{{id: Get, policy: v.xml}}]": "no-metadata",
}


@pytest.mark.parametrize("api", MISTAKES)
def test_mistakes_at_load(tmp_path: Path, api: str) -> None:
    """Description and type belong together, and operations are those of the description."""
    with pytest.raises(LoadError) as refused:
        built(tmp_path, api)
    assert refused.value.problems[0].code == MISTAKES[api]
    assert refused.value.problems[0].remedy


@pytest.mark.parametrize("api", [SOAP, "type: odata, metadata: shop.xml"])
def test_tools_of_such_apis(tmp_path: Path, api: str) -> None:
    """A tool over an operation that a message or an exact name chooses does not load: it would pass the choice by."""
    (tmp_path / "tools").mkdir()
    server = "{id: tools, type: mcp, path: tools, mcp: {tools: [{api: orders}]}}"
    with pytest.raises(LoadError) as refused:
        built(tmp_path, f"{api}}}, {server[:-1]}")
    assert [problem.code for problem in refused.value.problems] == ["not-a-tool"]


PRODUCTS = """
products: [{id: gold, apis: [orders], policy: gold.xml, subscription-required: true}]
subscriptions: [{id: one, scope: /products/gold, primary-key: 0123456789abcdef}]
"""
GOLD = '<policies><inbound><base/><return-response><set-status code="406"/></return-response></inbound></policies>'
CALL = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    '<o:Get xmlns:o="urn:acme:orders"/></e:Body></e:Envelope>'
)


def test_the_operation_of_a_product(tmp_path: Path) -> None:
    """Behind the key's product, the chosen operation's pipeline is that of the product; the log has its name."""
    (tmp_path / "gold.xml").write_text(GOLD)
    gateway = built(tmp_path, f"{SOAP}, subscription-required: true", PRODUCTS)

    async def scenario() -> Response:
        request = get("/orders")
        request.method = request.original_method = "POST"
        fields = [("Content-Type", "text/xml"), ("Ocp-Apim-Subscription-Key", "0123456789abcdef")]
        request.headers = Headers(fields)
        request.body = Body(CALL.encode())
        answer = gateway.dispatcher.handle(request)
        response = answer if isinstance(answer, Response) else await answer
        assert request.on_end is not None
        request.on_end(Ending(response.status_code, 0, 0))
        return response

    assert asyncio.run(scenario()).status_code == 406
    (record,) = gateway.dispatcher.requests
    assert record.operation == "Get"


def test_operations_by_name(tmp_path: Path) -> None:
    """`gateway explain` and the console see the operations themselves, whatever leads to them."""
    gateway = built(tmp_path, f"{SOAP}, operations: [{{id: Get, policy: p.xml}}]")
    listed = [operation.id for operation in gateway.assembly.apis[0].operations]
    assert "Get" in listed
    assert gateway.assembly.runtime("orders", "Get").info.id == "Get"


def test_behind_envoys_external_processor(tmp_path: Path) -> None:
    """Envoy brings bodies for policies alone, so a SOAP API does not load there."""
    with pytest.raises(LoadError) as refused:
        built(tmp_path, SOAP, "envoy: {ext-proc: true}")
    assert refused.value.problems[0].code == "envoy-soap"


def test_decisions_without_a_body(tmp_path: Path) -> None:
    """A proxy that asks whether a request may pass, without its body, is refused: the operation is in the body."""
    gateway = built(tmp_path, SOAP)

    async def scenario() -> Response:
        request = get("/orders")
        request.method = request.original_method = "POST"
        request.headers = Headers([("Content-Type", "text/xml"), ("SOAPAction", "urn:get")])
        request.body = None
        decision = gateway.dispatcher.decide(request)
        assert isinstance(decision, Awaitable)
        answer = await decision
        assert answer is not None
        return answer

    assert asyncio.run(scenario()).status_code == 400
