"""SOAP and OData APIs of an instance: their operations by id, name or action, and none more open than there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.config import load
from tests.commands.importing.instances import answer, api, policy
from tests.commands.importing.test_mapping import planned
from tests.odata.shop import METADATA
from tests.soap.orders import WSDL


def operation(name: str, template: str, **more: Any) -> dict[str, Any]:
    """An operation of the API s, as APIM exports those of SOAP APIs."""
    properties = {"displayName": name, "method": "POST", "urlTemplate": template, **more}
    return answer(f"apis/s/operations/{name.lower()}-1", **properties)


def test_a_soap_api(tmp_path: Path) -> None:
    """Operations are found by name and action; one that the instance does not publish answers 503."""
    soap = api("s", format="wsdl", value=WSDL, type="soap", wsdlSelector={"wsdlServiceName": "OrderService"})[:1]
    listed = [
        operation("Get", "/?soapAction=urn:get"),
        operation("Renamed", "/?soapAction=urn:put"),
        operation("Describe", "/wsdl", method="GET"),
    ]
    result = planned(tmp_path, *soap, *listed, policy("apis/s/operations/get-1"))
    (written,) = result.config["apis"]
    assert (written["type"], written["wsdl"], written["soap"]) == (
        "soap",
        "definitions/s.wsdl",
        {"service": "OrderService"},
    )
    operations = {entry["id"]: entry for entry in written["operations"]}
    assert set(operations) == {"Get", "Put", "Ping", "describe-1"}
    assert operations["Put"] == {"id": "Put", "name": "Renamed"}
    assert b"503" in result.files[operations["Ping"]["policy"]]
    assert b"503" not in result.files[operations["Get"]["policy"]]


def test_an_odata_api(tmp_path: Path) -> None:
    """Its metadata becomes a file, and what is written loads."""
    result = planned(tmp_path, *api("o", apiType="odata", format="odata", value=METADATA)[:1])
    (written,) = result.config["apis"]
    assert (written["type"], written["metadata"]) == ("odata", "definitions/o.xml")
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions/o.xml").write_bytes(result.files["definitions/o.xml"])
    config = tmp_path / "config.yaml"
    config.write_text(f"apis: [{{id: o, path: o, type: odata, metadata: {written['metadata']}}}]")
    (loaded,) = load(config, {}).apis
    assert "Customers" in {entry.id for entry in loaded.operations}


def test_two_operations_that_are_one(tmp_path: Path) -> None:
    """Which of two policies is meant is not guessed: the operation answers 503 until somebody decides."""
    soap = api("s", format="wsdl", value=WSDL, type="soap")[:1]
    listed = [operation("Get", "/?soapAction=urn:get"), operation("Other", "/?soapAction=urn:get")]
    result = planned(tmp_path, *soap, *listed, policy("apis/s/operations/get-1"))
    (written,) = result.config["apis"]
    (get,) = (entry for entry in written["operations"] if entry["id"] == "Get")
    assert b"503" in result.files[get["policy"]]
