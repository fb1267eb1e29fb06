"""The kits for Logic Apps and Power Automate: what is in the repository is valid, and runs as it stands."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import jsonschema
import pytest

from gateway.config import load
from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.receiver import CallbackReceiver
from gateway.emulators.serving import serve
from tests.notifications.conftest import ALICE, BOB, Running, d365_settings, fast_settings, running

EXAMPLES = Path(__file__).parents[2] / "examples"
WORKFLOW: dict[str, Any] = json.loads((EXAMPLES / "logic-apps" / "workflow.json").read_bytes())
CONNECTOR = EXAMPLES / "power-automate" / "connector.swagger.json"

# What Microsoft's "Schema reference for the Workflow Definition Language" and the pages of the action types demand.
_CALL = {
    "type": "object",
    "required": ["method", "uri"],
    "properties": {
        "method": {"enum": ["GET", "PUT", "POST", "PATCH", "DELETE"]},
        "uri": {"type": "string"},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "body": {},
        "queries": {"type": "object"},
        "authentication": {"type": "object", "required": ["type"]},
    },
    "additionalProperties": False,
}
_STATUSES = {"enum": ["Succeeded", "Failed", "Skipped", "TimedOut"]}
_WEBHOOK = {
    "required": ["subscribe"],
    "properties": {"subscribe": _CALL, "unsubscribe": _CALL},
    "additionalProperties": False,
}
_ACTION = {
    "type": "object",
    "required": ["type", "runAfter"],
    "properties": {"runAfter": {"additionalProperties": {"type": "array", "items": _STATUSES, "minItems": 1}}},
    "if": {"properties": {"type": {"const": "HttpWebhook"}}},
    "then": {"required": ["inputs"], "properties": {"inputs": _WEBHOOK}},
}
DEFINITION = {
    "type": "object",
    "required": ["$schema", "contentVersion", "triggers", "actions"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"pattern": "/schemas/2016-06-01/workflowdefinition.json#$"},
        "contentVersion": {"pattern": r"^\d+(\.\d+){3}$"},
        "parameters": {"additionalProperties": {"required": ["type"]}},
        "staticResults": {"type": "object"},
        "triggers": {"minProperties": 1, "additionalProperties": {"required": ["type"]}},
        "actions": {"minProperties": 1, "additionalProperties": _ACTION},
        "outputs": {"type": "object"},
    },
}


class Served:
    """The service on a socket, behind a gateway that knows its caller."""

    def __init__(self, service: Running) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            """One request; the path prefix is the gateway's."""
            scope["extensions"] = {**(scope.get("extensions") or {}), "gateway.caller": ALICE}
            scope["path"] = scope["path"].removeprefix("/batch")
            await service.app(scope, receive, send)

        self.base_url = ""
        self.app = app


@pytest.fixture(scope="module")
def logic_apps() -> Iterator[CallbackReceiver]:
    """Where Logic Apps runs."""
    emulator = CallbackReceiver()
    with serve(emulator):
        yield emulator


@pytest.fixture(scope="module")
def gateway(
    entra: EntraEmulator, d365: D365Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, str]]:
    """A running service, and the URL at which callers find it."""
    path = tmp_path_factory.mktemp("store") / "x.db"
    settings = fast_settings(f"sqlite:///{path}", d365_settings(entra, d365))
    with running(settings.model_copy(update={"public_url": "https://gateway.example.com/batch"})) as service:
        served = Served(service)
        with serve(served):
            yield service, f"{served.base_url}/batch"


def _run(logic_apps: CallbackReceiver, url: str, batch_id: int, **limit: str) -> dict[str, Any]:
    """The workflow's HTTP Webhook action, exactly as the file has it, from subscription to unsubscription."""
    action = WORKFLOW["actions"]["Run_batch_job"]
    parameters = {"gateway": url, "audience": "api://batch", "batchId": str(batch_id), "token": "t"}
    document = {"inputs": action["inputs"], "limit": limit or action["limit"], "parameters": parameters}
    run = httpx.post(f"{logic_apps.base_url}/logic-apps/runs", json=document).json()
    until = time.monotonic() + 30
    while True:
        found: dict[str, Any] = httpx.get(f"{logic_apps.base_url}/logic-apps/runs/{run['id']}").json()
        if found["status"] == "Failed" or found["unsubscribed"] is not None:
            return found
        assert time.monotonic() < until, found
        time.sleep(0.05)


def test_workflow_is_valid() -> None:
    """The workflow has the form that the definition language demands, and its actions follow actions that exist."""
    jsonschema.validate(WORKFLOW, DEFINITION)
    names = set(WORKFLOW["actions"])
    assert all(set(action["runAfter"]) <= names for action in WORKFLOW["actions"].values())
    assert {f"parameters('{name}')" in json.dumps(WORKFLOW["actions"]) for name in WORKFLOW["parameters"]} == {True}


@pytest.mark.parametrize(("batch_id", "status", "succeeded"), [(801, "Finished", True), (802, "Error", False)])
def test_workflow(
    gateway: tuple[Running, str],
    logic_apps: CallbackReceiver,
    d365: D365Emulator,
    batch_id: int,
    status: str,
    succeeded: bool,
) -> None:
    """The action subscribes, waits and unsubscribes; the body of its output has what the condition asks."""
    d365.script(batch_id, ends(status, 20, 40))
    found = _run(logic_apps, gateway[1], batch_id)
    assert (found["status"], found["subscribed"], found["unsubscribed"]) == ("Succeeded", 202, 200)
    body = found["outputs"]["body"]
    assert (body["status"] == "succeeded", body["error"] is None) == (succeeded, succeeded)
    assert d365.starts(batch_id) == 1


def test_unsubscribe(gateway: tuple[Running, str], logic_apps: CallbackReceiver, d365: D365Emulator) -> None:
    """A workflow that no longer waits stops the watch, which it knows only by its own Idempotency-Key."""
    service, url = gateway
    d365.script(803, ends("Finished", 20, 10**6))
    found = _run(logic_apps, url, 803, timeout="PT2S")
    assert (found["status"], found["unsubscribed"]) == ("TimedOut", 200)
    (job,) = [job for job in service.call("GET", "/jobs").json()["jobs"] if job["batchId"] == 803]
    assert job["status"] == "stopped"


def test_refused(gateway: tuple[Running, str], logic_apps: CallbackReceiver) -> None:
    """A subscription that is refused fails the action immediately."""
    found = _run(logic_apps, gateway[1], 0)
    assert (found["status"], found["subscribed"]) == ("Failed", 400)


@pytest.mark.parametrize(
    ("headers", "status"), [({}, 400), ({"idempotency-key": "never-used"}, 404), ({"idempotency-key": ""}, 400)]
)
def test_stop_by_key(gateway: tuple[Running, str], headers: dict[str, str], status: int) -> None:
    """Without a key, or with one that was never used, nothing is stopped."""
    assert gateway[0].call("DELETE", "/jobs", headers=headers).status_code == status


def test_stop_twice_by_key(gateway: tuple[Running, str], d365: D365Emulator, logic_apps: CallbackReceiver) -> None:
    """Stopping by key is the same as stopping by id, again and again; another caller's key is not this caller's."""
    service, key = gateway[0], {"idempotency-key": "run-804"}
    d365.script(804, ends("Finished", 20, 10**6))
    body = {"batchId": 804, "callbackUrl": logic_apps.url("804")}
    job = service.call("POST", "/jobs", json=body, headers=key).json()["id"]
    assert service.call("DELETE", "/jobs", BOB, headers=key).status_code == 404
    answers = [service.call("DELETE", "/jobs", headers=key).json() for _ in range(2)]
    assert [(answer["id"], answer["status"]) for answer in answers] == [(job, "stopped")] * 2


def test_location_is_absolute(gateway: tuple[Running, str], d365: D365Emulator, logic_apps: CallbackReceiver) -> None:
    """A connector unsubscribes at the Location of the subscription, so it is an address with host."""
    d365.script(805, ends("Finished", 20, 10**6))
    body = {"batchId": 805, "callbackUrl": logic_apps.url("805"), "profile": "plain"}
    answer = httpx.post(f"{gateway[1]}/jobs", json=body)
    assert answer.headers["location"] == f"https://gateway.example.com/batch/jobs/{answer.json()['id']}"
    assert httpx.delete(f"{gateway[1]}/jobs/{answer.json()['id']}").status_code == 200


def test_connector_is_valid(tmp_path: Path) -> None:
    """The definition is Swagger 2.0 as the gateway reads it, and names what the platform needs of a webhook trigger."""
    api = f"{{id: a, path: batch, service-url: 'http://x', openapi: '{CONNECTOR}'}}"
    (tmp_path / "config.yaml").write_text(f"apis: [{api}]")
    read = {operation.id for operation in load(tmp_path / "config.yaml", {}).apis[0].operations}
    assert read == {"whenbatchjobhasended", "listjobs", "getjob", "stopjob"}
    definition = json.loads(CONNECTOR.read_bytes())
    trigger = definition["paths"]["/jobs"]
    assert (trigger["post"]["x-ms-trigger"], "x-ms-notification-content" in trigger) == ("single", True)
    assert definition["definitions"]["Request"]["properties"]["callbackUrl"]["x-ms-notification-url"] is True
    assert "delete" in definition["paths"]["/jobs/{id}"]


def test_connector_fits_the_service(gateway: tuple[Running, str]) -> None:
    """Every operation and every member of the connector exists in the service's own description."""
    described = gateway[0].call("GET", "/openapi.json").json()
    connector = json.loads(CONNECTOR.read_bytes())
    for path, item in connector["paths"].items():
        assert {name for name in item if not name.startswith("x-")} <= set(described["paths"][path])
    schemas = described["components"]["schemas"]
    for ours, theirs in (("Request", "JobRequest"), ("Job", "Job"), ("Problem", "Problem")):
        assert set(connector["definitions"][ours]["properties"]) <= set(schemas[theirs]["properties"])
