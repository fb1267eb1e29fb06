"""``gateway import`` of ARM templates: which resources they become, and what is told of the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import app
from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources import arm
from gateway.commands.importing.sources.forms import recognise
from gateway.errors import LoadError
from gateway.reading.yaml_nodes import Scalar
from tests.commands.importing.templates import (
    POLICY,
    given,
    only,
    plain,
    read_arm,
    resource,
    save,
    template,
    told,
)

NAME = "[concat(parameters('apimServiceName'), '/orders')]"
PARAMETERS = {"apimServiceName": {"type": "string"}}


def deployment(**properties: Any) -> dict[str, Any]:
    """A nested or linked deployment."""
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": "nested",
        "properties": properties,
    }


def test_a_template_becomes_a_folder_that_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command takes a template with an unknown service name to a configuration that passes the check."""
    resources = [
        resource(
            "apis", NAME, displayName="Orders", path="orders", protocols=["https"], serviceUrl="https://o.example"
        ),
        resource("apis/operations", f"{NAME[:-3]}/read')]", displayName="Read", method="GET", urlTemplate="/{id}"),
        resource("apis/operations/policies", f"{NAME[:-3]}/read/policy')]", format="rawxml", value=POLICY),
    ]
    source = save(tmp_path, {"t.json": template(*resources, parameters=PARAMETERS)})
    assert app(["import", str(source), "-o", str(tmp_path / "out")], result_action="return_value") in (0, None)
    assert (tmp_path / "out/policies/apis/orders/read.xml").read_text() == POLICY
    assert "ARM templates" in capsys.readouterr().out


def test_the_service_may_be_unknown_and_the_rest_is_not(tmp_path: Path) -> None:
    """Names lose the service's part; one that is unknown itself is told once, with its place."""
    unknown = "[concat(parameters('apimServiceName'), '/', parameters('api'))]"
    parameters = {**PARAMETERS, "api": {"type": "string"}}
    files = {"t.json": template(resource("apis", NAME), resource("apis", unknown), parameters=parameters)}
    harvest = read_arm(tmp_path, files)
    assert [api.name for api in harvest.of("apis")] == [("orders",), ("{api}",)]
    assert told(harvest, "needs you") == ["apis {api}: its name depends on api, which has no value here"]
    assert [api.name for api in read_arm(tmp_path, files, "api=books").of("apis")] == [("orders",), ("books",)]


def test_old_names_are_todays(tmp_path: Path) -> None:
    """Properties and kinds of older versions have their present names; letter case does not matter."""
    old = resource("Properties", "s/key", displayName="key", value="v")
    policy = resource("apis/policies", "s/a/policy", policyContent=POLICY, contentFormat="rawxml")
    policy["type"] = policy["type"].lower()
    harvest = read_arm(tmp_path, {"t.json": template(old, policy)})
    assert only(harvest, "namedValues").name == ("key",)
    assert plain(only(harvest, "apis/policies").properties) == {"value": POLICY, "format": "rawxml"}


def test_workspaces_are_kept_apart(tmp_path: Path) -> None:
    """What is in a workspace has its name and the kind without it."""
    read = read_arm(tmp_path, {"t.json": template(resource("workspaces/apis", "s/team/orders"))}).resources[0]
    assert (read.workspace, read.kind, read.name) == ("team", "apis", ("orders",))


def test_ids_are_those_that_the_service_accepts(tmp_path: Path) -> None:
    """An id of something in the service begins behind it, whatever is unknown of the service."""
    ids = {
        "a": "[resourceId('Microsoft.ApiManagement/service/apiVersionSets', parameters('apimServiceName'), 'set')]",
        "b": "[concat(resourceId('Microsoft.ApiManagement/service', parameters('apimServiceName')), '/loggers/l')]",
        "c": "[concat('https://management.azure.com', resourceId('Microsoft.ApiManagement/service/apis', 's', 'a'))]",
    }
    properties = only(
        read_arm(tmp_path, {"t.json": template(resource("apis", NAME, **ids), parameters=PARAMETERS)}), "apis"
    )
    assert plain(properties.properties.find("a")) == "/apiVersionSets/set"
    assert plain(properties.properties.find("b")) == "/loggers/l"
    assert isinstance(properties.properties.find("c"), Unresolved)


def test_places_of_texts(tmp_path: Path) -> None:
    """A policy has the place of its first character, also when it comes from a variable."""
    text = '{"$schema": "deploymentTemplate.json#",\n "variables": {"p":\n   "<policies/>"},\n "resources": [{"type": \
"Microsoft.ApiManagement/service/policies",\n  "name": "s/policy", "properties": {"value": "[variables(\'p\')]"}}]}'
    value = only(read_arm(tmp_path, {"t.json": text}), "policies").properties.find("value")
    assert isinstance(value, Scalar)
    assert (value.value, value.location.line, value.location.column) == ("<policies/>", 3, 5)


def test_json_as_resource_manager_reads_it(tmp_path: Path) -> None:
    """Comments, tabs, texts over several lines and doubled keys are read; pairs of escapes are one character."""
    text = (
        '{ // a comment\n\t"$schema": "x/deploymentTemplate.json#", /* another */\n"resources": [{"type": "a", "type":\
 "Microsoft.ApiManagement/service/apis", "name": "s/a", "properties": {"description": "a\nb \\ud83d\\ude00 \\ud800"}}]}'
    )
    assert plain(only(read_arm(tmp_path, {"t.json": text}), "apis").properties) == {
        "description": "a\nb \U0001f600 \ufffd"
    }


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('{"deploymentTemplate.json": 1', (1, 30), "the JSON ends too early"),
        ('{"a": 1\n : 2}', (2, 2), "a colon that follows no key"),
        ("{]", (1, 2), "] closes nothing"),
        ('{"a"}', (1, 5), "a key without a value"),
        ('{"a": nul}', (1, 7), "'n' is not JSON here"),
        ('{"a": [] } {}', (1, 12), "something follows the end of the JSON"),
        ("[" * 101, (1, 101), "values are nested more than 100 deep"),
        ("[]", (1, 1), "a template is an object"),
    ],
)
def test_a_template_that_is_not_json(tmp_path: Path, text: str, place: tuple[int, int], message: str) -> None:
    """A template that cannot be read is refused with the place of the mistake."""
    with pytest.raises(LoadError) as refused:
        read_arm(tmp_path, {"t.json": text})
    problem = refused.value.problems[0]
    assert ((problem.location.line, problem.location.column), problem.message) == (place, message)


# -- parameters
def test_parameters_come_from_the_command_line_or_a_file_beside(tmp_path: Path) -> None:
    """``--set`` wins over the file beside the template, which wins over defaults; secrets in it stay secrets."""
    declared = {
        "a": {"type": "string", "defaultValue": "default"},
        "b": {"type": "string", "defaultValue": "default"},
        "c": {"type": "int", "defaultValue": 1},
        "d": {"type": "securestring"},
        "e": {"type": "string"},
        "f": {"type": "string"},
    }
    beside = {
        "$schema": "deploymentParameters.json#",
        "parameters": {
            "a": {"value": "file"},
            "b": {"value": "file"},
            "c": {"value": None},
            "d": {"value": "hunter2"},
            "e": {"reference": {"keyVault": {"id": "x"}, "secretName": "s"}},
            "f": {"value": "${HOST}-x"},
        },
    }
    files = {
        "t.json": template(
            resource("apis", "s/a", **{name: f"[parameters('{name}')]" for name in declared}), parameters=declared
        ),
        "t.parameters.json": beside,
    }
    harvest = read_arm(tmp_path, files, "b=set")
    properties = only(harvest, "apis").properties
    assert plain(properties) == {"a": "file", "b": "set", "c": "1", "d": "{d}", "e": "{e}", "f": "{HOST}-x"}
    assert [isinstance(value, Unresolved) and value.secret for _, value in properties.entries] == [False] * 3 + [
        True,
        True,
        False,
    ]
    assert [finding.message for finding in harvest.findings][:1] == [
        "the values in t.parameters.json are used for t.json"
    ]
    assert "hunter2" not in repr(harvest)


def test_settings_have_the_declared_type(tmp_path: Path) -> None:
    """``--set`` gives a text; what the parameter is declared as decides what it means."""
    declared = {"s": {"type": "string"}, "i": {"type": "int"}, "b": {"type": "bool"}, "l": {"type": "array"}}
    properties = {name: f"[string(equals(parameters('{name}'), {value}))]" for name, value in
                  {"s": "'1'", "i": "1", "b": "true()", "l": "createArray('x')"}.items()}  # fmt: skip
    files = {"t.json": template(resource("apis", "s/a", **properties), parameters=declared)}
    harvest = read_arm(tmp_path, files, "s=1", "i=1", "b=true", 'l=["x"]')
    assert plain(only(harvest, "apis").properties) == dict.fromkeys(declared, "True")


# -- loops, conditions, children
def test_loops_write_out_what_they_repeat(tmp_path: Path) -> None:
    """copy on a resource and on a property; one whose count is unknown is told and left out."""
    looped = {**resource("apis", "[format('s/api-{0}', copyIndex(1))]", path="[copyIndex('loop')]"),
              "copy": {"name": "loop", "count": 2}}  # fmt: skip
    inner = {"copy": [{"name": "protocols", "count": 2, "input": "[concat('p', copyIndex('protocols'))]"}]}
    unknown = {**resource("products", "s/p"), "copy": {"name": "u", "count": "[parameters('count')]"}}
    files = {
        "t.json": template(looped, resource("tags", "s/t", **inner), unknown, parameters={"count": {"type": "int"}})
    }
    harvest = read_arm(tmp_path, files)
    assert [(api.name, plain(api.properties)) for api in harvest.of("apis")] == [
        (("api-1",), {"path": "0"}), (("api-2",), {"path": "1"}),
    ]  # fmt: skip
    assert plain(only(harvest, "tags").properties) == {"protocols": ["p0", "p1"]}
    assert told(harvest, "needs you") == [
        "copy loop: how often it is repeated depends on count; nothing of it is imported"
    ]


@pytest.mark.parametrize(
    ("setting", "count", "outcomes"), [("no", 0, ["left out"]), ("yes", 1, []), (None, 1, ["needs you"])]
)
def test_conditions(tmp_path: Path, setting: str | None, count: int, outcomes: list[str]) -> None:
    """What a false condition guards is left out, what an unknown one guards is imported and told."""
    guarded = {**resource("apis", "s/a"), "condition": "[equals(parameters('deploy'), 'yes')]"}
    files = {"t.json": template(guarded, parameters={"deploy": {"type": "string"}})}
    harvest = read_arm(tmp_path, files, *([f"deploy={setting}"] if setting else []))
    assert (len(harvest.resources), [finding.outcome for finding in harvest.findings]) == (count, outcomes)


def test_children_inside_their_parents(tmp_path: Path) -> None:
    """A child's type and name may be relative to what it is declared in, or whole."""
    api = resource("apis", NAME)
    policy = {"type": "policies", "name": "policy", "properties": {"value": POLICY}}
    operation = {**resource("apis/operations", f"{NAME[:-3]}/read')]"), "resources": [policy]}
    files = {"t.json": template({**api, "resources": [policy, operation]}, parameters=PARAMETERS)}
    read = [(found.kind, found.name) for found in read_arm(tmp_path, files).resources]
    assert read == [
        ("apis", ("orders",)),
        ("apis/policies", ("orders", "policy")),
        ("apis/operations", ("orders", "read")),
        ("apis/operations/policies", ("orders", "read", "policy")),
    ]


def test_symbolic_names(tmp_path: Path) -> None:
    """Version 2.0 of the language has resources in an object; those that exist already are not imported."""
    root = template(languageVersion="2.0", parameters=PARAMETERS)
    root["resources"] = {"old": {**resource("apis", "s/old"), "existing": True}, "api": resource("apis", NAME)}
    assert only(read_arm(tmp_path, {"t.json": root}), "apis").name == ("orders",)


# -- nested and linked templates
def test_nested_templates_and_their_scopes(tmp_path: Path) -> None:
    """An inner scope sees the parameters it is given, an outer one those of the template around it."""
    declared = {"host": {"type": "string", "defaultValue": "outside"}}
    nested = template(
        resource("apis", "s/a", serviceUrl="[parameters('host')]"), parameters={"host": {"type": "string"}}
    )
    inner = deployment(
        expressionEvaluationOptions={"scope": "inner"},
        parameters={"host": {"value": "[concat('in', 'side')]"}},
        template=nested,
    )
    files = {"t.json": template(inner, deployment(template=nested), parameters=declared)}
    urls = [plain(api.properties.find("serviceUrl")) for api in read_arm(tmp_path, files).of("apis")]
    assert urls == ["inside", "outside"]


def test_outputs_of_deployments(tmp_path: Path) -> None:
    """``reference`` of a deployment in the template has its outputs; what it has not is unknown."""
    nested = template(outputs={"host": {"type": "string", "value": "orders.example"}})
    path = "[reference(resourceId('Microsoft.Resources/deployments', 'nested')).outputs.host.value]"
    missing = path.replace("host", "nothing")
    api = resource("apis", "s/a", path=path, serviceUrl=missing)
    properties = only(read_arm(tmp_path, {"t.json": template(api, deployment(template=nested))}), "apis").properties
    assert plain(properties) == {"path": "orders.example", "serviceUrl": "{nested.outputs.nothing.value}"}


LINKS = {
    "relative": {"relativePath": "linked/apis.json"},
    "known": {"uri": "https://raw.githubusercontent.com/contoso/apim/main/linked/apis.json"},
    "unknown base": {"uri": "[concat(parameters('apimServiceName'), 'apis.json', parameters('apimServiceName'))]"},
    "uri": {"uri": "[uri(deployment().properties.templateLink.uri, 'linked/apis.json')]"},
}


@pytest.mark.parametrize("link", LINKS)
def test_linked_templates(tmp_path: Path, link: str) -> None:
    """A link leads to the file of the source that it names; the linked template is not read twice."""
    master = template(deployment(templateLink=LINKS[link], parameters={"p": {"value": "x"}}), parameters=PARAMETERS)
    linked = template(resource("apis", "s/[a]", path="[parameters('p')]"), parameters={"p": {"type": "string"}})
    linked["resources"][0]["name"] = "s/a"
    harvest = read_arm(tmp_path, {"master.json": master, "linked/apis.json": linked}, whole=True)
    assert plain(only(harvest, "apis").properties) == {"path": "x"}


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    """A link to a missing file, a circle of links and a link out of the source are told, and nothing fails."""
    master = template(
        deployment(templateLink={"uri": "https://contoso.example/missing.json"}),
        deployment(templateLink={"relativePath": "master.json"}),
        deployment(templateLink={"relativePath": "../../etc/passwd"}),
        resource("apis", "s/a"),
    )
    harvest = read_arm(tmp_path, {"source/master.json": master})
    assert only(harvest, "apis").name == ("a",)
    messages = "\n".join(told(harvest, "needs you"))
    for part in ("missing.json is not here", "in a circle", "is outside"):
        assert part in messages


@pytest.mark.parametrize("form", ["xml-link", "rawxml-link"])
def test_linked_policies(tmp_path: Path, form: str) -> None:
    """A policy's link is the file of the source with the same end; without such a file it stays a link."""
    names = ("policies/a.xml", "policies/missing.xml")
    policies = [
        resource("apis/policies", f"s/{number}/policy", format=form, value=f"[concat(parameters('base'), '{name}')]")
        for number, name in enumerate(names)
    ]
    files = {
        "t.json": template(*policies, parameters={"base": {"type": "string"}}),
        "policies/a.xml": POLICY,
        "a.xml": "no",
    }
    read = [plain(policy.properties) for policy in read_arm(tmp_path, files).of("apis/policies")]
    assert read == [
        {"format": form.removesuffix("-link"), "value": POLICY},
        {"format": form, "value": "{base}policies/missing.xml"},
    ]


def test_tokens_of_links_are_not_shown(tmp_path: Path) -> None:
    """The query of a link, which may hold a token, is in no finding."""
    link = {"uri": "https://contoso.example/a.json?sig=hunter2"}
    policy = resource("policies", "s/policy", format="rawxml-link", value="https://x.example/p/a.xml?sig=hunter2")
    files = {"t.json": template(deployment(templateLink=link), policy), "p/a.xml": POLICY}
    findings = read_arm(tmp_path, files).findings
    assert len(findings) == 2
    assert not [finding for finding in findings if "hunter2" in finding.message]


def test_a_link_to_somebody_elses_definition_is_not_any_file(tmp_path: Path) -> None:
    """A name that every project has (openapi.json) is taken for a file only with its folder."""
    apis = [
        resource("apis", f"s/{number}", format="openapi+json-link", value=f"https://petstore.example/{path}")
        for number, path in enumerate(["v2/openapi.json", "definitions/openapi.json"])
    ]
    files = {"t.json": template(*apis), "definitions/openapi.json": "{}"}
    formats = [plain(api.properties.find("format")) for api in read_arm(tmp_path, files).of("apis")]
    assert formats == ["openapi+json-link", "openapi+json"]


# -- folders
def test_a_folder_of_the_resource_kit(tmp_path: Path) -> None:
    """Templates without a master are all read, with the parameters that lie beside them."""
    parameters = {"$schema": "deploymentTemplate.json#", "parameters": {"apimServiceName": {"value": "contoso"}}}
    kit = {
        "contoso-apis.template.json": template(resource("apis", NAME), parameters=PARAMETERS),
        "contoso-tags.template.json": template(resource("tags", "s/t"), parameters=PARAMETERS),
        "contoso-parameters.json": parameters,
    }
    harvest = read_arm(tmp_path, kit, whole=True)
    assert sorted(found.kind for found in harvest.resources) == ["apis", "tags"]
    assert recognise(tmp_path).name == "ARM templates"


def test_what_is_not_of_the_service_is_one_line(tmp_path: Path) -> None:
    """Resources of other services are counted and named together, and matter to nobody."""
    site = {"type": "Microsoft.Web/sites", "name": "w", "properties": {"secret": "[nothing()]"}}
    harvest = read_arm(tmp_path, {"t.json": template(site, site)})
    assert [(finding.message, finding.harmless) for finding in harvest.findings] == [
        ("2 resources of other services: Microsoft.Web/sites", True)
    ]


def test_what_is_declared_twice(tmp_path: Path) -> None:
    """The same resource with the same properties, as exports of the portal repeat it, is read once."""
    same, other = resource("tags", "s/t", displayName="a"), resource("tags", "s/t", displayName="b")
    assert len(read_arm(tmp_path, {"t.json": template(same, same)}).resources) == 1
    assert len(read_arm(tmp_path, {"t.json": template(same, other)}).resources) == 2


def test_names_that_do_not_fit_their_type(tmp_path: Path) -> None:
    """A resource whose name has too few parts is left out, and told."""
    harvest = read_arm(tmp_path, {"t.json": template(resource("apis", "orders"))})
    assert (harvest.resources, len(told(harvest, "left out"))) == ([], 1)


# -- bounds
def doubling(count: int, function: str) -> dict[str, Any]:
    """Variables that each use the one before twice."""
    inner = {
        f"v{number}": f"[{function}(variables('v{number - 1}'), variables('v{number - 1}'))]"
        for number in range(1, count)
    }
    return {"v0": "x" * 1000, **inner}


@pytest.mark.parametrize("function", ["concat", "createArray"])
def test_values_that_double_stop_early(tmp_path: Path, function: str) -> None:
    """Variables that each hold the one before twice are refused, in memory and time of an ordinary template."""
    api = resource("apis", "s/a", path="[string(variables('v24'))]")
    harvest = read_arm(tmp_path, {"t.json": template(api, variables=doubling(25, function))})
    assert isinstance(only(harvest, "apis").properties.find("path"), Unresolved)
    assert "of more than" in told(harvest, "needs you")[0]


@pytest.mark.slow
def test_templates_that_multiply_stop(tmp_path: Path) -> None:
    """Loops of loops of deployments end at a bound, and the report says so."""
    nested: dict[str, Any] = template(resource("apis", "s/a"))
    for _ in range(6):
        nested = template({**deployment(template=nested), "copy": {"name": "l", "count": 100}})
    harvest = read_arm(tmp_path, {"t.json": nested})
    assert "the rest is not read" in told(harvest, "left out")[0]


def test_nothing_outside_is_read_through_a_link(tmp_path: Path) -> None:
    """A symbolic link inside the source that leads out of it is not followed."""
    (tmp_path / "secret.json").write_text(json.dumps(template(resource("apis", "s/secret"))))
    source = save(tmp_path / "source", {"t.json": template(deployment(templateLink={"relativePath": "in.json"}))})
    (source.parent / "in.json").symlink_to(tmp_path / "secret.json")
    harvest = arm.read(source, given())
    assert (harvest.resources, "is outside" in told(harvest, "needs you")[0]) == ([], True)
