"""What each kind of resource becomes, and that nothing of it is dropped in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.commands.importing.findings import ImportOutcome
from gateway.commands.importing.plan import plan
from gateway.commands.importing.planned import Planned
from tests.commands.importing.instances import PASSING, SERVICE, answer, api, policy, saved

DEFINITION: dict[str, Any] = {
    "openapi": "3.0.1",
    "info": {"title": "Pets", "version": "1"},
    "paths": {
        "/pets/{id}": {
            "get": {
                "operationId": "GetPet",
                "summary": "Get a pet",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "a pet"}},
            }
        }
    },
}


def planned(folder: Path, *resources: dict[str, Any]) -> Planned:
    """What *resources* become."""
    return plan(saved(folder, *resources))


def told(plan: Planned, outcome: ImportOutcome) -> list[str]:
    """What the plan reports under *outcome*, harmless findings aside."""
    return [f"{finding.what}: {finding.message}" for finding in plan.of(outcome) if not finding.harmless]


APIS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"subscription-required": True, "protocols": ["https"]}),
    ({"subscriptionRequired": False}, {"subscription-required": False}),
    ({"apiRevision": "3", "isCurrent": False}, {"revision": "3", "current": False}),
    ({"apiRevision": "1", "isCurrent": True}, {"revision": None, "current": None}),
    ({"path": "/a/b/"}, {"path": "a/b"}),
    ({"protocols": ["http", "https"]}, {"protocols": None}),
    (
        {"subscriptionKeyParameterNames": {"header": "x-key", "query": "key"}},
        {"subscription-key": {"header": "x-key", "query": "key"}},
    ),
    (
        {"subscriptionKeyParameterNames": {"header": "Ocp-Apim-Subscription-Key", "query": "subscription-key"}},
        {"subscription-key": None},
    ),
    ({"apiVersion": "v1", "apiVersionSetId": "/apiVersionSets/path"}, {"version": {"scheme": "path", "value": "v1"}}),
    (
        {"apiVersion": "v1", "apiVersionSetId": f"{SERVICE}/apiVersionSets/HEADER"},
        {"version": {"scheme": "header", "value": "v1", "name": "api-version"}},
    ),
    (
        {"apiVersion": "v1", "apiVersionSet": {"versioningScheme": "Query", "versionQueryName": "v"}},
        {"version": {"scheme": "query", "value": "v1", "name": "v"}},
    ),
    ({"apiVersionSetId": "/apiVersionSets/header"}, {"version": None}),
    ({"serviceUrl": "https://{{host}}/x"}, {"service-url": "https://plain.example.com/x"}),
    ({"serviceUrl": "https://a.example.com/x?code=1"}, {"backend": "api-orders", "service-url": None}),
    ({"serviceUrl": None}, {"backend": None, "service-url": None}),
    ({"apiType": "grpc"}, {"type": "grpc"}),
]


@pytest.mark.parametrize(("properties", "expected"), APIS)
def test_properties_of_an_api(tmp_path: Path, properties: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each property of an API has its key; what is APIM's default and not ours is written out."""
    sets = (
        answer("apiVersionSets/path", displayName="p", versioningScheme="Segment"),
        answer("apiVersionSets/header", displayName="h", versioningScheme="Header", versionHeaderName="api-version"),
        answer("namedValues/host", displayName="host", value="plain.example.com"),
    )
    (written,) = planned(tmp_path, *sets, *api(**properties)).config["apis"]
    assert {key: written.get(key) for key in expected} == expected


LEFT_OUT: list[tuple[list[dict[str, Any]], str]] = [
    (api("g", type="graphql"), "API g: GraphQL: its schema is not in the source"),
    (api("g", format="graphql", value="type Query { a: Nope }"), "API g: GraphQL: its schema is refused: Unknown type"),
    (api("s", type="soap"), "API s: its WSDL is not in the source"),
    (api("s", format="wsdl-link", value="https://x.test/?wsdl"), "API s: its WSDL is not in the source"),
    (api("s", format="wsdl", value="<definitions />"), "API s: description: this is definitions"),
    (api("w", protocols=["wss"]), "API w: WebSocket"),
    (api("o", apiType="odata"), "API o: its metadata is not in the source"),
    (api()[:1], "API orders: its operations are not in the source"),
    ([policy("apis/lost")], "apis/policies lost/policy: what it belongs to is not in the source"),
    ([*api(), policy("apis/orders/operations/lost")], "operation lost of API orders: the source has its policy"),
    ([answer("somethingNew/x")], "somethingNew x: the gateway has nothing of this kind"),
    (api(newProperty={"a": 1}), "API orders: the gateway has nothing like newProperty"),
    (
        [answer("backends/b", url="https://b.example.com", tls={"validateCertificateName": True, "serverName": "x"})],
        "backend b: the gateway has nothing like tls.serverName",
    ),
    ([answer("backends/f", url="fabric:/x", properties={"serviceFabricCluster": {"a": 1}})], "backend f: it is a Serv"),
    ([answer("subscriptions/s", scope="/products/lost")], "subscription s: it gives access to /products/lost"),
    ([answer("products/p"), answer("products/p/apis/lost")], "product p: the API lost is not here"),
    ([answer("authorizationProviders/p")], "authorizationProviders p: the credential manager"),
]


@pytest.mark.parametrize(("resources", "message"), LEFT_OUT, ids=[message for _, message in LEFT_OUT])
def test_what_is_left_out_is_named(tmp_path: Path, resources: list[dict[str, Any]], message: str) -> None:
    """What may matter for traffic and has no equal here is reported with its place, property by property."""
    result = planned(tmp_path, *resources)
    assert any(line.startswith(message) for line in told(result, ImportOutcome.LEFT_OUT))
    assert {finding.location.file for finding in result.findings} <= {str(tmp_path / "instance.json"), str(tmp_path)}


def test_what_has_no_effect_is_told_apart(tmp_path: Path) -> None:
    """Descriptions, tags and diagnostics are reported as harmless."""
    result = planned(tmp_path, *api(description="x"), answer("tags/t"), answer("diagnostics/applicationinsights"))
    assert told(result, ImportOutcome.LEFT_OUT) == []
    assert sum(finding.harmless for finding in result.findings) == 3


NAMED: list[tuple[dict[str, Any], Any, ImportOutcome]] = [
    ({"value": "x"}, "x", ImportOutcome.MAPPED),
    ({"value": "s3cret", "secret": True}, {"env": "N_1"}, ImportOutcome.MAPPED),
    ({"secret": True}, {"env": "N_1"}, ImportOutcome.MAPPED),
    ({}, {"env": "N_1", "secret": False}, ImportOutcome.NEEDS_YOU),
    ({"keyVault": {"secretIdentifier": "https://v.vault.azure.net/s"}}, {"env": "N_1"}, ImportOutcome.CHANGED),
    ({"value": "x" * 5000}, {"env": "N_1", "secret": False}, ImportOutcome.CHANGED),
]


@pytest.mark.parametrize(("properties", "value", "outcome"), NAMED)
def test_named_values(tmp_path: Path, properties: dict[str, Any], value: Any, outcome: ImportOutcome) -> None:
    """Plain values are written, secrets never: they come from the environment, as values that are not there do."""
    using = policy("", PASSING.replace("<base />", '<set-header name="a"><value>{{n-1}}</value></set-header>'))
    result = planned(tmp_path, answer("namedValues/k", displayName="n-1", **properties), *api(), using)
    assert result.config["named-values"] == {"n-1": value}
    assert result.findings[0].outcome is outcome
    assert not any(b"s3cret" in content for content in result.files.values())


@pytest.mark.parametrize("name", ["path", "Home", "https-proxy", "azureClientId", "lc-all", "PGPASSWORD", "ci"])
def test_a_secret_is_not_what_the_machine_has(tmp_path: Path, name: str) -> None:
    """A named value whose name a system or a library uses gets a variable of its own: ``path`` is never the PATH."""
    using = policy("", PASSING.replace("<base />", f'<set-header name="a"><value>{{{{{name}}}}}</value></set-header>'))
    result = planned(tmp_path, answer("namedValues/k", displayName=name, secret=True), *api(), using)
    assert [variable[:5] for variable in result.variables] == ["APIM_"]


def test_a_secret_that_nothing_uses(tmp_path: Path) -> None:
    """Nobody has to set what only a logger of diagnostics needs; what a policy's named value is called is no matter."""
    logger = answer("loggers/ai", loggerType="applicationInsights", credentials={"connectionString": "{{unused}}"})
    unused = answer("namedValues/a", displayName="unused", secret=True)
    used = answer("namedValues/b", displayName="Used", keyVault={"secretIdentifier": "https://v.vault.azure.net/s"})
    backend = answer("backends/b", url="https://b.example.com", credentials={"header": {"x-key": ["{{used}}"]}})
    result = planned(tmp_path, logger, unused, used, backend)
    assert result.config["named-values"] == {"Used": {"env": "USED"}}
    assert list(result.variables) == ["USED"]


def test_a_named_value_that_only_a_policy_knows(tmp_path: Path) -> None:
    """A policy's named value that the source lacks has to be set before anything starts."""
    text = PASSING.replace("<base />", '<base /><set-header name="a"><value>{{lost}}</value></set-header>')
    result = planned(tmp_path, *api(), policy("apis/orders", text))
    assert result.config["named-values"] == {"lost": {"env": "LOST"}}
    assert "a policy uses it" in told(result, ImportOutcome.NEEDS_YOU)[0]


def test_a_backend_with_everything(tmp_path: Path) -> None:
    """URL, credentials, TLS, circuit breaker and pool have their keys; credentials are in the environment."""
    rule = {
        "failureCondition": {"count": 3, "interval": "PT1M", "statusCodeRanges": [{"min": 429, "max": 429}]},
        "tripDuration": "PT1M30S",
        "acceptRetryAfter": True,
    }
    backend = answer(
        "backends/Orders",
        url="https://{{host}}/v1?code=1",
        credentials={
            "header": {"x-key": ["{{vault}}"], "x-other": ["s3cret"]},
            "authorization": {"scheme": "Bearer", "parameter": "{{vault}}"},
        },
        tls={"validateCertificateChain": False},
        circuitBreaker={"rules": [rule]},
    )
    pool = answer("backends/pool", type="Pool", pool={"services": [{"id": f"{SERVICE}/backends/orders", "weight": 5}]})
    host = answer("namedValues/host", displayName="host", value="orders.example.com")
    result = planned(tmp_path, pool, backend, host, answer("namedValues/v", displayName="vault", secret=True))
    assert result.config["backends"] == {
        "Orders": {
            "url": "https://orders.example.com/v1",
            "tls": {"verify-chain": False},
            "credentials": {
                "headers": {"x-key": {"env": "VAULT"}, "x-other": {"env": "ORDERS_X_OTHER"}},
                "authorization": {"scheme": "Bearer", "parameter": {"env": "VAULT"}},
                "query": {"code": [{"env": "ORDERS_CODE"}]},
            },
            "circuit-breaker": {
                "count": 3, "interval": "1m", "status-codes": ["429"], "error-reasons": [], "trip-duration": "1m30s",
                "accept-retry-after": True,
            },
        },
        "pool": {"pool": [{"backend": "Orders", "weight": 5}]},
    }  # fmt: skip


@pytest.mark.parametrize("client_id", [{}, {"client-id": "c1"}], ids=["own", "user-assigned"])
def test_a_backend_with_an_identity(tmp_path: Path, client_id: dict[str, str]) -> None:
    """A backend that wants a token of the service's identity, as models do, gets one of the gateway's."""
    identity = {"resource": "https://cognitiveservices.azure.com"}
    written = identity | ({"clientId": "c1"} if client_id else {})
    backend = answer("backends/m", url="https://m.example.com", credentials={"managedIdentity": written})
    result = planned(tmp_path, backend)
    assert result.config["backends"]["m"]["credentials"] == {"managed-identity": identity | client_id}
    assert not told(result, ImportOutcome.LEFT_OUT)


def test_products_subscriptions_and_people(tmp_path: Path) -> None:
    """A product has all revisions of its APIs; a subscription has the environment's key and its owner."""
    revision = [answer(f"apis/orders;rev=2{rest['id'].partition('orders')[2]}", **rest["properties"]) for rest in api()]
    revision[0]["properties"].update(apiRevision="2", isCurrent=False)
    result = planned(
        tmp_path, *api(), *revision, answer("products/starter", displayName="Starter"), policy("products/starter"),
        answer("products/starter/apis/orders"), answer("products/starter/groups/developers"),
        answer("users/ada", firstName="Ada"), answer("groups/vips", displayName="VIPs"),
        answer("groups/vips/users/ada"),
        answer("subscriptions/s-1", scope=f"{SERVICE}/products/starter", ownerId="/users/ada", state="active"),
        answer("subscriptions/master", scope=f"{SERVICE}/", state="active", primaryKey="s3cret", secondaryKey="s3cret"),
        answer("subscriptions/new", scope="/apis/orders"),
    )  # fmt: skip
    assert result.config["products"] == [
        {"id": "starter", "name": "Starter", "apis": ["orders", "orders-rev-2"],
         "policy": "policies/products/starter.xml", "groups": ["developers"]},
    ]  # fmt: skip
    assert result.config["subscriptions"] == [
        {"id": "s-1", "scope": "/products/starter", "primary-key": {"env": "S_1_KEY"}, "user": "ada"},
        {"id": "master", "scope": "/apis", "all-access": True, "primary-key": {"env": "MASTER_KEY"},
         "secondary-key": {"env": "MASTER_KEY_2"}},
        {"id": "new", "scope": "/apis/orders", "primary-key": {"env": "NEW_KEY"}, "state": "submitted"},
    ]  # fmt: skip
    assert result.config["users"] == [{"id": "ada", "first-name": "Ada", "groups": ["vips"]}]
    assert [group["id"] for group in result.config["groups"]] == ["vips", "developers"]


SCOPES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("", f"{SERVICE}", {"scope": "/apis", "all-access": True}),
    ("", "/", {"scope": "/apis", "all-access": True}),
    ("", f"{SERVICE}/apis", {"scope": "/apis"}),
    ("", "/apis/", {"scope": "/apis"}),
    ("", f"{SERVICE}/APIs/Orders", {"scope": "/apis/orders"}),
    ("", "/workspaces/w/apis/bills", {"scope": "/apis/bills"}),
    ("", "/workspaces/w/apis/orders", None),
    ("", "orders", None),
    ("", "/products", None),
    ("", "/products/", None),
    ("", "/products/apis", None),
    ("", "/workspaces/w", None),
    ("", "/workspaces/w/apis", None),
    ("", "/users/orders", None),
    ("w", "/apis/bills", {"scope": "/apis/bills"}),
    ("w", "/apis/orders", None),
    ("w", "/apis", None),
    ("w", "/", None),
]


@pytest.mark.parametrize(("workspace", "scope", "written"), SCOPES)
def test_a_key_opens_what_it_opened(tmp_path: Path, workspace: str, scope: str, written: dict[str, Any] | None) -> None:
    """A subscription with a scope that is not clear, or not here, gives access to nothing; never to everything."""
    bills = [answer(f"workspaces/w/{part['id'].partition('demo/')[2]}", **part["properties"]) for part in api("bills")]
    prefix = f"workspaces/{workspace}/" if workspace else ""
    key = answer(f"{prefix}subscriptions/s", scope=scope, state="active")
    result = planned(tmp_path, *api(), *bills, key)
    (subscription,) = result.config.get("subscriptions", [None])
    assert written == (subscription and {name: subscription[name] for name in subscription if name in _ACCESS})


_ACCESS = ("scope", "all-access")


def test_a_definition_is_read_before_it_is_used(tmp_path: Path) -> None:
    """A definition that loads is a file, with the policies of its operations beside it."""
    resources = (answer("apis/pets", path="pets", format="openapi+json", value=json.dumps(DEFINITION)),)
    result = planned(tmp_path, *resources, policy("apis/pets/operations/getpet"))
    (written,) = result.config["apis"]
    assert written["openapi"] == "definitions/pets.json"
    assert json.loads(result.files["definitions/pets.json"]) == DEFINITION
    assert written["operations"] == [{"id": "getpet", "policy": "policies/apis/pets/getpet.xml"}]


def test_a_definition_that_is_refused(tmp_path: Path) -> None:
    """The operations of a definition that does not load are written out, each with its policy."""
    broken = json.loads(json.dumps(DEFINITION))
    broken["paths"]["/pets/{id}"]["get"]["parameters"] = []
    resources = (answer("apis/pets", path="pets", format="openapi+json", value=json.dumps(broken)),)
    result = planned(tmp_path, *resources, policy("apis/pets/operations/GetPet"))
    (written,) = result.config["apis"]
    assert "openapi" not in written
    assert [(own["method"], own["url-template"], own["policy"]) for own in written["operations"]] == [
        ("GET", "/pets/{id}", "policies/apis/pets/GetPet.xml")
    ]
    assert "its one operation is written out" in told(result, ImportOutcome.CHANGED)[0]


REFERENCES = [
    ('<set-header name="{{hostname}}" />', '<set-header name="{{HostName}}" />'),
    ('<set-backend-service backend-id="MAIN" />', '<set-backend-service backend-id="main" />'),
    ("<include-fragment fragment-id='common' />", "<include-fragment fragment-id='Common' />"),
    ('<set-backend-service backend-id="_odd" />', '<set-backend-service backend-id="odd" />'),
    ('<set-backend-service backend-id="unknown" />', '<set-backend-service backend-id="unknown" />'),
    (
        '<set-backend-service backend-id="@(context.Api.Id)" />',
        '<set-backend-service backend-id="@(context.Api.Id)" />',
    ),
]


@pytest.mark.parametrize(("written", "expected"), REFERENCES)
def test_references_follow_the_ids(tmp_path: Path, written: str, expected: str) -> None:
    """A policy names what it needs by the id that this has here; everything else in it is as it was, byte by byte."""
    text = f"<!-- keep -->\r\n<policies>\r\n\t<inbound>{written}</inbound>\r\n</policies>"
    named = (
        answer("namedValues/host", displayName="HostName", value="a"),
        answer("backends/main", url="https://a.example.com"),
        answer("backends/_odd", url="https://a.example.com"),
        answer("policyFragments/Common", format="rawxml", value="<fragment />"),
    )
    result = planned(tmp_path, *named, policy("", text))
    assert result.files["policies/global.xml"].decode() == text.replace(written, expected)


@pytest.mark.parametrize("properties", [{"format": "rawxml-link", "value": "https://x/p.xml"}, {"format": "rawxml"}])
def test_a_policy_that_is_not_there_refuses(tmp_path: Path, properties: dict[str, str]) -> None:
    """What stands in for a policy that the source does not hold answers 503 to everything, and is reported."""
    result = planned(tmp_path, *api(), answer("apis/orders/policies/policy", **properties))
    assert b'code="503"' in result.files["policies/apis/orders/api.xml"]
    assert "every request gets 503" in told(result, ImportOutcome.NEEDS_YOU)[0]


def test_workspaces_share_one_configuration(tmp_path: Path) -> None:
    """A name that the service and a workspace both have is written behind the workspace's; so are references to it."""
    text = '<policies><inbound><set-header name="{{key}}"><value>a</value></set-header></inbound></policies>'
    inner = [answer(f"workspaces/team/{own['id'].partition('demo/')[2]}", **own["properties"]) for own in api()]
    result = planned(
        tmp_path, *api(), *inner, answer("namedValues/key", displayName="key", value="a"), policy("apis/orders", text),
        answer("workspaces/team/namedValues/key", displayName="key", value="b"),
        policy("workspaces/team/apis/orders", text),
    )  # fmt: skip
    assert [own["id"] for own in result.config["apis"]] == ["orders", "team-orders"]
    assert result.config["named-values"] == {"key": "a", "team-key": "b"}
    assert b"{{key}}" in result.files["policies/apis/orders/api.xml"]
    assert b"{{team-key}}" in result.files["policies/apis/team-orders/api.xml"]


def test_examples_for_mock_response(tmp_path: Path) -> None:
    """Examples are written where some policy answers with them; long ones are files."""
    resources = api()
    examples = {"default": {"value": '{"id": 1}'}, "long": {"value": "x" * 500}}
    resources[1]["properties"]["responses"] = [
        {"statusCode": 200, "representations": [{"contentType": "application/json", "examples": examples}]}
    ]
    mock = PASSING.replace("<base />", "<mock-response />")
    (written,) = planned(tmp_path, *resources, policy("apis/orders", mock)).config["apis"]
    assert written["operations"][0]["responses"] == [
        {
            "status": 200,
            "examples": [
                {"content-type": "application/json", "body": '{"id": 1}'},
                {"content-type": "application/json", "file": "examples/orders/read-200.json"},
            ],
        }
    ]
    (written,) = planned(tmp_path, *resources).config["apis"]
    assert "responses" not in written["operations"][0]


def _tool(name: str, operation: str = "apis/orders/operations/read", **more: Any) -> dict[str, Any]:
    return {"name": name, "operationId": f"{SERVICE}/{operation}", **more}


SERVERS: list[tuple[dict[str, Any], dict[str, Any] | None, str]] = [
    (
        {"mcpTools": [_tool("get_order", description="Gets one.")]},
        {"mcp": {"tools": [{"api": "orders", "operation": "read", "name": "get_order", "description": "Gets one."}]}},
        "with 1 tool",
    ),
    ({"mcpTools": [_tool("read")]}, {"mcp": {"tools": [{"api": "orders", "operation": "read"}]}}, "with 1 tool"),
    (
        {"mcpTools": [_tool("x", "apis/orders/operations/getOrder_2")]},
        {"mcp": {"tools": [{"api": "orders", "operation": "getorder-2", "name": "x"}]}},
        "with 1 tool",
    ),
    ({"backendId": "other", "mcpProperties": {"transportType": "streamable"}}, {"backend": "other"}, "leads to other"),
    (
        {"backendId": f"{SERVICE}/backends/other", "mcpPropperties": {"transportType": "sse"}},
        {"backend": "other"},
        "sse",
    ),
    ({"serviceUrl": "https://mcp.example.com/mcp"}, {"service-url": "https://mcp.example.com/mcp"}, "mapped"),
    ({"mcpTools": [_tool("x", "apis/lost/operations/read")]}, None, "its operation is not here"),
    ({"backendId": "lost"}, None, "the backend lost is not here"),
    ({}, None, "neither its tools nor the server"),
]


@pytest.mark.parametrize(("properties", "expected", "told"), SERVERS)
def test_mcp_servers(tmp_path: Path, properties: dict[str, Any], expected: dict[str, Any] | None, told: str) -> None:
    """An MCP server keeps its tools, by the ids of their APIs, or its backend, wherever in the source it stands."""
    server = answer("apis/agents", type="mcp", displayName="agents", path="agents", protocols=["https"], **properties)
    result = planned(tmp_path, server, answer("backends/other", url="https://other.example.com"), *api())
    written = next((one for one in result.config["apis"] if one["id"] == "agents"), None)
    if expected is None:
        assert written is None
    else:
        assert written is not None
        assert written["type"] == "mcp"
        assert {key: written.get(key) for key in expected} == expected
    assert told == "mapped" or any(told in str(finding) for finding in result.findings)
