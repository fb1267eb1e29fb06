"""A Terraform folder becomes the resources that ARM would have, each value with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.commands.importing.findings import ImportOutcome
from gateway.commands.importing.resources import Harvest, Unresolved
from gateway.commands.importing.sources.forms import recognise
from gateway.commands.importing.sources.inputs import read_inputs
from gateway.commands.importing.sources.terraform import read, recognises
from gateway.errors import Location
from tests.commands.importing.terraform_source import harvest, only, properties

PREFIX = "azurerm_api_management"
SERVICE = f'resource "{PREFIX}" "main" {{\n  name = "apim"\n}}\n'


def resource(kind: str, body: str, label: str = "x") -> str:
    return f'resource "{PREFIX}_{kind}" "{label}" {{\n{body}\n}}\n'


API = """
  name                  = "orders"
  api_management_name   = azurerm_api_management.main.name
  resource_group_name   = "rg"
  revision              = "1"
  path                  = "orders"
  protocols             = ["https"]
  service_url           = "https://orders.internal"
  version               = "v1"
  version_set_id        = azurerm_api_management_api_version_set.x.id
  subscription_required = false
  subscription_key_parameter_names {
    header = "X-Key"
    query  = "key"
  }
  import {
    content_format = "wsdl"
    content_value  = "<definitions/>"
    wsdl_selector {
      service_name  = "S"
      endpoint_name = "E"
    }
  }
"""
OPERATION = """
  operation_id = "create"
  api_name     = "orders"
  display_name = "Create"
  method       = "POST"
  url_template = "/{id}"
  template_parameter {
    name     = "id"
    required = true
    type     = "string"
  }
  request {
    query_parameter {
      name     = "q"
      required = false
      type     = "string"
    }
  }
  response {
    status_code = 201
    representation {
      content_type = "application/json"
      example {
        name  = "default"
        value = "{}"
      }
    }
  }
"""
BACKEND = """
  name     = "b"
  protocol = "http"
  url      = "https://b"
  credentials {
    header = { "x-a" = "1,2" }
    query  = { "k" = "v" }
    authorization {
      scheme    = "Basic"
      parameter = "abc"
    }
  }
  tls {
    validate_certificate_chain = false
  }
  circuit_breaker_rule {
    name                       = "r"
    trip_duration              = "PT1M"
    accept_retry_after_enabled = true
    failure_condition {
      count             = 3
      interval_duration = "PT5M"
      error_reasons     = ["timeout"]
      status_code_range {
        min = 500
        max = 599
      }
    }
  }
"""
# Kind of Terraform, arguments; kind, name and properties of ARM.
KINDS: list[tuple[str, str, str, tuple[str, ...], dict[str, Any]]] = [
    (
        "api",
        API,
        "apis",
        ("orders",),
        {
            "apiRevision": "1",
            "path": "orders",
            "protocols": ["https"],
            "serviceUrl": "https://orders.internal",
            "apiVersion": "v1",
            "apiVersionSetId": "/apiVersionSets/set",
            "subscriptionRequired": False,
            "subscriptionKeyParameterNames": {"header": "X-Key", "query": "key"},
            "format": "wsdl",
            "value": "<definitions/>",
            "wsdlSelector": {"wsdlServiceName": "S", "wsdlEndpointName": "E"},
        },
    ),
    (
        "api_operation",
        OPERATION,
        "apis/operations",
        ("orders", "create"),
        {
            "displayName": "Create",
            "method": "POST",
            "urlTemplate": "/{id}",
            "templateParameters": [{"name": "id", "required": True, "type": "string"}],
            "request": {"queryParameters": [{"name": "q", "required": False, "type": "string"}]},
            "responses": [
                {
                    "statusCode": 201,
                    "representations": [{"contentType": "application/json", "examples": {"default": {"value": "{}"}}}],
                }
            ],
        },
    ),
    (
        "api_operation_policy",
        'api_name = "orders"\noperation_id = "create"\nxml_content = "<policies/>"',
        "apis/operations/policies",
        ("orders", "create", "policy"),
        {"format": "rawxml", "value": "<policies/>"},
    ),
    (
        "api_policy",
        'api_name = "orders"\nxml_link = "https://x/p.xml"',
        "apis/policies",
        ("orders", "policy"),
        {"format": "rawxml-link", "value": "https://x/p.xml"},
    ),
    (
        "policy",
        "api_management_id = azurerm_api_management.main.id\nxml_content = <<X\n<policies/>\nX",
        "policies",
        ("policy",),
        {"format": "rawxml", "value": "<policies/>\n"},
    ),
    (
        "policy_fragment",
        'name = "f"\nformat = "rawxml"\nvalue = "<fragment/>"',
        "policyFragments",
        ("f",),
        {"format": "rawxml", "value": "<fragment/>"},
    ),
    (
        "policy_fragment",
        'name = "f"\nvalue = "<fragment/>"',
        "policyFragments",
        ("f",),
        {"format": "xml", "value": "<fragment/>"},
    ),
    (
        "product",
        'product_id = "gold"\npublished = true\napproval_required = false',
        "products",
        ("gold",),
        {"subscriptionRequired": True, "state": "published", "approvalRequired": False},
    ),
    (
        "product_policy",
        'product_id = "gold"\nxml_content = "<p/>"',
        "products/policies",
        ("gold", "policy"),
        {"format": "rawxml", "value": "<p/>"},
    ),
    ("product_api", 'product_id = "gold"\napi_name = "orders"', "products/apis", ("gold", "orders"), {}),
    ("product_group", 'product_id = "gold"\ngroup_name = "g"', "products/groups", ("gold", "g"), {}),
    ("group", 'name = "g"\ndisplay_name = "G"', "groups", ("g",), {"displayName": "G"}),
    ("user", 'user_id = "u"\nemail = "a@b"\nfirst_name = "A"', "users", ("u",), {"email": "a@b", "firstName": "A"}),
    (
        "subscription",
        'display_name = "S"\nproduct_id = "/products/gold"\nstate = "active"',
        "subscriptions",
        ("x",),
        {"displayName": "S", "state": "active", "scope": "/products/gold"},
    ),
    (
        "subscription",
        'subscription_id = "s"\napi_id = "/a/service/b/apis/orders;rev=1"',
        "subscriptions",
        ("s",),
        {"scope": "/a/service/b/apis/orders"},
    ),
    ("subscription", 'subscription_id = "s"', "subscriptions", ("s",), {"scope": "/apis"}),
    ("named_value", 'name = "n"\nvalue = "v"\nsecret = true', "namedValues", ("n",), {"value": "v", "secret": True}),
    (
        "named_value",
        'name = "n"\nsecret = true\nvalue_from_key_vault {\n  secret_id = "https://v/secrets/n"\n}',
        "namedValues",
        ("n",),
        {"secret": True, "keyVault": {"secretIdentifier": "https://v/secrets/n"}},
    ),
    (
        "backend",
        BACKEND,
        "backends",
        ("b",),
        {
            "protocol": "http",
            "url": "https://b",
            "credentials": {
                "header": {"x-a": ["1", "2"]},
                "query": {"k": ["v"]},
                "authorization": {"scheme": "Basic", "parameter": "abc"},
            },
            "tls": {"validateCertificateChain": False},
            "circuitBreaker": {
                "rules": [
                    {
                        "name": "r",
                        "tripDuration": "PT1M",
                        "acceptRetryAfter": True,
                        "failureCondition": {
                            "count": 3,
                            "interval": "PT5M",
                            "errorReasons": ["timeout"],
                            "statusCodeRanges": [{"min": 500, "max": 599}],
                        },
                    }
                ]
            },
        },
    ),
    (
        "backend",
        'name = "p"\npool {\n  service {\n    id = "/backends/b"\n    weight = 1\n  }\n}',
        "backends",
        ("p",),
        {"type": "Pool", "pool": {"services": [{"id": "/backends/b", "weight": 1}]}},
    ),
    (
        "logger",
        'name = "l"\neventhub {\n  name = "h"\n  connection_string = "c"\n}',
        "loggers",
        ("l",),
        {"loggerType": "azureEventHub", "credentials": {"name": "h", "connectionString": "c"}},
    ),
    (
        "redis_cache",
        'name = "c"\nconnection_string = "r"\ncache_location = "westeurope"',
        "caches",
        ("c",),
        {"connectionString": "r", "useFromLocation": "westeurope"},
    ),
    (
        "certificate",
        'name = "c"\nkey_vault_secret_id = "https://v"',
        "certificates",
        ("c",),
        {"keyVault": {"secretIdentifier": "https://v"}},
    ),
    (
        "api_version_set",
        'name = "set"\nversioning_scheme = "Header"\nversion_header_name = "v"',
        "apiVersionSets",
        ("set",),
        {"versioningScheme": "Header", "versionHeaderName": "v"},
    ),
    ("tag", 'name = "t"', "tags", ("t",), {}),
    ("api_tag", 'api_id = "/apis/orders"\nname = "t"', "apis/tags", ("orders", "t"), {}),
    (
        "api_schema",
        'api_name = "orders"\nschema_id = "s"\ncontent_type = "a"',
        "apis/schemas",
        ("orders", "s"),
        {"contentType": "a"},
    ),
    ("global_schema", 'schema_id = "s"\ntype = "json"', "schemas", ("s",), {"type": "json"}),
    (
        "diagnostic",
        'identifier = "applicationinsights"\nverbosity = "error"',
        "diagnostics",
        ("applicationinsights",),
        {"verbosity": "error"},
    ),
    ("gateway", 'name = "g"', "gateways", ("g",), {}),
    ("gateway_api", 'gateway_id = "/gateways/g"\napi_id = "/apis/orders"', "gateways/apis", ("g", "orders"), {}),
    ("property", 'name = "n"\nvalue = "v"', "namedValues", ("n",), {"value": "v"}),
    ("openid_connect_provider", 'name = "o"\nclient_id = "c"', "openidConnectProviders", ("o",), {"clientId": "c"}),
    (
        "authorization_server",
        'name = "a"\ntoken_endpoint = "t"',
        "authorizationServers",
        ("a",),
        {"tokenEndpoint": "t"},
    ),
]


@pytest.mark.parametrize(("terraform", "body", "kind", "name", "expected"), KINDS)
def test_kinds(
    tmp_path: Path, terraform: str, body: str, kind: str, name: tuple[str, ...], expected: dict[str, Any]
) -> None:
    """Each type of azurerm becomes ARM's kind with ARM's names of properties, and nothing is reported."""
    around = "" if terraform == "api_version_set" else resource("api_version_set", 'name = "set"')
    found = harvest(tmp_path, main_tf=SERVICE + around + resource(terraform, body))
    assert properties(found, kind, *name) == expected
    assert [finding.what for finding in found.findings] == [f"{PREFIX}.main"]


def test_workspaces(tmp_path: Path) -> None:
    """Resources of a workspace have its name beside them."""
    text = resource("workspace", 'name = "team"') + resource(
        "workspace_named_value",
        'name = "n"\nvalue = "v"\napi_management_workspace_id = azurerm_api_management_workspace.x.id',
    )
    found = harvest(tmp_path, main_tf=text)
    assert only(found, "namedValues").workspace == "team"
    assert properties(found, "namedValues", "n") == {"value": "v"}


POLICY = "<policies>\n  <inbound/>\n</policies>\n"
PLACES = [
    ('file("p.xml")', POLICY, ("p.xml", 1, 1)),
    ('file("${path.module}/p.xml")', POLICY, ("p.xml", 1, 1)),
    ('replace(file("p.xml"), "inbound", "outbound")', POLICY.replace("inbound", "outbound"), ("p.xml", 1, 1)),
    ('templatefile("t.xml", {name = "a"})', "<policies>\n  <a/>\n</policies>\n", ("t.xml", 1, 1)),
    ('"<policies/>"', "<policies/>", ("main.tf", 3, 18)),
    ("<<XML\n  <policies>\n  </policies>\nXML", "  <policies>\n  </policies>\n", ("main.tf", 4, 1)),
    ("<<-XML\n    <policies>\n    </policies>\n    XML", "<policies>\n</policies>\n", ("main.tf", 4, 5)),
    ("trimspace(<<XML\n\n  <policies/>\nXML\n)", "<policies/>", ("main.tf", 5, 3)),
    ("local.policy", POLICY, ("p.xml", 1, 1)),
    ('yamldecode(file("p.yaml")).policy', "<policies/>\n", ("p.yaml", 2, 3)),
    ("data.local_file.p.content", POLICY, ("p.xml", 1, 1)),
    ("data.template_file.p.rendered", "<policies>\n  <b/>\n</policies>\n", ("t.xml", 1, 1)),
]
AROUND = """
locals { policy = file("p.xml") }
data "local_file" "p" { filename = "p.xml" }
data "template_file" "p" {
  template = file("t.xml")
  vars     = { name = "b" }
}
"""


@pytest.mark.parametrize(("expression", "text", "place"), PLACES)
def test_places_of_policies(tmp_path: Path, expression: str, text: str, place: tuple[str, int, int]) -> None:
    """A policy has the place of its first character in the file that holds it."""
    main = resource("policy", f"  xml_content = {expression}").replace('"x" {\n', '"x" {\n\n', 1)
    found = harvest(
        tmp_path,
        main_tf=main + AROUND,
        p_xml=POLICY,
        t_xml="<policies>\n  <${name}/>\n</policies>\n",
        p_yaml="policy: |\n  <policies/>\n",
    )
    node = only(found, "policies").properties.find("value")
    assert node is not None
    assert properties(found, "policies")["value"] == text
    assert node.location == Location(str(tmp_path / place[0]), *place[1:])


EACH = """
locals { apis = { orders = { path = "o" }, billing = { path = "b" } } }
"""
MANY = [
    ("for_each = local.apis\nname = each.key\npath = each.value.path", {"orders": "o", "billing": "b"}),
    ('for_each = toset(["b", "a"])\nname = each.value\npath = "p-${each.key}"', {"a": "p-a", "b": "p-b"}),
    ('for_each = { for n in ["a"] : n => upper(n) }\nname = each.key\npath = each.value', {"a": "A"}),
    ('count = 2\nname = "api-${count.index}"\npath = "p${count.index}"', {"api-0": "p0", "api-1": "p1"}),
    ('count = 0\nname = "a"\npath = "a"', {}),
    ('count = var.create ? 1 : 0\nname = "a"\npath = "a"', {"a": "a"}),
]


@pytest.mark.parametrize(("body", "expected"), MANY)
def test_repeated_resources(tmp_path: Path, body: str, expected: dict[str, str]) -> None:
    """Each instance of count and for_each is a resource; where the number is not known, one stands for all."""
    found = harvest(tmp_path, main_tf=EACH + 'variable "create" {}\n' + resource("api", body))
    assert {api.name[0]: properties(found, "apis", *api.name)["path"] for api in found.of("apis")} == expected


REFERENCES = [
    ("azurerm_api_management_api.x.name", "orders"),
    ("resource.azurerm_api_management_api.x.name", "orders"),
    ("azurerm_api_management_api.many[0].name", "api-0"),
    ("azurerm_api_management_api.many.1.name", "api-1"),
    ('azurerm_api_management_api.named["a"].name', "a"),
    ("one(azurerm_api_management_api.maybe[*].name)", "maybe"),
    ("data.azurerm_api_management_api.other.name", "elsewhere"),
    ("module.api.name", "from-module"),
    ('module.each["k"].name', "k"),
]


@pytest.mark.parametrize(("expression", "name"), REFERENCES)
def test_references(tmp_path: Path, expression: str, name: str) -> None:
    """A resource is found by what refers to it: directly, by index, by key, through a data source or a module."""
    main = (
        resource("api", 'name = "orders"')
        + resource("api", 'count = 2\nname = "api-${count.index}"', "many")
        + resource("api", 'for_each = toset(["a"])\nname = each.key', "named")
        + resource("api", 'count = 1\nname = "maybe"', "maybe")
        + f'data "{PREFIX}_api" "other" {{ name = "elsewhere" }}\n'
        + 'module "api" {\n  source = "./modules/api"\n  name = "from-module"\n}\n'
        + 'module "each" {\n  source = "./modules/api"\n  for_each = toset(["k"])\n  name = each.key\n}\n'
        + resource("product_api", f'product_id = "p"\napi_name = {expression}')
    )
    module = 'variable "name" { type = string }\noutput "name" { value = azurerm_api_management_api.x.name }\n'
    found = harvest(tmp_path, main_tf=main, modules__api__main_tf=module + resource("api", "name = var.name"))
    assert only(found, "products/apis").name == ("p", name)


def test_unknown_names_agree(tmp_path: Path) -> None:
    """A name with an unknown part is the same wherever a resource refers to it."""
    text = 'variable "prefix" {}\n' + resource("api", 'name = "${var.prefix}-orders"')
    text += resource("api_policy", 'api_name = azurerm_api_management_api.x.name\nxml_content = "<p/>"')
    text += resource("subscription", "api_id = azurerm_api_management_api.x.id")
    text += resource("api_tag", 'api_id = azurerm_api_management_api.x.id\nname = "t"')
    found = harvest(tmp_path, main_tf=text)
    assert only(found, "apis").name == ("prefix-orders",)
    assert only(found, "apis/policies").name == ("prefix-orders", "policy")
    assert only(found, "apis/tags").name == ("prefix-orders", "t")
    assert properties(found, "subscriptions")["scope"] == "/apis/prefix-orders"


def test_dynamic_blocks(tmp_path: Path) -> None:
    """A dynamic block makes one block for each item, under its own name or the iterator's."""
    text = resource(
        "api_operation",
        'operation_id = "o"\napi_name = "a"\n'
        'dynamic "template_parameter" {\n  for_each = ["a", "b"]\n'
        "  content {\n    name = template_parameter.value\n  }\n}\n"
        'dynamic "response" {\n  for_each = { a = 200 }\n  iterator = it\n'
        "  content {\n    status_code = it.value\n  }\n}",
    )
    found = properties(harvest(tmp_path, main_tf=text), "apis/operations")
    assert found["templateParameters"] == [{"name": "a"}, {"name": "b"}]
    assert found["responses"] == [{"statusCode": 200}]


VARIABLES = 'variable "p" { default = "default" }\n' + resource("api", 'name = "a"\npath = var.p')
GIVEN: list[tuple[dict[str, str], list[str], list[str], str]] = [
    ({}, [], [], "default"),
    ({"terraform_tfvars": 'p = "tfvars"'}, [], [], "tfvars"),
    ({"terraform_tfvars": 'p = "1"', "terraform.tfvars_json": '{"p": "2"}'}, [], [], "2"),
    ({"terraform_tfvars": 'p = "1"', "a.auto_tfvars": 'p = "3"'}, [], [], "3"),
    ({"dev_tfvars": 'p = "4"'}, [], [], "default"),
    ({"dev_tfvars": 'p = "4"', "a.auto_tfvars": 'p = "3"'}, ["dev.tfvars"], [], "4"),
    ({"dev_tfvars": 'p = "4"'}, ["dev.tfvars"], ["p=5"], "5"),
]


@pytest.mark.parametrize(("files", "parameters", "settings", "expected"), GIVEN)
def test_values_of_variables(
    tmp_path: Path, files: dict[str, str], parameters: list[str], settings: list[str], expected: str
) -> None:
    """Files of values and the command line follow Terraform's order; a file that nobody names is not read."""
    harvest(tmp_path, main_tf=VARIABLES, **files)
    inputs = read_inputs([tmp_path / name for name in parameters], settings)
    assert properties(read(tmp_path, inputs), "apis")["path"] == expected


def test_types_of_variables(tmp_path: Path) -> None:
    """Optional attributes have their defaults, and a set is in order."""
    text = """
variable "apis" {
  type = map(object({
    path      = string
    protocols = optional(set(string), ["https", "http"])
    service   = optional(string)
  }))
  default = { a = { path = 1, other = "x" } }
}
""" + resource(
        "api",
        "for_each = var.apis\nname = each.key\npath = each.value.path\n"
        "protocols = each.value.protocols\nservice_url = each.value.service",
    )
    found = properties(harvest(tmp_path, main_tf=text), "apis")
    assert found == {"path": "1", "protocols": ["http", "https"], "subscriptionRequired": True}


def test_sensitive_values_are_secrets(tmp_path: Path) -> None:
    """A sensitive variable is a secret, whether its value is known here or not, and in a module as well."""
    text = 'variable "k" {\n  sensitive = true\n  default = "hunter2"\n}\n'
    text += 'module "m" {\n  source = "./m"\n  key = var.k\n}\n'
    module = 'variable "key" {}\n' + resource("named_value", 'name = "n"\nvalue = "Bearer ${var.key}"')
    found = harvest(tmp_path, main_tf=text, m__main_tf=module)
    node = only(found, "namedValues").properties.find("value")
    assert isinstance(node, Unresolved)
    assert (node.value, node.secret) == ("Bearer {k}", True)


AZAPI = """
resource "azapi_resource" "api" {
  type      = "Microsoft.ApiManagement/service/apis@2023-05-01-preview"
  name      = "orders"
  parent_id = azurerm_api_management.main.id
  body      = { properties = { path = "orders", protocols = ["https"] } }
}
resource "azapi_resource" "policy" {
  type      = "Microsoft.ApiManagement/service/apis/policies@2023-05-01-preview"
  name      = "policy"
  parent_id = azapi_resource.api.id
  body      = jsonencode({ properties = { format = "rawxml", value = file("p.xml") } })
}
resource "azapi_resource" "fragment" {
  type      = "Microsoft.ApiManagement/service/workspaces/policyFragments@2023-05-01-preview"
  name      = "f"
  parent_id = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.ApiManagement/service/apim/workspaces/team"
  body      = <<J
{"properties": {"value": "<fragment/>"}}
J
}
resource "azapi_resource" "vault" {
  type = "Microsoft.KeyVault/vaults@2023-02-01"
  name = "v"
}
"""


def test_azapi(tmp_path: Path) -> None:
    """An azapi_resource has ARM's own names, in an object or in JSON; those of other services are not looked at."""
    found = harvest(tmp_path, main_tf=SERVICE + AZAPI, p_xml=POLICY)
    assert properties(found, "apis", "orders") == {"path": "orders", "protocols": ["https"]}
    policy = only(found, "apis/policies", "orders", "policy").properties.find("value")
    assert policy is not None
    assert policy.location == Location(str(tmp_path / "p.xml"))
    assert only(found, "policyFragments").workspace == "team"
    assert len(found.resources) == 3


def test_json_syntax(tmp_path: Path) -> None:
    """A .tf.json file means the same as a .tf file."""
    text = """{
  "variable": {"p": {"default": "orders"}},
  "locals": {"policy": "${file(\\"p.xml\\")}"},
  "resource": {
    "azurerm_api_management_api": {"x": {
      "name": "orders", "path": "v1/${var.p}", "revision": "1",
      "import": {"content_format": "openapi", "content_value": "openapi: 3.0.0"}
    }},
    "azurerm_api_management_policy": [{"y": {"xml_content": "${local.policy}"}}]
  }
}"""
    found = harvest(tmp_path, **{"main.tf_json": text}, p_xml=POLICY)
    assert properties(found, "apis") == {
        "subscriptionRequired": True,
        "path": "v1/orders",
        "apiRevision": "1",
        "format": "openapi",
        "value": "openapi: 3.0.0",
    }
    assert properties(found, "policies")["value"] == POLICY


def test_revisions(tmp_path: Path) -> None:
    """Revisions of an API are named as in ARM; a release says which one is current."""
    one = resource("api", 'name = "a"\nrevision = "1"\npath = "a"')
    two = resource("api", 'name = "a"\nrevision = "2"\npath = "a"', "two")
    release = resource("api_release", 'name = "r"\napi_id = azurerm_api_management_api.two.id')
    found = harvest(tmp_path, main_tf=one + two)
    assert [(api.name[0], properties(found, "apis", *api.name)["isCurrent"]) for api in found.of("apis")] == [
        ("a", True),
        ("a;rev=2", False),
    ]
    found = harvest(tmp_path, main_tf=one + two + release)
    assert [api.name[0] for api in found.of("apis")] == ["a;rev=1", "a"]


API_X = resource("api", 'name = "a"')
ROOTS: list[tuple[dict[str, str], int]] = [
    ({"infra__main_tf": API_X}, 1),
    ({"main_tf": 'module "a" { source = "./m" }', "m__main_tf": API_X}, 1),
    ({"env__dev__main_tf": 'module "a" { source = "../../m" }', "m__main_tf": API_X}, 1),
    ({"providers_tf": "", "infra__main_tf": API_X}, 1),
    ({"one__main_tf": API_X, "two__main_tf": resource("api", 'name = "b"')}, 2),
    ({"one__main_tf": API_X, "examples__main_tf": resource("api", 'name = "b"')}, 1),
]


@pytest.mark.parametrize(("files", "count"), ROOTS)
def test_root_modules_are_found(tmp_path: Path, files: dict[str, str], count: int) -> None:
    """A folder above the root modules will do; a module that another one calls is read there only."""
    found = harvest(tmp_path, **files)
    assert len(list(found.of("apis"))) == count
    assert recognises(tmp_path)
    assert recognise(tmp_path).name.startswith("Terraform")


NOT_RECOGNISED: list[dict[str, str]] = [
    {"main_json": "{}"},
    {"a__policy_xml": "<policies/>"},
    {"net__main_tf": 'resource "azurerm_subnet" "x" {}'},
]


@pytest.mark.parametrize("files", NOT_RECOGNISED)
def test_other_folders_are_not_terraform(tmp_path: Path, files: dict[str, str]) -> None:
    """A folder without a module for API Management is left to other readers."""
    harvest(tmp_path, **files)
    assert not recognises(tmp_path)


def _told(found: Harvest) -> set[tuple[str, str, str]]:
    return {
        (finding.outcome.value, finding.what, finding.message) for finding in found.findings if not finding.harmless
    }


REPORTED: list[tuple[str, str, str, str]] = [
    ('module "apim" { source = "Azure/api-management/azurerm" }', "needs you", "module.apim", "Azure/api-management"),
    (
        'module "a" {\n  source = "git::https://x/y"\n  api_management_name = "z"\n}',
        "needs you",
        "module.a",
        "not read",
    ),
    ('module "a" {\n  source = "./nothing"\n  apim = "z"\n}', "needs you", "module.a", "there is no folder"),
    (f'data "{PREFIX}_product" "p" {{ product_id = "p" }}', "left out", f"data.{PREFIX}_product.p", "elsewhere"),
    (resource("custom_domain", ""), "left out", f"{PREFIX}_custom_domain.x", "nothing like"),
    (resource("api", "for_each = var.m\nname = each.key"), "needs you", f"{PREFIX}_api.x", "for_each depends"),
    (resource("api_policy", 'xml_content = "<p/>"'), "needs you", f"{PREFIX}_api_policy.x", "has no name here"),
    (resource("api", 'name = "a"\npath = "x"'), "needs you", f"{PREFIX}_api.x", "the same name"),
    ('resource "azurerm_template_deployment" "t" {}', "needs you", "azurerm_template_deployment.t", "ARM template"),
    (
        'resource "azapi_update_resource" "u" { type = "Microsoft.ApiManagement/service/apis@1" }',
        "needs you",
        "azapi_update_resource.u",
        "not taken over",
    ),
    ('resource "x" "y" {\n  a = = 1\n}', "needs you", "Terraform", "cannot be read"),
    (
        resource("policy", 'xml_content = file("../../../../../../../../etc/passwd")'),
        "needs you",
        f"{PREFIX}_policy.x",
        "is outside of",
    ),
    (resource("policy", 'xml_content = file("/etc/passwd")'), "needs you", f"{PREFIX}_policy.x", "is outside of"),
]


@pytest.mark.parametrize(("text", "outcome", "what", "message"), REPORTED)
def test_what_is_not_imported_is_reported(tmp_path: Path, text: str, outcome: str, what: str, message: str) -> None:
    """Whatever is not taken over is named, with the reason."""
    around = 'variable "m" {}\n' + resource("api", 'name = "a"', "first")
    found = harvest(tmp_path, main_tf=around + text)
    ((found_outcome, found_what, found_message),) = _told(found)
    assert (found_outcome, found_what) == (outcome, what)
    assert message in found_message
    assert [api.name for api in found.of("apis")] == [("a",)]


def test_files_of_values_are_offered(tmp_path: Path) -> None:
    """Where variables have no value, the remedy names the files that have some."""
    files = {"main_tf": 'variable "p" {}\n' + API_X, "env__dev_tfvars": 'p = "x"', "env__a_tfvars": "key = 1"}
    (finding,) = harvest(tmp_path, **files).findings
    assert finding.outcome is ImportOutcome.NEEDS_YOU
    assert finding.remedy == f"--parameters {tmp_path / 'env' / 'dev.tfvars'}"
    assert read(tmp_path, read_inputs([tmp_path / "env" / "dev.tfvars"])).findings == []


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    """No finding repeats the value of a sensitive variable."""
    text = 'variable "k" {\n  sensitive = true\n  default = "hunter2"\n}\n'
    text += resource("named_value", 'name = "n"\nvalue = jsondecode(var.k).a + 1\nother = parseint(var.k, 10)')
    found = harvest(tmp_path, main_tf=text)
    assert "hunter2" not in repr(found)
