"""The description and the service agree, also under inputs that nobody thought of."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import status_code_conformance

from gateway.notifications.api.openapi import document
from tests.notifications.conftest import ALICE, Running

_current: dict[str, Any] = {}


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """The running service, called by Alice; it was started by the fixture, not by schemathesis' client."""
    if scope["type"] == "lifespan":
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})
        return
    scope["extensions"] = {"gateway.caller": ALICE}
    await _current["app"](scope, receive, send)


# Its cases are made when the test runs, by one worker: made with the parameters, every worker would make them.
described = schemathesis.pytest.from_fixture("description")


# schemathesis' client leaves streams to the garbage collector, which complains about them.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    # The service's threads draw random numbers while hypothesis looks.
    pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning"),
]


@pytest.fixture(autouse=True)
def _served(service: Running) -> Iterator[None]:
    _current["app"] = service.app
    yield
    gc.collect()


@pytest.fixture
def description() -> Any:
    """What the service publishes about itself, with the service behind it."""
    schema = schemathesis.openapi.from_dict(document(""))
    schema.app = _app
    return schema


@described.parametrize()
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_conforms(case: Any) -> None:
    """No input leads to a 5xx, an undocumented status or an answer of another shape."""
    case.call_and_validate(checks=[status_code_conformance, schemathesis.checks.not_a_server_error])


def test_every_operation(service: Running) -> None:
    """Every route is described, and the document is served."""
    described = service.call("GET", "/openapi.json").json()
    routes = {(route.path, method) for route in service.app.routes for method in route.methods - {"HEAD"}}  # type: ignore[attr-defined]
    listed = {
        (path, method.upper()) for path, item in described["paths"].items() for method in item if method != "parameters"
    }
    assert listed == routes - {("/openapi.json", "GET")}
    assert described["servers"] == [{"url": "/batch"}]


def test_example_configuration_hides_nothing(service: Running) -> None:
    """The operations of config.example.yaml let every route of the service through, its description included."""
    example = yaml.safe_load((Path(__file__).parents[3] / "config.example.yaml").read_text())
    batch = next(api for api in example["apis"] if api["id"] == "batch")
    let_through = {(operation["url-template"], operation["method"]) for operation in batch["operations"]}
    routes = {(route.path, method) for route in service.app.routes for method in route.methods - {"HEAD"}}  # type: ignore[attr-defined]
    assert let_through == routes


def test_unavailability_is_described() -> None:
    """Every operation that needs the store says that it may be away."""
    operations = [item[method] for item in document("")["paths"].values() for method in item if method != "parameters"]
    assert ["503" in operation["responses"] for operation in operations] == [True] * len(operations)
