"""GraphQL APIs: schema and resolvers, from every place where exports hold them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.commands.importing.findings import ImportOutcome
from gateway.commands.importing.plan import plan
from gateway.commands.importing.planned import Planned
from tests.commands.importing.instances import answer, api, policy, saved

SCHEMA = "type Query { users: [User] user(id: ID!): User }\ntype User { id: ID! }\n"
SOURCE = "<http-data-source><http-request><set-url>https://a.example.com/</set-url></http-request></http-data-source>"
VALIDATE = "<policies><inbound><base /><validate-graphql-request max-depth='4' max-size='100' /></inbound></policies>"


def resource(**properties: Any) -> dict[str, Any]:
    """The schema as a resource of its own, as ARM has it."""
    kind = "application/vnd.ms-azure-apim.graphql.schema"
    return answer("apis/g/schemas/graphql", contentType=kind, document={"value": SCHEMA}, **properties)


def resolver(field: str) -> list[dict[str, Any]]:
    """A resolver of a root field."""
    name = f"apis/g/resolvers/query-{field}"
    return [answer(name, displayName=field, path=f"Query/{field}"), policy(name, SOURCE)]


def graphql(**properties: Any) -> dict[str, Any]:
    """The API alone."""
    return api("g", type="graphql", **properties)[0]


def planned(folder: Path, *resources: dict[str, Any]) -> Planned:
    """What *resources* become."""
    return plan(saved(folder, *resources))


@pytest.mark.parametrize(
    "resources",
    [
        [graphql(), resource()],
        [graphql(format="graphql", value=SCHEMA)],
        [
            graphql(apiType="graphql"),
            answer("apis/g/schemas/graphql", document={"value": SCHEMA}, contentType="graphql"),
        ],
    ],
    ids="schema-resource beside-the-api apiType".split(),
)
def test_pass_through(tmp_path: Path, resources: list[dict[str, Any]]) -> None:
    """The schema is a file of its own, the policy is unchanged, nothing is left out."""
    result = planned(tmp_path, *resources, policy("apis/g", VALIDATE))
    (written,) = result.config["apis"]
    assert (written["type"], written["graphql"]) == ("graphql", {"schema-file": "schemas/g.graphql"})
    assert written["service-url"] == "https://orders.example.com"
    assert "operations" not in written
    assert result.files["schemas/g.graphql"].decode() == SCHEMA
    assert b"validate-graphql-request" in result.files[written["policy"]]
    assert [finding.message for finding in result.of(ImportOutcome.LEFT_OUT) if not finding.harmless] == []


def test_synthetic(tmp_path: Path) -> None:
    """Resolvers become entries with their documents; a service URL that nothing is sent to is left out, and said."""
    result = planned(tmp_path, graphql(), resource(), *resolver("users"), *resolver("user"))
    (written,) = result.config["apis"]
    assert "service-url" not in written
    listed = [(entry["type"], entry["field"]) for entry in written["graphql"]["resolvers"]]
    assert sorted(listed) == [("Query", "user"), ("Query", "users")]
    assert {result.files[entry["policy"]].decode() for entry in written["graphql"]["resolvers"]} == {SOURCE}
    assert any("resolvers answer every field" in finding.message for finding in result.of(ImportOutcome.CHANGED))


def test_resolvers_beside_a_backend(tmp_path: Path) -> None:
    """Where resolvers answer a part and a backend the rest, the API is left out: nothing joins the two."""
    result = planned(tmp_path, graphql(), resource(), *resolver("users"))
    assert not result.config["apis"]
    assert any("does not join" in finding.message for finding in result.of(ImportOutcome.LEFT_OUT))


def test_what_is_imported_runs(tmp_path: Path) -> None:
    """An APIOps folder with schema and resolver becomes a configuration that passes its check."""
    from gateway.cli import main

    source, target = tmp_path / "artifacts", tmp_path / "out"
    information = {"properties": {"displayName": "G", "path": "g", "type": "graphql", "protocols": ["https"]}}
    files = {
        "apis/g/apiInformation.json": json.dumps(information),
        "apis/g/specification.graphql": "type Query { users: [User] }\ntype User { id: ID! }",
        "apis/g/policy.xml": VALIDATE,
        "apis/g/resolvers/users/resolverInformation.json": '{"properties": {"path": "Query/users"}}',
        "apis/g/resolvers/users/policy.xml": SOURCE,
    }
    for name, text in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(["import", str(source), "-o", str(target)])
    assert ended.value.code == 0
    assert "Query" in (target / "config.yaml").read_text()


BICEP = """
resource apim 'Microsoft.ApiManagement/service@2023-05-01-preview' = {
  name: 'apim'
  properties: {}
}
resource people 'Microsoft.ApiManagement/service/apis@2023-05-01-preview' = {
  parent: apim
  name: 'g'
  properties: { path: 'g', type: 'graphql', protocols: ['https'], serviceUrl: 'https://orders.example.com' }
}
resource schema 'Microsoft.ApiManagement/service/apis/schemas@2023-05-01-preview' = {
  parent: people
  name: 'graphql'
  properties: {
    contentType: 'application/vnd.ms-azure-apim.graphql.schema'
    document: { value: loadTextContent('s.graphql') }
  }
}
"""
TERRAFORM = """
resource "azurerm_api_management" "apim" {
  name = "apim"
}
resource "azurerm_api_management_api" "people" {
  name                = "g"
  api_management_name = azurerm_api_management.apim.name
  path                = "g"
  protocols           = ["https"]
  api_type            = "graphql"
  service_url         = "https://orders.example.com"
}
resource "azurerm_api_management_api_schema" "schema" {
  api_name            = azurerm_api_management_api.people.name
  api_management_name = azurerm_api_management.apim.name
  schema_id           = "graphql"
  content_type        = "application/vnd.ms-azure-apim.graphql.schema"
  value               = file("${path.module}/s.graphql")
}
"""


@pytest.mark.parametrize(("name", "text"), [("main.bicep", BICEP), ("main.tf", TERRAFORM)])
def test_infrastructure_as_code(tmp_path: Path, name: str, text: str) -> None:
    """The schema that Bicep or Terraform loads from a file beside it."""
    (tmp_path / name).write_text(text)
    (tmp_path / "s.graphql").write_text(SCHEMA)
    result = plan(tmp_path)
    (written,) = result.config["apis"]
    assert (written["type"], written["service-url"]) == ("graphql", "https://orders.example.com")
    assert result.files[written["graphql"]["schema-file"]].decode() == SCHEMA
    assert [finding.message for finding in result.of(ImportOutcome.LEFT_OUT) if not finding.harmless] == []
