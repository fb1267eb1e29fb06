"""A configuration is exported as artifacts that publishers take; secrets and what Azure does not have stay out."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.cli import main
from gateway.commands.exporting.folder import ExportFolder, Tool
from gateway.commands.exporting.running import OVERRIDES, exported, save
from gateway.commands.exporting.source import ExportSource
from gateway.commands.importing.findings import ImportOutcome
from gateway.commands.importing.sources import apiops
from gateway.commands.importing.sources.apiops.layout import artifact_of
from gateway.commands.importing.sources.inputs import NO_INPUTS
from gateway.errors import GatewayError

CONFIG = """\
listen: 127.0.0.1:8080
named-values:
  region: west
  api-key: {env: API_KEY}
  mode: {env: MODE, secret: false}
  inline: {value: s3cret-text, secret: true}
backends:
  stock:
    url: https://stock.example.com
    credentials:
      headers: {x-key: {env: API_KEY}, x-other: in-the-clear}
      authorization: {scheme: Bearer, parameter: {env: STOCK_TOKEN}}
    circuit-breaker: {count: 3, interval: 1m, status-codes: [500-599, 429], trip-duration: 90s}
    connect-timeout: 3s
    tls: {verify-name: false}
  spare: {url: https://spare.example.com, credentials: {managed-identity: {resource: "https://r", client-id: c1}}}
  both:
    pool: [{backend: stock, weight: 3}, {backend: spare, priority: 2}]
    session-affinity: sticky
  jobs: {app: notifications}
global-policy: global.yaml
fragments: {trace: trace.xml}
apis:
  - id: orders
    name: All orders
    path: shop/orders
    service-url: https://orders.example.com
    openapi: orders.yaml
    policy: api.xml
    version: {scheme: header, name: api-version, value: v1}
    subscription-required: true
    subscription-key: {header: x-key, query: key}
    path-escapes: ["%2F"]
    operations:
      - {id: createOrder, policy: api.xml}
      - {id: extra, method: GET, url-template: "/extra"}
  - {id: orders-2, path: shop/orders, service-url: https://next.example.com, revision: "2", current: false,
     version: {scheme: header, name: api-version, value: v1}}
  - id: plain
    path: plain
    backend: stock
    protocols: [https]
    operations:
      - {id: read, method: GET, url-template: "/items/{id}?kind={kind}"}
      - {id: any, method: "*", url-template: "/{*rest}"}
products:
  - {id: starter, name: Starter, apis: [orders], groups: [developers], subscriptions-limit: 3, policy: api.xml}
subscriptions:
  - {id: ada, scope: /products/starter, primary-key: {env: ADA}, secondary-key: literal-key-text, user: ada}
  - {id: operators, scope: /apis, primary-key: {env: OPS}, all-access: true}
users: [{id: ada}]
groups: [{id: developers, name: Developers}]
notifications:
  store: sqlite:///jobs.db
  d365:
    instance-url: https://contoso.operations.dynamics.com
    token-url: https://login.microsoftonline.com/TENANT/oauth2/v2.0/token
    client-id: 00000000-0000-0000-0000-000000000000
    client-secret: {env: D365_SECRET}
"""
FILES = {
    "global.yaml": "inbound:\n  # every request\n  - set-header: {name: x-region, value: '{{region}}'}\nbackend: []\n",
    "trace.xml": "<fragment><trace source='a'><message>b</message></trace></fragment>",
    "api.xml": '<policies>\n  <!-- kept -->\n  <inbound><base /><set-variable name="a" value="@(1 < 2)" /></inbound>\n'
    "</policies>\n",
    "orders.yaml": "openapi: 3.0.1\ninfo: {title: O, version: '1'}\npaths:\n"
    "  /orders:\n    post: {operationId: createOrder, responses: {'200': {description: ok}}}\n",
}
SECRETS = ("s3cret-text", "in-the-clear", "literal-key-text")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration and its documents."""
    folder = tmp_path_factory.mktemp("export")
    for name, text in {**FILES, "config.yaml": CONFIG}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "config.yaml"


@functools.cache  # nothing changes what comes of it
def _exported(config: Path, tool: Tool = Tool.APIOPS, vault: str = "") -> ExportFolder:
    return exported(ExportSource.read(config), tool, vault)


def _properties(folder: ExportFolder, path: str) -> Any:
    return json.loads(folder.files[path])["properties"]


def test_every_part_has_its_file(config: Path) -> None:
    """Each resource is in the file in which Azure/apiops looks for it, and nothing else is written."""
    folder = _exported(config)
    assert sorted(folder.files) == [
        "apis/orders/apiInformation.json",
        "apis/orders/operations/createOrder/policy.xml",
        "apis/orders/operations/extra/operationInformation.json",
        "apis/orders/policy.xml",
        "apis/orders/specification.yaml",
        "apis/orders;rev=2/apiInformation.json",
        "apis/orders;rev=2/specification.yaml",
        "apis/plain/apiInformation.json",
        "apis/plain/operations/any/operationInformation.json",
        "apis/plain/specification.yaml",
        "backends/both/backendInformation.json",
        "backends/spare/backendInformation.json",
        "backends/stock/backendInformation.json",
        OVERRIDES,
        "groups/developers/groupInformation.json",
        "named values/api-key/namedValueInformation.json",
        "named values/backend-stock-authorization/namedValueInformation.json",
        "named values/backend-stock-x-other/namedValueInformation.json",
        "named values/inline/namedValueInformation.json",
        "named values/mode/namedValueInformation.json",
        "named values/region/namedValueInformation.json",
        "policy fragments/trace/policy.xml",
        "policy fragments/trace/policyFragmentInformation.json",
        "policy.xml",
        "products/starter/apis/orders/productApiInformation.json",
        "products/starter/groups/developers/productGroupInformation.json",
        "products/starter/policy.xml",
        "products/starter/productInformation.json",
        "subscriptions/ada/subscriptionInformation.json",
        "version sets/shop-orders-header/versionSetInformation.json",
    ]
    assert all(artifact_of(path.split("/")) for path in folder.files if path != OVERRIDES)


def test_folders_of_apiops_cli_have_its_names(config: Path) -> None:
    """apiops-cli finds its own folder names, and links in lists."""
    folder = _exported(config, Tool.APIOPS_CLI)
    assert json.loads(folder.files["products/starter/apis.json"]) == [{"name": "orders"}]
    assert not [path for path in folder.files if " " in path or "productApiInformation" in path]
    assert "namedValues/region/namedValueInformation.json" in folder.files
    assert "policyFragments/trace/policy.xml" in folder.files
    assert "versionSets/shop-orders-header/versionSetInformation.json" in folder.files


def test_secrets_are_never_written(config: Path) -> None:
    """No secret text is in any file; each has a named value that a pipeline or a Key Vault fills in."""
    for folder in (_exported(config), _exported(config, vault="https://contoso.vault.azure.net/")):
        text = "\n".join([*folder.files.values(), *map(str, folder.findings)])
        assert not [secret for secret in SECRETS if secret in text]
    plain, key = (f"named values/{name}/namedValueInformation.json" for name in ("region", "api-key"))
    folder = _exported(config)
    assert _properties(folder, plain) == {"displayName": "region", "secret": False, "value": "west"}
    assert _properties(folder, key) == {"displayName": "api-key", "secret": True}
    tokens = {entry["name"]: entry["properties"] for entry in yaml.safe_load(folder.files[OVERRIDES])["namedValues"]}
    assert tokens["api-key"]["value"] == "{#[API_KEY]#}"
    assert tokens["mode"] == {"displayName": "mode", "secret": False, "value": "{#[MODE]#}"}
    assert sorted(tokens) == ["api-key", "backend-stock-authorization", "backend-stock-x-other", "inline", "mode"]
    vaulted = _properties(_exported(config, vault="https://contoso.vault.azure.net/"), key)
    assert vaulted["keyVault"] == {"secretIdentifier": "https://contoso.vault.azure.net/secrets/api-key"}


def test_properties_are_arms(config: Path) -> None:
    """Settings have the names and the forms that ARM has for them."""
    folder = _exported(config)
    assert _properties(folder, "apis/orders/apiInformation.json") == {
        "path": "shop/orders",
        "apiRevision": "1",
        "isCurrent": True,
        "displayName": "All orders",
        "protocols": ["http", "https"],
        "serviceUrl": "https://orders.example.com",
        "subscriptionRequired": True,
        "subscriptionKeyParameterNames": {"header": "x-key", "query": "key"},
        "apiVersion": "v1",
        "apiVersionSetId": "/apiVersionSets/shop-orders-header",
    }
    assert "isCurrent" not in _properties(folder, "apis/orders;rev=2/apiInformation.json")
    assert _properties(folder, "version sets/shop-orders-header/versionSetInformation.json") == {
        "displayName": "shop-orders-header",
        "versioningScheme": "Header",
        "versionHeaderName": "api-version",
    }
    assert _properties(folder, "backends/stock/backendInformation.json") == {
        "protocol": "http",
        "url": "https://stock.example.com",
        "credentials": {
            "header": {"x-key": ["{{api-key}}"], "x-other": ["{{backend-stock-x-other}}"]},
            "authorization": {"scheme": "Bearer", "parameter": "{{backend-stock-authorization}}"},
        },
        "tls": {"validateCertificateName": False},
        "circuitBreaker": {
            "rules": [
                {
                    "name": "rule",
                    "failureCondition": {
                        "count": 3,
                        "interval": "PT1M",
                        "statusCodeRanges": [{"min": 500, "max": 599}, {"min": 429, "max": 429}],
                        "errorReasons": ["BackendConnectionFailure", "Timeout"],
                    },
                    "tripDuration": "PT90S",
                    "acceptRetryAfter": False,
                }
            ]
        },
    }
    assert _properties(folder, "backends/spare/backendInformation.json")["credentials"] == {
        "managedIdentity": {"resource": "https://r", "clientId": "c1"}
    }
    assert _properties(folder, "backends/both/backendInformation.json") == {
        "type": "Pool",
        "pool": {
            "services": [
                {"id": "/backends/stock", "weight": 3},
                {"id": "/backends/spare", "priority": 2},
            ],
            "sessionAffinity": {"sessionId": {"source": "cookie", "name": "sticky"}},
        },
    }
    assert _properties(folder, "products/starter/productInformation.json")["subscriptionsLimit"] == 3
    assert _properties(folder, "subscriptions/ada/subscriptionInformation.json") == {
        "displayName": "ada",
        "scope": "/products/starter",
        "state": "active",
        "ownerId": "/users/ada",
    }


def test_policies_are_xml(config: Path) -> None:
    """XML is written as it is, with its comments; YAML becomes XML with them."""
    folder = _exported(config)
    assert folder.files["apis/orders/policy.xml"] == FILES["api.xml"]
    assert folder.files["policy.xml"].startswith("<policies>")
    assert "<!-- every request -->" in folder.files["policy.xml"]


def test_operations_become_a_definition(config: Path) -> None:
    """An API without a definition gets one with its operations, because publishers take them from there."""
    written = yaml.safe_load(_exported(config).files["apis/plain/specification.yaml"])
    assert list(written["paths"]) == ["/items/{id}"]
    read = written["paths"]["/items/{id}"]["get"]
    assert read["operationId"] == "read"
    assert [(each["name"], each["in"]) for each in read["parameters"]] == [("id", "path"), ("kind", "query")]
    every = yaml.safe_load(_exported(config).files["apis/orders;rev=2/specification.yaml"])
    assert len(every["paths"]["/*"]) == 8


def test_what_azure_does_not_have_is_reported(config: Path) -> None:
    """Everything that is not exported is in the report, with its line."""
    told = {
        f"{finding.location.line} {finding.what}": (finding.outcome, finding.harmless)
        for finding in _exported(config).findings
        if finding.outcome is not ImportOutcome.CHANGED
    }
    assert told == {
        "1 listen": (ImportOutcome.LEFT_OUT, True),
        "14 backend stock": (ImportOutcome.LEFT_OUT, False),
        "20 backend jobs": (ImportOutcome.LEFT_OUT, False),
        "33 API orders": (ImportOutcome.LEFT_OUT, False),
        "35 operation orders/extra": (ImportOutcome.NEEDS_YOU, False),
        "41 API plain": (ImportOutcome.NEEDS_YOU, False),
        "44 operation plain/any": (ImportOutcome.NEEDS_YOU, False),
        "50 subscription operators": (ImportOutcome.LEFT_OUT, True),
        "51 users": (ImportOutcome.LEFT_OUT, False),
        "54 notifications": (ImportOutcome.LEFT_OUT, False),
    }


def test_the_folder_is_read_again(config: Path, tmp_path: Path) -> None:
    """What is written is an artifacts folder to the import, and a second export changes no file."""
    folder = _exported(config)
    target = tmp_path / "artifacts"
    assert save(folder, target) == len(folder.files)
    assert save(_exported(config), target) == 0
    harvest = apiops.read(target, NO_INPUTS)
    assert {resource.name[0] for resource in harvest.of("apis")} == {"orders", "orders;rev=2", "plain"}
    assert [finding for finding in harvest.findings if not finding.harmless] == []


def test_nothing_foreign_is_written_over(config: Path, tmp_path: Path) -> None:
    """A folder that holds something else, or a link in the way, ends the export before it writes there."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    with pytest.raises(GatewayError, match="not an artifacts folder"):
        save(_exported(config), other)
    target = tmp_path / "artifacts"
    save(_exported(config), target)
    (target / "policy.xml").unlink()
    (target / "policy.xml").symlink_to(other / "thesis.txt")
    with pytest.raises(GatewayError, match="is a link"):
        save(_exported(config), target)
    assert (other / "thesis.txt").read_text() == "mine"


def test_the_command_reports_and_exits(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints each finding with its place; with --strict what matters for traffic is exit code 1."""
    for more, code in (([], 0), (["--strict"], 1)):
        with pytest.raises(SystemExit) as ended:
            main(["export", str(config), "--to", "apiops", "-o", str(tmp_path / "out"), *more])
        assert ended.value.code == code
    lines = capsys.readouterr().out.splitlines()
    assert f"left out: {config}:20:9: backend jobs" in "\n".join(lines)
    assert lines[-1] == f"30 files in {tmp_path / 'out'}"


def test_nothing_is_written_outside(tmp_path: Path) -> None:
    """A revision of an imported configuration is text of a stranger: as a path it leads nowhere."""
    outside = ExportFolder(Tool.APIOPS, {"apis/orders;rev=2/../../../evil/policy.xml": "<policies />"})
    with pytest.raises(GatewayError, match="is not inside"):
        save(outside, tmp_path / "artifacts")
    assert not list(tmp_path.rglob("*.xml"))
