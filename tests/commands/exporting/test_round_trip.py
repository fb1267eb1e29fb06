"""Import, export and import again: nothing is lost and nothing is added."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.commands.exporting.folder import Tool
from gateway.commands.exporting.running import exported, save
from gateway.commands.exporting.source import ExportSource
from gateway.commands.importing.plan import plan
from gateway.commands.importing.writing.folder import write
from tests.commands.importing.apiops_folder import DEFINITION, POLICY, an_api, written

SERVICE = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.ApiManagement/service/contoso"
USES = (
    '<policies>\r\n  <inbound>\r\n    <base />\r\n    <include-fragment fragment-id="trace" />\r\n'
    '    <set-backend-service backend-id="pool" />\r\n  </inbound>\r\n</policies>\r\n'
)
FOLDER: dict[str, object] = {
    "policy.xml": "<policies><inbound><!-- kept --></inbound><backend><forward-request /></backend></policies>",
    "apis/orders/apiInformation.json": an_api(
        apiVersion="v1",
        apiVersionSetId="/apiVersionSets/orders",
        subscriptionRequired=True,
        subscriptionKeyParameterNames={"header": "x-key", "query": "key"},
    ),
    "apis/orders/specification.yaml": DEFINITION,
    "apis/orders/policy.xml": USES,
    "apis/orders/operations/create/policy.xml": POLICY,
    "apis/orders;rev=2/apiInformation.json": an_api(
        apiRevision="2", isCurrent=None, apiVersion="v1", apiVersionSetId="/apiVersionSets/orders"
    ),
    "apis/orders;rev=2/specification.yaml": DEFINITION,
    "apis/stock/apiInformation.json": an_api(path="stock", serviceUrl="https://stock.example.com?api-version=7"),
    "apis/stock/specification.json": '{"openapi": "3.0.1", "info": {"title": "S", "version": "1"}, "paths": '
    '{"/items": {"get": {"operationId": "items", "responses": {"200": {"description": "ok"}}}}}}',
    "apis/people/apiInformation.json": an_api(path="people", type="graphql", serviceUrl=None),
    "apis/people/specification.graphql": "type Query { users: [User] }\r\ntype User { id: ID! }\r\n",
    "apis/people/resolvers/users/resolverInformation.json": {"displayName": "Users", "path": "Query/users"},
    "apis/people/resolvers/users/policy.xml": "<http-data-source>\r\n  <http-request>\r\n<set-method>GET</set-method>"
    "<set-url>https://people.example.com/users</set-url></http-request></http-data-source>",
    "version sets/orders/versionSetInformation.json": {
        "displayName": "Orders",
        "versioningScheme": "Header",
        "versionHeaderName": "api-version",
    },
    "named values/plain/namedValueInformation.json": {"displayName": "plain", "value": "west"},
    "named values/secret/namedValueInformation.json": {"displayName": "secret", "secret": True},
    "named values/vaulted/namedValueInformation.json": {
        "displayName": "vaulted",
        "secret": True,
        "keyVault": {"secretIdentifier": "https://contoso.vault.azure.net/secrets/one"},
    },
    "backends/first/backendInformation.json": {
        "url": "https://first.example.com",
        "protocol": "http",
        "credentials": {"header": {"x-key": ["{{secret}}"]}},
        "tls": {"validateCertificateChain": True, "validateCertificateName": False},
        "circuitBreaker": {
            "rules": [
                {
                    "name": "rule",
                    "failureCondition": {
                        "count": 3,
                        "interval": "PT1M30S",
                        "statusCodeRanges": [{"min": 500, "max": 599}],
                        "errorReasons": ["Timeout"],
                    },
                    "tripDuration": "PT10S",
                    "acceptRetryAfter": True,
                }
            ]
        },
    },
    "backends/second/backendInformation.json": {"url": "https://second.example.com", "protocol": "http"},
    "backends/pool/backendInformation.json": {
        "type": "Pool",
        "pool": {"services": [{"id": "/backends/first", "weight": 3}, {"id": f"{SERVICE}/backends/second"}]},
    },
    "policy fragments/trace/policyFragmentInformation.json": {"description": "adds a header"},
    "policy fragments/trace/policy.xml": '<fragment><set-header name="x-region"><value>{{plain}}</value></set-header>'
    '<set-header name="x-key"><value>{{vaulted}}</value></set-header></fragment>',
    "products/starter/productInformation.json": {
        "displayName": "Starter",
        "state": "published",
        "subscriptionRequired": True,
        "approvalRequired": False,
        "subscriptionsLimit": 2,
    },
    "products/starter/policy.xml": POLICY,
    "products/starter/apis/orders/productApiInformation.json": "{}",
    "products/starter/groups/developers/productGroupInformation.json": "{}",
    "groups/developers/groupInformation.json": {"displayName": "Developers", "type": "system"},
    "subscriptions/ada/subscriptionInformation.json": {
        "displayName": "Ada",
        "scope": f"{SERVICE}/products/starter",
        "state": "active",
    },
}


@pytest.mark.parametrize("tool", list(Tool))
def test_import_export_import(tmp_path: Path, tool: Tool) -> None:
    """What an import makes of an export is what was exported: configuration, policies and definitions are equal."""
    first = plan(written(tmp_path / "source", FOLDER))
    write(first, tmp_path / "imported")
    save(exported(ExportSource.read(tmp_path / "imported/config.yaml"), tool), tmp_path / "exported")
    second = plan(tmp_path / "exported")
    assert len(first.config["apis"]) == 4
    assert second.config == first.config
    assert {path for path in first.files if not path.startswith(".")} == {
        path for path in second.files if not path.startswith(".")
    }
    assert [path for path in first.files if path.startswith(("policies", "definitions"))]
    assert all(second.files[path] == content for path, content in first.files.items() if not path.startswith("."))
