"""SOAP APIs: a real client (zeep) and a real service (spyne), each operation with its policy, and requests that lie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import zeep
import zeep.exceptions

from tests.soap.calculator import NAMESPACE, Calculator, calculator, fronting, in_thread, needs_spyne

pytestmark = needs_spyne

CONFIG = """
management: 127.0.0.1:0
apis:
  - id: calculator
    type: soap
    path: calc
    wsdl: calculator.wsdl
    service-url: http://127.0.0.1:{port}
    policy: api.xml
    soap: {{max-message-bytes: 4000}}
    operations:
      - {{id: wipe, policy: wipe.xml}}
      - {{id: wsdl, method: GET, url-template: /description}}
"""
API = """<policies><inbound><base/></inbound>
<outbound><base/><set-header name="x-was"><value>@(context.Operation.Id)</value></set-header></outbound></policies>"""
WIPE = """<policies><inbound><base/>
<return-response><set-status code="403" reason="No"/></return-response></inbound></policies>"""
ENVELOPES = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
ADDRESSING = "http://www.w3.org/2005/08/addressing"
DRAFT = "http://schemas.xmlsoap.org/ws/2003/03/addressing"
OK, FAULT, FORBIDDEN, REFUSED, UNKNOWN, LARGE, MEDIA = 200, 500, 403, 400, 404, 413, 415


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calculator]:
    """The service, for all tests here."""
    with calculator(tmp_path_factory.mktemp("calculator")) as running:
        yield running


@asynccontextmanager
async def served(folder: Path, service: Calculator, protocol: str = "1.1") -> AsyncIterator[int]:
    """The gateway's port."""
    service.file.unlink(missing_ok=True)
    (folder / "calculator.wsdl").write_bytes(service.wsdl(protocol))
    (folder / "api.xml").write_text(API)
    (folder / "wipe.xml").write_text(WIPE)
    async with fronting(folder, CONFIG.format(port=service.ports[protocol])) as port:
        yield port


def client(folder: Path, port: int, **options: Any) -> Any:
    """A zeep client of the gateway."""
    made: Any = zeep.Client(str(folder / "calculator.wsdl"), **options)  # type: ignore[no-untyped-call]
    binding = next(iter(made.wsdl.bindings))
    return made.create_service(binding, f"http://127.0.0.1:{port}/calc")


@pytest.mark.parametrize("protocol", ["1.1", "1.2"])
def test_a_real_client_and_a_real_service(tmp_path: Path, service: Calculator, protocol: str) -> None:
    """zeep calls spyne through the gateway in both versions: results, faults, and the policy of one operation."""

    async def scenario() -> None:
        async with served(tmp_path, service, protocol) as port:
            here = client(tmp_path, port)
            assert await in_thread(lambda: here.add(2, 3)) == 5
            with pytest.raises(zeep.exceptions.Fault, match="Internal Error"):
                await in_thread(lambda: here.divide(1, 0))
            with pytest.raises(zeep.exceptions.TransportError) as refused:
                await in_thread(lambda: here.wipe("disk"))
            assert refused.value.status_code == FORBIDDEN
            assert service.calls == ["add", "divide"]

    asyncio.run(scenario())


def message(
    inside: str, version: str = "1.1", head: str = "", before: str = '<?xml version="1.0" encoding="utf-8"?>'
) -> str:
    """An envelope."""
    header = f"<s:Header>{head}</s:Header>" if head else ""
    return f'{before}<s:Envelope xmlns:s="{ENVELOPES[version]}">{header}<s:Body>{inside}</s:Body></s:Envelope>'


ADD = f'<c:add xmlns:c="{NAMESPACE}"><c:a>1</c:a><c:b>2</c:b></c:add>'
WIPED = f'<c:wipe xmlns:c="{NAMESPACE}"><c:what>all</c:what></c:wipe>'
XML = {"Content-Type": "text/xml; charset=utf-8"}
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def action(value: str, **more: str) -> dict[str, str]:
    """The fields of a message of SOAP 1.1."""
    return {**XML, "SOAPAction": value, **more}


def addressed(value: str, namespace: str = ADDRESSING) -> str:
    """A header of WS-Addressing."""
    return f'<w:Action xmlns:w="{namespace}">{value}</w:Action>'


MULTIPART = {"Content-Type": 'multipart/related; type="application/xop+xml"; boundary=b'}
TWO_TYPES = [("Content-Type", "text/xml"), ("Content-Type", "text/xml")]
CASES: dict[str, tuple[dict[str, str] | list[tuple[str, str]], str | bytes, int]] = {
    "action and body": (action('"add"'), message(ADD), OK),
    "an action without quotes": (action("add"), message(ADD), OK),
    "no action": (XML, message(ADD), OK),
    "an empty action": (action('""'), message(ADD), OK),
    "an action that is addressed": (action('"add"'), message(ADD, head=addressed("add")), OK),
    "a body without declaration": (action("add"), message(ADD, before=""), OK),
    "a comment in front of the element": (action("add"), message(f"<!-- <wipe/> -->{ADD}"), OK),
    "the action of another operation": (action('"add"'), message(WIPED), REFUSED),
    "the body of another operation": (action('"wipe"'), message(ADD), REFUSED),
    "an addressed action of another": (action('"add"'), message(ADD, head=addressed("wipe")), REFUSED),
    "the parameter of SOAP 1.2 in 1.1": ({"Content-Type": 'text/xml; action="wipe"'}, message(ADD), REFUSED),
    "two SOAPActions": (action('"add", "wipe"'), message(ADD), REFUSED),
    "two addressed actions": (XML, message(ADD, head=addressed("add") + addressed("wipe")), REFUSED),
    "an addressed action of a draft": (XML, message(ADD, head=addressed("wipe", DRAFT)), REFUSED),
    "an addressed action with a comment": (XML, message(ADD, head=addressed("a<!-- -->dd")), REFUSED),
    "an addressed action with an element": (XML, message(ADD, head=addressed("<w:add>add</w:add>")), REFUSED),
    "the parameter in the form of RFC 2231": ({"Content-Type": "text/xml; action*=utf-8''wipe"}, message(ADD), MEDIA),
    "an addressed action alone": (XML, message(WIPED, head=addressed("add")), REFUSED),
    "the body of a protected operation": (action('"wipe"'), message(WIPED), FORBIDDEN),
    "a protected operation without action": (XML, message(WIPED), FORBIDDEN),
    "an element nobody knows": (XML, message("<c:nothing/>".replace("c:", "")), UNKNOWN),
    "the element of another namespace": (XML, message('<add xmlns="urn:other"/>'), UNKNOWN),
    "an empty body": (XML, message(""), UNKNOWN),
    "two elements": (action("add"), message(ADD + WIPED), REFUSED),
    "two bodies": (action("add"), message(f"{ADD}</s:Body><s:Body>{WIPED}"), REFUSED),
    "something behind the body": (action("add"), message(f"{ADD}</s:Body><s:Other>{WIPED}</s:Other><s:Body>"), REFUSED),
    "an entity bomb": (action("add"), message(ADD, before=BOMB), REFUSED),
    "an external entity": (action("add"), message(ADD, before=OUTSIDE), REFUSED),
    "a processing instruction": (action("add"), message(f"<?x y?>{ADD}"), REFUSED),
    "deep nesting": (action("add"), message("<a>" * 300 + "</a>" * 300), REFUSED),
    "a body that is cut": (action("add"), message(ADD)[:-9], REFUSED),
    "no body": (action("add"), "", REFUSED),
    "JSON": ({"Content-Type": "application/json"}, "{}", MEDIA),
    "no Content-Type": ({}, message(ADD), MEDIA),
    "attachments": (MULTIPART, message(ADD), MEDIA),
    "Content-Type twice": (TWO_TYPES, message(ADD), REFUSED),
    "UTF-16 without a mark": (XML, message(ADD, before="").encode("utf-16-le"), REFUSED),
    "UTF-16 by Content-Type": ({"Content-Type": "text/xml; charset=utf-16"}, message(ADD).encode("utf-16"), MEDIA),
    "UTF-16 in secret": (XML, message(ADD, before="").encode("utf-16"), REFUSED),
    "a declared encoding": (XML, message(ADD, before='<?xml version="1.0" encoding="utf-7"?>'), REFUSED),
    "the type of SOAP 1.2": ({"Content-Type": "application/soap+xml"}, message(ADD), REFUSED),
    "the envelope of SOAP 1.2": (XML, message(ADD, "1.2"), REFUSED),
    "charset twice": ({"Content-Type": "text/xml; charset=utf-8; charset=utf-16"}, message(ADD), MEDIA),
    "a message beyond the bound": (XML, message(ADD + " " * 5000), LARGE),
    "an unknown content coding": (action("add", **{"Content-Encoding": "x-own"}), message(ADD), MEDIA),
}


def test_requests_that_lie(tmp_path: Path, service: Calculator) -> None:
    """What is judged is what the service runs: a request is refused whose parts name different operations."""

    async def scenario() -> None:
        answers = {}
        async with served(tmp_path, service) as port, httpx2.AsyncClient() as http:
            for name, (fields, content, _) in CASES.items():
                answer = await http.post(f"http://127.0.0.1:{port}/calc", headers=fields, content=content)
                answers[name] = answer.status_code
            assert answers == {name: expected for name, (_, _, expected) in CASES.items()}
            assert set(service.calls) == {"add"}

    asyncio.run(scenario())


def test_other_paths_and_methods(tmp_path: Path, service: Calculator) -> None:
    """Only POST to the API's own path is a message; the configuration can add operations of other methods."""

    async def scenario() -> None:
        async with served(tmp_path, service) as port, httpx2.AsyncClient() as http:
            url = f"http://127.0.0.1:{port}/calc"
            assert (await http.post(f"{url}/more", headers=action("add"), content=message(ADD))).status_code == UNKNOWN
            assert (await http.get(f"{url}?wsdl")).status_code == UNKNOWN
            for query, expected in {"soapAction=add": OK, "SoapAction=wipe": REFUSED, "soapAction=": OK}.items():
                asked = await http.post(f"{url}?{query}", headers=XML, content=message(ADD))
                assert (query, asked.status_code) == (query, expected)
            added = await http.post(url, headers=action('"add"'), content=message(ADD))
            assert (added.status_code, added.headers["x-was"]) == (OK, "add")
            described = await http.get(f"{url}/description")
            assert described.headers["x-was"] == "wsdl"

    asyncio.run(scenario())
