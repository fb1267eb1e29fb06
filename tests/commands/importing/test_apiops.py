"""Artifacts folders are read into resources, whichever tool and version wrote them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.commands.importing.findings import ImportOutcome
from gateway.commands.importing.resources import ArmResource, Harvest, Unresolved
from gateway.commands.importing.sources import apiops
from gateway.commands.importing.sources.apiops.folders import artifact_folders
from gateway.commands.importing.sources.apiops.layout import Role, artifact_of
from gateway.commands.importing.sources.inputs import NO_INPUTS, Inputs, read_inputs
from gateway.errors import LoadError
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode
from tests.commands.importing.apiops_folder import DEFINITION, POLICY, an_api, written

API = "apis/orders/apiInformation.json"


def _read(root: Path, inputs: Inputs = NO_INPUTS) -> Harvest:
    return apiops.read(root, inputs)


def _names(harvest: Harvest) -> list[str]:
    return sorted(f"{resource.kind}:{'/'.join(resource.name)}" for resource in harvest.resources)


def _one(harvest: Harvest, kind: str) -> ArmResource:
    (resource,) = harvest.of(kind)
    return resource


def _value(resource: ArmResource, *path: str) -> str | None:
    node: YamlNode | None = resource.properties
    for step in path:
        node = node.find(step) if isinstance(node, Mapping) else None
    return node.value if isinstance(node, Scalar) else None


@pytest.mark.parametrize(
    ("path", "role", "kind", "name"),
    [
        ("policy.xml", Role.POLICY, "policies", "policy"),
        ("apis/a/policy.xml", Role.POLICY, "apis/policies", "a/policy"),
        ("apis/a;rev=2/operations/o/policy.xml", Role.POLICY, "apis/operations/policies", "a;rev=2/o/policy"),
        ("apis/a/resolvers/r/policy.xml", Role.POLICY, "apis/resolvers/policies", "a/r/policy"),
        ("products/p/policy.xml", Role.POLICY, "products/policies", "p/policy"),
        ("policy fragments/f/policy.xml", Role.FRAGMENT, "policyFragments", "f"),
        ("policyFragments/f/policyFragmentInformation.json", Role.INFORMATION, "policyFragments", "f"),
        ("apis/a/apiInformation.json", Role.INFORMATION, "apis", "a"),
        ("apis/a/operations/o/operationInformation.json", Role.INFORMATION, "apis/operations", "a/o"),
        ("apis/a/tags/t/apiTagInformation.json", Role.INFORMATION, "apis/tags", "a/t"),
        ("tags/t/apis/a/tagApiInformation.json", Role.INFORMATION, "apis/tags", "a/t"),
        ("tags/t/products/p/tagProductInformation.json", Role.INFORMATION, "products/tags", "p/t"),
        ("apis/a/tags.json", Role.LINKS, "apis/tags", "a"),
        ("products/p/apis.json", Role.LINKS, "products/apis", "p"),
        ("products/p/apis/a/productApiInformation.json", Role.INFORMATION, "products/apis", "p/a"),
        ("products/p/groups/g/productGroupInformation.json", Role.INFORMATION, "products/groups", "p/g"),
        ("named values/n/namedValueInformation.json", Role.INFORMATION, "namedValues", "n"),
        ("namedValues/n/namedValueInformation.json", Role.INFORMATION, "namedValues", "n"),
        ("version sets/v/apiVersionSetInformation.json", Role.INFORMATION, "apiVersionSets", "v"),
        ("versionSets/v/versionSetInformation.json", Role.INFORMATION, "apiVersionSets", "v"),
        ("gateways/g/apis.json", Role.LINKS, "gateways/apis", "g"),
        ("apis/a/specification.wsdl", Role.DEFINITION, "apis", "a"),
        ("apis/a/specification.yml", Role.DEFINITION, "apis", "a"),
    ],
)
def test_each_file_is_known_by_its_path(path: str, role: Role, kind: str, name: str) -> None:
    """Every file that an extractor of any version writes is known for what it is, in workspaces, too."""
    for prefix, workspace in (("", ""), ("workspaces/team/", "team")):
        artifact = artifact_of((prefix + path).split("/"))
        assert artifact is not None
        assert (artifact.role, artifact.kind, "/".join(artifact.name)) == (role, kind, name)
        assert artifact.workspace == workspace


@pytest.mark.parametrize(
    "path",
    """
    readme.md apis/policy.xml apis/a/other.json apis/a/b/c/policy.xml operations/o/policy.xml backends/b/policy.xml
    apis/a/specification.txt src/a/apiInformation.json named-things/n/namedValueInformation.json apis/a/wiki.md
    apis/a/operations/o/tags/t/tagInformation.json
    """.split(),
)
def test_other_files_are_not_guessed_at(path: str) -> None:
    """A file that no extractor writes there is not taken for something else."""
    assert artifact_of(path.split("/")) is None


def test_a_folder_becomes_resources(tmp_path: Path) -> None:
    """Properties, policies, definitions and links become ARM's resources, each with its place."""
    files = {
        "policy.xml": POLICY,
        API: an_api(),
        "apis/orders/specification.yaml": DEFINITION,
        "apis/orders/policy.xml": POLICY,
        "apis/orders/operations/create/policy.xml": POLICY,
        "products/starter/productInformation.json": {"displayName": "Starter", "state": "published"},
        "products/starter/apis/orders/productApiInformation.json": [],
        "named values/key/namedValueInformation.json": {"displayName": "key", "value": "1"},
        "policy fragments/trace/policyFragmentInformation.json": {"description": "Adds an id."},
        "policy fragments/trace/policy.xml": "<fragment />",
    }
    files["products/starter/apis/orders/productApiInformation.json"] = "{}"
    harvest = _read(written(tmp_path, files))
    assert harvest.findings == []
    assert _names(harvest) == [
        "apis/operations/policies:orders/create/policy",
        "apis/policies:orders/policy",
        "apis:orders",
        "namedValues:key",
        "policies:policy",
        "policyFragments:trace",
        "products/apis:starter/orders",
        "products:starter",
    ]
    api, fragment = _one(harvest, "apis"), _one(harvest, "policyFragments")
    assert (_value(api, "path"), _value(api, "format"), _value(api, "value")) == ("orders", "openapi", DEFINITION)
    assert (_value(fragment, "description"), _value(fragment, "value")) == ("Adds an id.", "<fragment />")
    policy = _one(harvest, "apis/operations/policies")
    value = policy.properties.find("value")
    assert value is not None
    assert (str(value.location), _value(policy, "format")) == (
        f"{tmp_path}/apis/orders/operations/create/policy.xml:1:1",
        "rawxml",
    )
    assert str(api.properties.find("path").location) == f"{tmp_path}/{API}:3:14"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("specification.yaml", "openapi: 3.0.1", "openapi"),
        ("specification.json", '{"openapi": "3.0.1"}', "openapi+json"),
        ("specification.json", '{\n  "swagger": "2.0"}', "swagger-json"),
        ("specification.graphql", "type Query { a: Int }", "graphql"),
        ("specification.wsdl", "<definitions/>", "wsdl"),
        ("specification.wadl", "<application/>", "wadl-xml"),
    ],
)
def test_the_form_of_a_definition_is_told(tmp_path: Path, name: str, text: str, expected: str) -> None:
    """A definition has the name that ARM has for its form."""
    harvest = _read(written(tmp_path, {API: an_api(), f"apis/orders/{name}": text}))
    assert _value(_one(harvest, "apis"), "format") == expected


def test_links_of_two_versions_are_taken_once(tmp_path: Path) -> None:
    """A folder in which an old and a new tool have written the same links has each of them once."""
    files = {
        API: an_api(),
        "products/p/productInformation.json": {"displayName": "P"},
        "products/p/apis.json": [{"name": "orders"}],
        "products/p/apis/orders/productApiInformation.json": "{}",
        "products/p/groups.json": [{"name": "developers"}, {"name": "guests"}],
    }
    links = [name for name in _names(_read(written(tmp_path, files))) if "/" in name.partition(":")[0]]
    assert links == ["products/apis:p/orders", "products/groups:p/developers", "products/groups:p/guests"]


def test_the_current_revision_is_taken_once(tmp_path: Path) -> None:
    """Where the current revision is in a folder of its own besides, that folder is left out, and said so."""
    files = {
        API: an_api(apiRevision="2"),
        "apis/orders;rev=1/apiInformation.json": an_api(apiRevision="1", isCurrent=False),
        "apis/orders;rev=2/apiInformation.json": an_api(apiRevision="2"),
        "apis/orders;rev=2/policy.xml": POLICY,
    }
    harvest = _read(written(tmp_path, files))
    assert _names(harvest) == ["apis/policies:orders/policy", "apis:orders", "apis:orders;rev=1"]
    (finding,) = harvest.findings
    assert (finding.outcome, finding.what, finding.harmless) == (ImportOutcome.LEFT_OUT, "API orders;rev=2", True)


def test_what_cannot_be_read_is_reported(tmp_path: Path) -> None:
    """Broken, foreign and hostile files are findings with their places, and keep nothing else from being read."""
    files = {
        API: an_api(),
        "apis/orders/specification.yaml": DEFINITION,
        "apis/orders/specification.json": "{}",
        "backends/b/backendInformation.json": "{",
        "loggers/l/loggerInformation.json": "[]",
        "products/p/apis.json": "{}",
        "policy fragments/f/policyFragmentInformation.json": {"description": "no document"},
        "odd.json": "{}",
        "readme.md": "",
    }
    root = written(tmp_path / "folder", files)
    secret = written(tmp_path, {"secret.txt": "secret"}) / "secret.txt"
    (root / "policy.xml").symlink_to(secret)
    (root / "apis/orders/policy.xml").write_bytes(b"<a>\n\xff")
    harvest = _read(root)
    told = {
        f"{finding.location.file.removeprefix(f'{root}/')}:{finding.location.line}": (finding.outcome, finding.harmless)
        for finding in harvest.findings
    }
    assert told == {
        "apis/orders/specification.json:1": (ImportOutcome.LEFT_OUT, True),
        "backends/b/backendInformation.json:1": (ImportOutcome.NEEDS_YOU, False),
        "loggers/l/loggerInformation.json:1": (ImportOutcome.NEEDS_YOU, False),
        "products/p/apis.json:1": (ImportOutcome.NEEDS_YOU, False),
        "policy fragments/f/policyFragmentInformation.json:1": (ImportOutcome.NEEDS_YOU, False),
        "odd.json:1": (ImportOutcome.LEFT_OUT, False),
        "readme.md:1": (ImportOutcome.LEFT_OUT, True),
        "policy.xml:1": (ImportOutcome.NEEDS_YOU, False),
        "apis/orders/policy.xml:2": (ImportOutcome.NEEDS_YOU, False),
    }
    assert _names(harvest) == ["apis/policies:orders/policy", "apis:orders", "policies:policy"]


def test_redacted_secrets_are_absent(tmp_path: Path) -> None:
    """The mark that apiops-cli writes for a secret is never taken for its value."""
    files = {
        API: an_api(),
        "namedValues/key/namedValueInformation.json": {"displayName": "key", "secret": True, "value": apiops.REDACTED},
        "policy.xml": f"<policies>\n<inbound><value>{apiops.REDACTED}</value></inbound></policies>",
    }
    harvest = _read(written(tmp_path, files))
    assert _value(_one(harvest, "namedValues"), "value") is None
    (finding,) = harvest.findings
    assert (finding.outcome, finding.location.line, finding.location.column) == (ImportOutcome.NEEDS_YOU, 2, 17)


OVERRIDES = """\
apimServiceName: contoso-prod
namedValues:
  - name: KEY
    properties: {secret: true, value: '{#[PROD_KEY]#}'}
backends:
  - name: b
    properties:
      url: https://{#HOST#}/v1
      credentials: {header: {x-key: [two]}}
  - name: unknown
    properties: {url: https://example.com}
apis:
  - name: orders
    properties: {serviceUrl: https://prod.example.com, apiRevision: '7'}
    policies:
      - name: policy
        properties: {format: xml}
workspaces:
  - name: team
    namedValues:
      - {name: key, properties: {value: in-team}}
"""


def test_overrides_replace_properties(tmp_path: Path) -> None:
    """An environment's file replaces single properties; tokens are secrets that only a deployment knows."""
    files = {
        API: an_api(),
        "apis/orders/policy.xml": POLICY,
        "namedValues/key/namedValueInformation.json": {"displayName": "key", "value": "dev"},
        "workspaces/team/namedValues/key/namedValueInformation.json": {"displayName": "key", "value": "dev"},
        "backends/b/backendInformation.json": {
            "url": "https://dev",
            "credentials": {"header": {"x-key": ["one"], "x-other": ["kept"]}},
        },
    }
    root = written(tmp_path / "artifacts", files)
    file = written(tmp_path, {"configuration.prod.yaml": OVERRIDES}) / "configuration.prod.yaml"
    harvest = _read(root, Inputs(files=(file,)))
    api, backend = _one(harvest, "apis"), _one(harvest, "backends")
    assert (_value(api, "serviceUrl"), _value(api, "apiRevision"), _value(api, "path")) == (
        "https://prod.example.com",
        "1",
        "orders",
    )
    assert _value(_one(harvest, "apis/policies"), "format") == "xml"
    key, url = [next(harvest.of("namedValues")).properties.find("value"), backend.properties.find("url")]
    assert isinstance(key, Unresolved)
    assert isinstance(url, Unresolved)
    assert (key.value, key.names, key.secret) == ("{PROD_KEY}", ("PROD_KEY",), True)
    assert (url.value, url.names) == ("https://{HOST}/v1", ("HOST",))
    header = backend.properties.find("credentials").find("header")  # type: ignore[union-attr]
    assert [name.value for name, _ in header.entries] == ["x-key", "x-other"]  # type: ignore[union-attr]
    assert [_value(value, "value") for value in harvest.of("namedValues") if value.workspace] == ["in-team"]
    (finding,) = harvest.findings
    assert (finding.what, finding.location.line, finding.harmless) == ("override of backends unknown", 11, True)
    file.write_text("# nothing is different in production\n")
    assert _value(_one(_read(root, read_inputs([file])), "apis"), "serviceUrl") == "https://orders.example.com"


def test_folders_are_found_in_repositories(tmp_path: Path) -> None:
    """A repository is named as it is; where it has two folders, the message lists them."""
    written(tmp_path / "one/apimartifacts", {API: an_api()})
    written(tmp_path / "two/env/dev", {API: an_api()})
    written(tmp_path / "two/env/prod", {API: an_api()})
    written(tmp_path / "only-a-policy/apim-artifacts", {"policy.xml": POLICY})
    written(tmp_path / "none/src/apis/orders", {"index.ts": "", "package.json": "{}"})
    written(tmp_path / "none/.github/apimartifacts", {API: an_api()})
    assert artifact_folders(tmp_path / "one") == [tmp_path / "one/apimartifacts"]
    assert apiops.recognises(tmp_path / "only-a-policy")
    assert not apiops.recognises(tmp_path / "none")
    assert not apiops.recognises(tmp_path / "one/apimartifacts" / API)
    with pytest.raises(LoadError, match=r"2 artifacts folders \(name one: .*/dev, .*/prod\)"):
        _read(tmp_path / "two")


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders nested too deep, too many files and files that are too long end the import, or the file."""
    root = written(tmp_path, {API: an_api(), "backends/b/backendInformation.json": {"url": "https://example.com"}})
    monkeypatch.setattr("gateway.commands.importing.json_nodes.LARGEST_SOURCE", 100)
    harvest = _read(root)
    assert [finding.what for finding in harvest.findings] == ["API orders"]
    monkeypatch.setattr("gateway.commands.importing.sources.apiops.folders.MAX_FILES", 1)
    with pytest.raises(LoadError, match="more than 1 files"):
        _read(root)
    monkeypatch.undo()
    written(tmp_path, {"/".join("abcdefghijk") + "/x.json": "{}"})
    with pytest.raises(LoadError, match="nested more than 8 deep"):
        _read(root)
