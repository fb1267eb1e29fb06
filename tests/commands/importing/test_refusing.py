"""What is odd, doubled or missing in a source opens nothing that the instance does not, and shows no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.commands.importing.findings import ImportOutcome
from gateway.commands.importing.mapping.draft import file_name
from gateway.commands.importing.plan import plan
from gateway.commands.importing.planned import Planned
from gateway.commands.importing.running import run
from gateway.commands.importing.sources.inputs import NO_INPUTS
from gateway.errors import LoadError
from tests.commands.importing.apiops_folder import DEFINITION, an_api, written
from tests.commands.importing.instances import PASSING, SERVICE, answer, api, policy, saved
from tests.commands.importing.templates import resource, save, template

SECRET = "hunter2"
DENYING = '<policies><inbound><base /><return-response><set-status code="401" /></return-response></inbound></policies>'
REFUSING = b'code="503"'


def planned(folder: Path, *resources: dict[str, Any]) -> Planned:
    """What *resources* become."""
    return plan(saved(folder, *resources))


def in_workspace(name: str, *resources: dict[str, Any]) -> list[dict[str, Any]]:
    """*resources* of a workspace."""
    return [answer(f"workspaces/{name}/{own['id'].partition('demo/')[2]}", **own["properties"]) for own in resources]


SECRETS: list[list[dict[str, Any]]] = [
    api(serviceUrl=f"https://user:{SECRET}@a.example.com/"),
    api(serviceUrl=f"https://a.example.com/?code={SECRET}"),
    api(serviceUrl=f"ftp://a.example.com/?code={SECRET}"),
    api(serviceUrl=f"https://a.example.com/{{{{unknown}}}}?x-functions-key={SECRET}"),
    [answer("backends/b", url=f"https://a.example.com/?sv=1&sig={SECRET}")],
    [answer("backends/b", url="https://a.example.com", credentials={"header": {"x": [f"{SECRET}{{{{key}}}}"]}})],
    [answer("backends/b", url="https://a.example.com", credentials={"authorization": {
        "scheme": "Basic", "parameter": f"{SECRET}{{{{key}}}}"}})],
    [answer("namedValues/key", value=SECRET, secret="yes"), policy("", "<policies>{{key}}</policies>")],
]  # fmt: skip


@pytest.mark.parametrize("resources", SECRETS)
def test_no_secret_is_written(tmp_path: Path, resources: list[dict[str, Any]]) -> None:
    """A secret that the source has in a URL, a header or a value is in no file of the result and in no finding."""
    report = run(saved(tmp_path, *resources), tmp_path / "out", NO_INPUTS)
    texts = [file.read_text() for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert not [text for text in [*texts, str(report.findings), str(report.problems)] if SECRET in text]


def test_a_backend_of_the_source_keeps_its_name(tmp_path: Path) -> None:
    """A backend that the import makes for a URL with a query replaces none of the source."""
    result = planned(
        tmp_path, *api(serviceUrl="https://a.example.com/?x=1"), answer("backends/api-orders", url="https://b.example.com")
    )  # fmt: skip
    assert result.config["backends"]["api-orders"] == {"url": "https://b.example.com"}
    (written_api,) = result.config["apis"]
    assert result.config["backends"][written_api["backend"]]["url"] == "https://a.example.com/"


FILES = [
    ("a" * 100 + ".xml", "a" * 76 + ".xml"),
    ("a." + "b" * 100, ("a." + "b" * 100)[:80]),
    ("con.xml", "con-.xml"),
    ("NUL", "NUL-"),
    ("console.xml", "console.xml"),
    ("../../x", "x"),
]


@pytest.mark.parametrize(("name", "expected"), FILES)
def test_names_of_files(name: str, expected: str) -> None:
    """A name that is cut keeps its suffix, and a device of Windows is not a file's name."""
    assert file_name(name) == expected


@pytest.mark.parametrize("source", ["/apis/orders", f"{SERVICE}/apis/Orders;rev=1"])
def test_a_revision_has_what_it_was_made_from(tmp_path: Path, source: str) -> None:
    """A revision that was made from another one has that one's operations and policies where it has none of its own."""
    revision = answer("apis/orders;rev=2", path="orders", apiRevision="2", isCurrent=False, sourceApiId=source)
    result = planned(
        tmp_path, *api(), policy("apis/orders", DENYING), policy("apis/orders/operations/read", DENYING), revision,
        policy("apis/orders;rev=2/operations/read", PASSING),
    )  # fmt: skip
    made = result.config["apis"][1]
    assert result.files[made["policy"]].decode() == DENYING
    (operation,) = made["operations"]
    assert (operation["method"], result.files[operation["policy"]].decode()) == ("GET", PASSING)


def test_a_revision_of_something_unknown_refuses(tmp_path: Path) -> None:
    """The policy of an API that was made from one that the source does not have is not known."""
    result = planned(tmp_path, *api(sourceApiId="/apis/elsewhere"))
    assert REFUSING in result.files["policies/apis/orders/api.xml"]


def test_policies_of_workspaces(tmp_path: Path) -> None:
    """An API has its workspace's policy; where it has one of its own as well, it refuses until they are joined."""
    inner = in_workspace("w", *api(), *api("bills"), policy("apis/bills", PASSING), policy("", DENYING))
    result = planned(tmp_path, *inner, *api("other"))
    policies = {own["id"]: result.files.get(own.get("policy", "")) for own in result.config["apis"]}
    assert policies["orders"] == DENYING.encode()
    assert REFUSING in (policies["bills"] or b"")
    assert policies["other"] is None


def test_a_workspaces_policy_that_adds_nothing(tmp_path: Path) -> None:
    """The document that every workspace starts with changes nothing."""
    result = planned(tmp_path, *in_workspace("w", *api(), policy("apis/orders", DENYING), policy("", PASSING)))
    assert result.files["policies/apis/orders/api.xml"] == DENYING.encode()


def test_version_sets_of_workspaces(tmp_path: Path) -> None:
    """A version set of a workspace is another one than the service's of the same name."""
    sets = (
        answer("apiVersionSets/v", versioningScheme="Header", versionHeaderName="x-version"),
        answer("workspaces/w/apiVersionSets/v", versioningScheme="Segment"),
    )
    (own,) = planned(tmp_path, *api(apiVersion="v1", apiVersionSetId="/apiVersionSets/v"), *sets).config["apis"]
    assert own["version"] == {"scheme": "header", "value": "v1", "name": "x-version"}


def test_a_product_of_a_workspace_has_its_apis(tmp_path: Path) -> None:
    """A product of a workspace gives no access to the service's API of the same name."""
    result = planned(tmp_path, *api(), *in_workspace("w", answer("products/p"), answer("products/p/apis/orders")))
    assert result.config["products"] == [{"id": "p", "apis": []}]


def test_what_is_there_twice(tmp_path: Path) -> None:
    """Of two different documents of one scope none is taken, and no backend replaces another one."""
    twice = [
        resource("apis", "s/orders", path="orders", serviceUrl="https://a.example.com"),
        resource("apis/operations", "s/orders/read", method="GET", urlTemplate="/"),
        resource("apis/policies", "s/orders/policy", format="rawxml", value=PASSING),
        resource("apis/policies", "s/orders/policy", format="rawxml", value=DENYING),
        resource("policyFragments", "s/f", format="rawxml", value="<fragment><return-response /></fragment>"),
        resource("policyFragments", "s/F", format="rawxml", value="<fragment />"),
        resource("backends", "s/b", url="https://a.example.com"),
        resource("backends", "s/B", url="https://b.example.com"),
    ]
    result = plan(save(tmp_path, {"t.json": template(*twice)}))
    (own,) = result.config["apis"]
    assert REFUSING in result.files[own["policy"]]
    assert REFUSING in result.files[result.config["fragments"]["f"]]
    assert result.config["backends"] == {"b": {"url": "https://a.example.com"}}
    left = [finding.what for finding in result.of(ImportOutcome.LEFT_OUT) if not finding.harmless]
    assert left == ["backends B"]


TEXTS = [
    "[concat('<policies><!-- /orders/{id} -->', parameters('id'), '</policies>')]",
    "[format('<policies><!-- {{{{id}}}} -->{0}</policies>', parameters('id'))]",
    "[replace('<policies><!-- /orders/{id} -->KEY</policies>', 'KEY', parameters('id'))]",
]


@pytest.mark.parametrize("text", TEXTS)
def test_braces_of_the_text_are_not_those_of_the_import(tmp_path: Path, text: str) -> None:
    """A text that has the name of an unknown parameter in braces is not known; it was changed in both places."""
    resources = [resource("policies", "s/policy", format="rawxml", value=text)]
    result = plan(save(tmp_path, {"t.json": template(*resources, parameters={"id": {"type": "string"}})}))
    assert REFUSING in result.files["policies/global.xml"]


def test_an_unknown_value_replaces_no_named_value(tmp_path: Path) -> None:
    """A parameter without a value and a named value of the same name are two things."""
    text = "[replace('<policies><!-- #KEY# --></policies>', '#KEY#', parameters('key'))]"
    resources = [
        resource("namedValues", "s/key", displayName="key", value="plain"),
        resource("policies", "s/policy", format="rawxml", value=text),
    ]
    result = plan(save(tmp_path, {"t.json": template(*resources, parameters={"key": {"type": "string"}})}))
    assert result.config["named-values"]["key"] == "plain"
    assert b"{{given-key}}" in result.files["policies/global.xml"]


def _linked(folder: Path, below: str) -> None:
    (folder.parent / "outside").mkdir()
    link = folder / below
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(folder.parent / "outside")


def _broken(folder: Path, below: str) -> None:
    (folder / below).write_bytes(b"<policies>\xff")


UNREADABLE = [
    (_broken, "apis/orders/policy.xml", "policies/apis/orders/api.xml"),
    (_linked, "apis/orders/operations/create", "policies/apis/orders/create.xml"),
    (_linked, "apis/orders/operations", "policies/apis/orders/api.xml"),
    (_linked, "apis/orders/policy.xml", "policies/apis/orders/api.xml"),
]


@pytest.mark.parametrize(("spoil", "below", "file"), UNREADABLE)
def test_a_document_that_cannot_be_read_refuses(tmp_path: Path, spoil: Any, below: str, file: str) -> None:
    """A policy file that is a link or not text, or a folder that is a link, leaves no scope without a policy."""
    files = {"apis/orders/apiInformation.json": an_api(), "apis/orders/specification.yaml": DEFINITION}
    folder = written(tmp_path / "artifacts", files)
    spoil(folder, below)
    result = plan(folder)
    assert REFUSING in result.files[file]
    assert [finding for finding in result.findings if str(folder / below) in finding.location.file]


TERRAFORM = """
variable "number" {}
resource "azurerm_api_management_api" "one" {
  name = "orders"
  path = "orders"
}
resource "azurerm_api_management_api" "two" {
  name     = "orders"
  path     = "orders"
  revision = "2"
}
"""
OPERATION = """
resource "azurerm_api_management_api_operation" "read%(n)s" {
  api_name     = "orders%(n)s"
  operation_id = "read"
  method       = "GET"
  url_template = "/"
}
"""


def _terraform_policy(name: str, text: str, argument: str = "") -> str:
    head = f'resource "azurerm_api_management_api_policy" "{name}" {{\n  api_name = "orders"\n  {argument}\n'
    return f"{head}  xml_content = <<X\n{text}X\n}}\n"


def test_a_revision_of_terraform_has_the_policy(tmp_path: Path) -> None:
    """Terraform's policies name an API, not a revision: each revision has them."""
    operations = OPERATION % {"n": ""} + OPERATION % {"n": ";rev=2"}
    (tmp_path / "main.tf").write_text(TERRAFORM + operations + _terraform_policy("p", DENYING + "\n"))
    result = plan(tmp_path)
    assert [result.files[own["policy"]].decode().strip() for own in result.config["apis"]] == [DENYING, DENYING]


NUMBERS = [
    ("count = 0", True, "there is none of it with these values: count is 0, or for_each is empty"),
    ("for_each = []", True, "there is none of it with these values: count is 0, or for_each is empty"),
    ("count = var.number", False, "count depends on what only the deployment knows: one is imported"),
]


@pytest.mark.parametrize(("argument", "harmless", "message"), NUMBERS)
def test_how_many_there_are_is_said(tmp_path: Path, argument: str, harmless: bool, message: str) -> None:
    """A block of Terraform of which there is none, or of which the number is not known, is in the report."""
    (tmp_path / "main.tf").write_text(TERRAFORM + _terraform_policy("p", PASSING, argument))
    findings = [finding for finding in plan(tmp_path).findings if finding.message == message]
    assert [(finding.what, finding.harmless) for finding in findings] == [
        ("azurerm_api_management_api_policy.p", harmless)
    ]


def test_two_documents_of_terraform(tmp_path: Path) -> None:
    """Of two different documents for one API none is taken."""
    documents = _terraform_policy("p", PASSING) + _terraform_policy("q", DENYING + "\n")
    (tmp_path / "main.tf").write_text(TERRAFORM + OPERATION % {"n": ""} + documents)
    result = plan(tmp_path)
    assert REFUSING in result.files["policies/apis/orders/api.xml"]


def test_names_that_tools_have(tmp_path: Path) -> None:
    """In a collection each folder is a resource, whatever it is called."""
    files = {
        "apis/orders/apiInformation.json": an_api(),
        "apis/orders/specification.yaml": DEFINITION,
        "apis/orders/operations/.create/policy.xml": DENYING,
        "products/venv/productInformation.json": {"displayName": "V"},
    }
    result = plan(written(tmp_path, files))
    assert result.config["products"][0]["id"] == "venv"
    assert "policies/apis/orders/create.xml" in result.files


DOUBLES = [(None, PASSING, PASSING.encode()), (PASSING, PASSING, PASSING.encode()), (PASSING, DENYING, REFUSING)]


@pytest.mark.parametrize(("own", "other", "expected"), DOUBLES)
def test_a_revision_that_is_there_twice(tmp_path: Path, own: str | None, other: str, expected: bytes) -> None:
    """A policy in the second folder of the current revision counts; one that differs from the first refuses."""
    files = {f"{api}/{name}": content for api in ("apis/orders", "apis/orders;rev=1") for name, content in [
        ("apiInformation.json", an_api()), ("specification.yaml", DEFINITION)]}  # fmt: skip
    files |= {"apis/orders;rev=1/policy.xml": other} | ({"apis/orders/policy.xml": own} if own else {})
    result = plan(written(tmp_path, files))
    (only,) = result.config["apis"]
    assert expected in result.files[only["policy"]]


def test_too_many_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with more answers than are read is refused, not read in part."""
    monkeypatch.setattr("gateway.commands.importing.sources.management.MAX_FILES", 1)
    (tmp_path / "a.json").write_text(saved(tmp_path, *api()).read_text())
    with pytest.raises(LoadError, match="more than 1 files"):
        plan(tmp_path)
