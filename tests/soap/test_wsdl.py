"""WSDL files: what stands for each operation, and what cannot be published."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import LoadError
from gateway.soap.settings import SoapSettings
from gateway.soap.wsdl import SoapOperation, read_wsdl
from tests.soap.orders import WSDL


def read(folder: Path, text: str = WSDL, **settings: str) -> dict[str, tuple[set[str], str]]:
    """Actions and element by name."""
    file = folder / "orders.wsdl"
    file.write_text(text)
    return {operation.name: facts(operation) for operation in read_wsdl(file, SoapSettings.model_validate(settings))}


def facts(operation: SoapOperation) -> tuple[set[str], str]:
    """What tells *operation* from others."""
    return set(operation.actions), operation.element


GET = ({"urn:get", "urn:get12", "urn:acme:orders:Orders:GetRequest"}, "{urn:acme:orders}Get")
PUT = ({"urn:put"}, "{urn:acme:orders}Put")
PING = ({"urn:acme:orders:Orders:Ping"}, "")
ADD = ({"urn:add", "urn:acme:orders:Sums:Add"}, "{urn:acme:sums}Add")


def test_every_port(tmp_path: Path) -> None:
    """Two bindings are one operation; header parts are not in the body; an rpc body has the operation's name."""
    assert read(tmp_path) == {"Get": GET, "Put": PUT, "Ping": PING, "Add": ADD}


def test_chosen_ports(tmp_path: Path) -> None:
    """One service or port can be chosen; what is not SOAP over HTTP is none of them."""
    assert read(tmp_path, service="SumService") == {"Add": ADD}
    assert read(tmp_path, port="NewPort") == {"Get": (GET[0] - {"urn:get"}, GET[1])}
    for port in ("FormPort", "JmsPort", "Nowhere"):
        with pytest.raises(LoadError) as refused:
            read(tmp_path, port=port)
        assert refused.value.problems[0].code == "no-soap-port"


BODY = '<soap:body use="literal"/>'
BROKEN = {
    "bad-xml": WSDL[:-9],
    "doctype": WSDL.replace("?>\n", '?>\n<!DOCTYPE x [<!ENTITY a "a">]>', 1),
    "not-wsdl": WSDL.replace("<definitions", "<descriptions").replace("</definitions", "</descriptions"),
    "broken-wsdl": WSDL.replace('message name="PutIn"', 'message name="Other"'),
    "unsupported-wsdl": WSDL.replace('element="t:Put"', 'type="t:Put"'),
    "ambiguous-wsdl": WSDL.replace('element="t:Put"', 'element="t:Get"').replace("urn:put", "urn:get"),
    "not-a-file": WSDL.replace("<message", '<import namespace="x" location="http://x.test/a.wsdl"/><message', 1),
}


@pytest.mark.parametrize("code", BROKEN)
def test_what_cannot_be_published(tmp_path: Path, code: str) -> None:
    """Each is named with its place and remedy; no entity is expanded and nothing is fetched."""
    with pytest.raises(LoadError) as refused:
        read(tmp_path, BROKEN[code])
    problem = refused.value.problems[0]
    assert (problem.code, problem.location.file) == (code, str(tmp_path / "orders.wsdl"))
    assert problem.remedy


@pytest.mark.parametrize("location", ["../outside.wsdl", "/etc/passwd", "file:///etc/passwd", "", "//x.test/a.wsdl"])
def test_imports_outside_the_folder(tmp_path: Path, location: str) -> None:
    """An import leads to a file beside the WSDL, and nowhere else."""
    (tmp_path / "inner").mkdir()
    with pytest.raises(LoadError) as refused:
        read(tmp_path / "inner", WSDL.replace("<message", f'<import location="{location}"/><message', 1))
    assert refused.value.problems[0].code == "not-a-file"


def test_imports_beside_the_wsdl(tmp_path: Path) -> None:
    """Messages may be in another file, which may import the first one back."""
    messages, rest = WSDL[WSDL.index("  <message") : WSDL.index("  <portType")], WSDL
    head = WSDL[: WSDL.index("  <message")]
    (tmp_path / "messages.wsdl").write_text(f'{head}<import location="orders.wsdl"/>{messages}</definitions>')
    assert read(tmp_path, rest.replace(messages, '<import location="messages.wsdl"/>'))["Get"] == GET
