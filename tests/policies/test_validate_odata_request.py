"""validate-odata-request: every attribute, and that it judges the URL that goes to the backend."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import LoadError, PolicyError
from gateway.odata.csdl import read_metadata
from gateway.pipeline.context import Context, OperationInfo
from gateway.wire.messages import Request
from tests.odata.shop import METADATA
from tests.policies.bench import Bench, get, new_context, post


@pytest.fixture(scope="module")
def operation(tmp_path_factory: pytest.TempPathFactory) -> OperationInfo:
    """The operation of an entity set."""
    file = tmp_path_factory.mktemp("odata") / "metadata.xml"
    file.write_text(METADATA)
    return OperationInfo("Customers", "Customers", "*", "/Customers", model=read_metadata(file))


def run(bench: Bench, policy: str, request: Request, operation: OperationInfo) -> Context:
    """The context afterwards. Raises PolicyError."""
    context = new_context(request)
    context.operation = operation
    bench.run(policy, context=context)
    return context


VERSION = "OData-Version"
CASES: dict[str, tuple[str, Request, str]] = {
    "a request that fits": ("", get("/Customers?$top=1"), ""),
    "one that does not": ("", get("/Customers?$top=x"), "$top: a number of at most 18 digits is expected"),
    "a custom option": ("", get("/Customers?top=1&a=b"), "query: 'top': OData 4.0 writes it with $ and in lower case"),
    "an assumed version": ('default-odata-version="4.01"', get("/Customers?top=1"), ""),
    "a version that is too low": ('min-odata-version="4.01"', get("/Customers"), "OData-Version: 4.0 is not accepted"),
    "one that is high enough": ('min-odata-version="4.01"', get("/Customers", [(VERSION, "4.01")]), ""),
    "a version that is too high": (
        'max-odata-version="4.0"',
        get("/Customers", [(VERSION, "4.01")]),
        "OData-Version: 4.01 is not accepted",
    ),
    "a body that fits": ('max-size="5"', post(b"12345"), ""),
    "a body that is too large": ('max-size="4"', post(b"12345"), "body: 5 bytes, and at most 4 are allowed"),
}


@pytest.mark.parametrize("name", CASES)
def test_validate_odata_request(bench: Bench, operation: OperationInfo, name: str) -> None:
    """Each attribute by itself; whatever does not fit is a 400."""
    attributes, request, why = CASES[name]
    if request.method == "POST":
        request.path = "/Customers"
    policy = f"<validate-odata-request {attributes}/>"
    if not why:
        run(bench, policy, request, operation)
        return
    with pytest.raises(PolicyError) as refused:
        run(bench, policy, request, operation)
    assert (refused.value.status, refused.value.reason, refused.value.message) == (400, "Bad request", why)


def test_the_errors_variable(bench: Bench, operation: OperationInfo) -> None:
    """What does not fit can be read in on-error."""
    context = new_context(get("/Nothing"))
    context.operation = operation
    with pytest.raises(PolicyError):
        bench.run('<validate-odata-request error-variable-name="why"/>', context=context)
    assert context.variables["why"] == "path: the service has no 'Nothing'"


def test_the_url_for_the_backend_is_judged(bench: Bench, operation: OperationInfo) -> None:
    """A path that an earlier policy has written is judged as it will be sent."""
    rewritten = '<rewrite-uri template="/Nothing"/><validate-odata-request/>'
    with pytest.raises(PolicyError, match="Nothing"):
        run(bench, rewritten, get("/Customers"), operation)


def test_an_api_without_metadata(bench: Bench, operation: OperationInfo) -> None:
    """Without metadata nothing can be judged, and nothing passes."""
    with pytest.raises(PolicyError) as refused:
        run(bench, "<validate-odata-request/>", get("/Customers"), replace(operation, model=None))
    assert (refused.value.status, refused.value.public_message) == (500, "Internal server error")


@pytest.mark.parametrize("attribute", ["default-odata-version", "min-odata-version", "max-odata-version"])
def test_attributes_that_are_not_versions(bench: Bench, attribute: str) -> None:
    """A version that no request can have is a mistake at load."""
    with pytest.raises(LoadError):
        bench.compile(f'<validate-odata-request {attribute}="four"/>')
