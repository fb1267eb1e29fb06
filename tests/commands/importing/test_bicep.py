"""``gateway import`` of Bicep: expressions, declarations, modules, files, and what is told of the rest."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources import bicep
from gateway.commands.importing.sources.forms import recognise
from gateway.errors import LoadError
from gateway.reading.yaml_nodes import Scalar
from tests.commands.importing.templates import (
    POLICY,
    given,
    only,
    plain,
    read_bicep,
    resource,
    save,
    template,
    told,
)

HEAD = """\
@description('the service')
param serviceName string
@secure()
param key string
param name string = 'Orders'
param unknown string
param maybe string?
param list array = [ 'one', 'two' ]
param thing object = { one: 'a', 'two-b': { three: [ 1, 2 ] } }
type shape = { a: string }
func greeting(who string) string => 'Hello ${who}'
resource service 'Microsoft.ApiManagement/service@2023-05-01-preview' existing = {
  name: serviceName
}
"""

# An expression of Bicep and its value; what is unknown stands as {name}.
EXPRESSIONS = {
    "'a'": "a",
    r"'it\'s \n \t \\ \${x} \u{1f600}'": "it's \n \t \\ ${x} \U0001f600",
    "'${name}-${1}-${true}'": "Orders-1-True",
    "'''\n  line ${name}\n'quoted'\n'''": "  line ${name}\n'quoted'\n",
    "'''one'''": "one",
    "-7": "-7",
    "null": None,
    "[ 1\n 2 ]": ["1", "2"],
    "[1, 2, 'x']": ["1", "2", "x"],
    "[ 0, ...list, 1 ]": ["0", "one", "two", "1"],
    "{ a: 1, 'b-${name}': 2 }": {"a": "1", "b-Orders": "2"},
    "{ ...thing\n one: 2 }": {"one": "2", "two-b": {"three": ["1", "2"]}},
    "thing.one": "a",
    "thing['two-b'].three[1]": "2",
    "thing.?nothing": None,
    "thing.?nothing ?? 'fallback'": "fallback",
    "'${list[^1]}'": "two",
    "thing!.one": "a",
    "name == 'Orders' ? 'yes' : 'no'": "yes",
    "name != 'Orders' || name =~ 'orders'": "true",
    "name !~ 'orders'": "false",
    "!(1 < 2) || 2 >= 2 && 7 % 4 == 3": "true",
    "1 + 2 * 3 - 4 / 2": "5",
    "maybe": None,
    "maybe ?? 'none'": "none",
    "[for x in list: '${x}!']": ["one!", "two!"],
    "[for (x, i) in list: { n: i, v: x }]": [{"n": "0", "v": "one"}, {"n": "1", "v": "two"}],
    "[for i in range(0, 3): i * i]": ["0", "1", "4"],
    "[for x in list: if (x != 'one') { v: x }]": [{"v": "two"}],
    "map(list, x => '${x}.')": ["one.", "two."],
    "map([thing], x => x.one)": ["a"],
    "filter(range(0, 4), (x, i) => x > 1 && i < 3)": ["2"],
    "reduce(range(1, 3), 0, (sum, x) => sum + x)": "6",
    "toObject(list, x => x, x => length(x))": {"one": "3", "two": "3"},
    "sort([3, 1, 2], (a, b) => a < b)": ["1", "2", "3"],
    "greeting('you')": "Hello you",
    "az.toLower(name)": "orders",
    "sys.concat('a', 'b')": "ab",
    "any(1)": "1",
    "replace(replace('<a x=\"{u}\" y=\"{n}\"/>', '{u}', unknown), '{n}', name)": '<a x="{unknown}" y="Orders"/>',
    "'https://${unknown}/x'": "https://{unknown}/x",
    "service.name": "{serviceName}",
    "service.properties.gatewayUrl": "{service.properties.gatewayUrl}",
    "'${service.id}/apis/x'": "/apis/x",
    "resourceGroup().location": "{resourceGroup().location}",
    "key": "{key}",
    "unknown == 'x' ? 1 : 2": "{if(equals(unknown, x), 1, 2)}",
    "readEnvironmentVariable('HOST', 'none')": "none",
    "readEnvironmentVariable('HOST')": "{HOST}",
    "nameof(thing.one)": "one",
}  # fmt: skip

FAULTY = {
    "nothing": "nothing is not declared",
    "circle": "circle depends on itself",
    "thing.nothing": "thing has nothing under 'nothing'",
    "greeting()": "greeting takes 1 arguments",
    "loadTextContent('missing.xml')": "the file missing.xml is not there",
    "loadTextContent('../../../etc/passwd')": "is outside",
    "loadTextContent('/etc/passwd')": "is outside",
    "loadTextContent(unknown)": "the file that loadTextContent reads is not known here",
    "loadJsonContent('main.bicep')": "is not JSON",
}


def api(value: str, rest: str = "") -> dict[str, Any]:
    """A file whose one API has *value* as its path."""
    body = (
        "resource api 'Microsoft.ApiManagement/service/apis@2023-05-01-preview' = {\n  parent: service\n  name: 'a'\n"
    )
    return {"main.bicep": f"{HEAD}var circle = circle\n{body}  properties: {{\n    path: {value}\n  }}\n}}\n{rest}"}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions(tmp_path: Path, expression: str) -> None:
    """An expression has the value that Bicep gives it, with names for what only a deployment knows."""
    harvest = read_bicep(tmp_path, api(expression))
    assert plain(only(harvest, "apis").properties.find("path")) == EXPRESSIONS[expression]
    assert told(harvest, "needs you") == []


@pytest.mark.parametrize("expression", FAULTY)
def test_what_has_no_value_is_reported(tmp_path: Path, expression: str) -> None:
    """An expression without a value is unknown and told; files outside of the source are not read."""
    harvest = read_bicep(tmp_path, api(expression))
    assert isinstance(only(harvest, "apis").properties.find("path"), Unresolved)
    assert FAULTY[expression] in told(harvest, "needs you")[0]


def test_secrets_stay_unknown(tmp_path: Path) -> None:
    """A secure parameter is a secret in whatever is made of it, also when it is given or has a default."""
    files = {
        "main.bicep": api("'Bearer ${key}'")["main.bicep"].replace("param key string", "param key string = 'hunter2'")
    }
    for settings in ([], ["key=hunter2"]):
        value = only(read_bicep(tmp_path, files, *settings), "apis").properties.find("path")
        assert isinstance(value, Unresolved)
        assert (value.value, value.secret) == ("Bearer {key}", True)


# -- resources
NESTED = """\
resource api 'Microsoft.ApiManagement/service/apis@2023-05-01-preview' = {
  name: 'orders'
  parent: service
  properties: { path: 'orders' }

  resource read 'operations' = {
    name: 'read'
    properties: { method: 'GET' }
    resource document 'policies@2022-08-01' = {
      name: 'policy'
      properties: { format: 'rawxml', value: loadTextContent('policies/read.xml') }
    }
  }
}
resource policy 'Microsoft.ApiManagement/service/apis/policies@2023-05-01-preview' = {
  name: '${service.name}/${api.name}/policy'
  properties: { value: '<policies/>' }
}
resource product 'Microsoft.ApiManagement/service/products@2023-05-01-preview' = [for (tier, i) in [ 'free', 'gold' ]: {
  parent: service
  name: '${tier}-${i}'
  properties: { displayName: '${api::read.name} ${api.properties.path}' }
}]
resource link 'Microsoft.ApiManagement/service/products/apis@2023-05-01-preview' = [for i in range(0, 2): if (i > 0) {
  parent: product[i]
  name: api.name
}]
resource site 'Microsoft.Web/sites@2022-09-01' = { name: 'site', properties: { a: nothing } }
"""


def test_resources_by_their_parents(tmp_path: Path) -> None:
    """Names follow parents, nesting, loops and conditions; a file's text has its place in that file."""
    harvest = read_bicep(tmp_path, {"main.bicep": HEAD + NESTED, "policies/read.xml": POLICY})
    assert [(found.kind, found.name) for found in harvest.resources] == [
        ("apis", ("orders",)),
        ("apis/operations", ("orders", "read")),
        ("apis/operations/policies", ("orders", "read", "policy")),
        ("apis/policies", ("orders", "policy")),
        ("products", ("free-0",)),
        ("products", ("gold-1",)),
        ("products/apis", ("gold-1", "orders")),
    ]
    value = only(harvest, "apis/operations/policies").properties.find("value")
    assert isinstance(value, Scalar)
    assert (value.value, value.location.line, Path(value.location.file).name) == (POLICY, 1, "read.xml")
    inline = only(harvest, "apis/policies").properties.find("value")
    assert isinstance(inline, Scalar)
    assert (inline.location.line, inline.location.column) == (HEAD.count("\n") + 17, 25)
    assert plain(next(harvest.of("products")).properties) == {"displayName": "read orders"}
    assert told(harvest, "needs you") == []


@pytest.mark.parametrize(("setting", "count", "messages"), [
    ("unknown=yes", 2, 0), ("unknown=no", 1, 0), (None, 2, 1),
])  # fmt: skip
def test_conditions(tmp_path: Path, setting: str | None, count: int, messages: int) -> None:
    """What a false condition guards is left out; what an unknown one guards is imported and told."""
    tag = "resource tag 'Microsoft.ApiManagement/service/tags@2022-08-01' = "
    guarded = f"{tag}if (unknown == 'yes') {{\n parent: service\n name: 't'\n}}\n"
    harvest = read_bicep(tmp_path, api("'a'", guarded), *([setting] if setting else []))
    assert (len(harvest.resources), len(told(harvest, "needs you"))) == (count, messages)


def test_a_loop_over_something_unknown(tmp_path: Path) -> None:
    """A loop whose list is unknown is told and left out; one over an empty list is a remark."""
    tag = "resource t{0} 'Microsoft.ApiManagement/service/tags@2022-08-01' = "
    loop = tag + "[for x in {1}: {{\n parent: service\n name: x\n}}]\n"
    harvest = read_bicep(tmp_path, api("'a'", loop.format(1, "split(unknown, ',')") + loop.format(2, "[]")))
    assert [found.kind for found in harvest.resources] == ["apis"]
    assert len(told(harvest, "needs you")) == 1
    assert any(finding.message == "its list is empty here" for finding in harvest.findings)


TYPED = """\
var one { *: string } = { a: 'b' }
var two resourceInput<'Microsoft.Web/sites@2022-09-01'>.properties = { a: one.a }
param three { a: string? }?
@export()
type four = resourceInput<'a@b'>
extension microsoftGraph
var five = two!
"""


def test_types_change_nothing(tmp_path: Path) -> None:
    """Types of variables and parameters, and what only a compiler needs, are read over."""
    harvest = read_bicep(tmp_path, api("'${five.a}${three ?? 'c'}'", TYPED))
    assert plain(only(harvest, "apis").properties.find("path")) == "bc"
    assert told(harvest, "needs you") == []


def test_what_is_not_bicep_is_told(tmp_path: Path) -> None:
    """A declaration that cannot be read is told with its place, and the others are imported."""
    harvest = read_bicep(tmp_path, api("'a'", "resource broken 'x' = (\n\nvar fine = 1\n"))
    assert only(harvest, "apis").name == ("a",)
    assert told(harvest, "needs you")


# -- modules
MODULE = """\
param path string
param host string = 'default'
resource service 'Microsoft.ApiManagement/service@2023-05-01-preview' existing = { name: 's' }
resource site 'Microsoft.Web/sites@2022-09-01' existing = { name: 'site' }
resource api 'Microsoft.ApiManagement/service/apis@2023-05-01-preview' = {
  parent: service
  name: path
  properties: { path: path, serviceUrl: host, value: loadTextContent('beside.txt') }
}
output id string = api.id
output host string = site.properties.defaultHostName
"""


def test_modules_get_parameters_and_have_outputs(tmp_path: Path) -> None:
    """A module is read with its parameters, its files lie beside it, and its outputs go where they are used."""
    main = """\
module first 'modules/api.bicep' = { name: 'm', params: { path: 'one', host: toLower('HOST') } }
module more 'modules/api.bicep' = [for x in [ 'two', 'three' ]: { name: 'm-${x}', params: { path: x } }]
resource service 'Microsoft.ApiManagement/service@2023-05-01-preview' existing = { name: 's' }
resource b 'Microsoft.ApiManagement/service/backends@2023-05-01-preview' = [for i in range(0, 2): {
  parent: service
  name: 'b${i}'
  properties: { url: 'https://${more[i].outputs.host}', resourceId: first.outputs.id }
}]
"""
    harvest = read_bicep(tmp_path, {"main.bicep": main, "modules/api.bicep": MODULE, "modules/beside.txt": "text"})
    apis = [plain(found.properties) for found in harvest.of("apis")]
    assert apis == [
        {"path": "one", "serviceUrl": "host", "value": "text"},
        {"path": "two", "serviceUrl": "default", "value": "text"},
        {"path": "three", "serviceUrl": "default", "value": "text"},
    ]
    backends = [plain(found.properties) for found in harvest.of("backends")]
    assert backends == [
        {"url": f"https://{{more[{number}].outputs.host}}", "resourceId": "/apis/one"} for number in range(2)
    ]


def test_modules_of_json_and_imports(tmp_path: Path) -> None:
    """A module may be an ARM template; names are imported from other files."""
    main = """\
import { base as prefix, shout } from 'names.bicep'
import * as all from 'names.bicep'
module nested 'nested.json' = { name: 'n', params: { path: '${prefix}/${all.base}/${all.shout('x')}/${shout('y')}' } }
resource tag 'Microsoft.ApiManagement/service/tags@2022-08-01' = { name: 's/${nested.outputs.tag}' }
"""
    names = "@export()\nvar base = 'v1'\n@export()\nfunc shout(t string) string => toUpper(t)\n"
    nested = template(
        resource("apis", "s/a", path="[parameters('path')]"),
        parameters={"path": {"type": "string"}},
        outputs={"tag": {"type": "string", "value": "t"}},
    )
    harvest = read_bicep(tmp_path, {"main.bicep": main, "names.bicep": names, "nested.json": nested})
    assert plain(only(harvest, "apis").properties) == {"path": "v1/v1/X/Y"}
    assert only(harvest, "tags").name == ("t",)


@pytest.mark.parametrize(("kind", "count"), [("Microsoft.ApiManagement/service/tags", 1), ("Microsoft.Web/sites", 0)])
def test_unknown_conditions_of_modules(tmp_path: Path, kind: str, count: int) -> None:
    """A module's unknown condition is told where it guards something of the service, and only there."""
    main = "param deploy bool\nmodule m 'm.bicep' = if (deploy) { name: 'm' }\n"
    harvest = read_bicep(
        tmp_path, {"main.bicep": main, "m.bicep": f"resource r '{kind}@2022-08-01' = {{ name: 's/t' }}\n"}
    )
    assert (len(harvest.resources), len(told(harvest, "needs you"))) == (count, count)


def test_modules_that_cannot_be_had(tmp_path: Path) -> None:
    """Registries, circles, missing files and files outside are told; only those about the service need somebody."""
    main = """\
module a 'br/public:avm/res/api-management/service:0.1.0' = { name: 'a' }
module b 'br/public:avm/res/network/virtual-network:0.1.0' = { name: 'b' }
module c 'main.bicep' = { name: 'c' }
module d 'missing.bicep' = { name: 'd' }
module e '../../outside.bicep' = { name: 'e' }
"""
    findings = told(read_bicep(tmp_path, {"source/main.bicep": main}), "needs you")
    wanted = ("registry", "in a circle", "is not there", "is outside")
    assert [word in finding for word, finding in zip(wanted, findings, strict=True)] == [True] * 4


# -- files
def test_other_files(tmp_path: Path) -> None:
    """JSON and YAML are values, also a part of them; files are read as what their encoding says."""
    files = api(
        "{ a: loadJsonContent('v.json').list[0], b: loadJsonContent('v.json', '$.list[1].x')\n"
        " c: loadYamlContent('v.yaml')\n"
        " d: loadFileAsBase64('b.bin'), e: loadYamlContent('anchors.yaml').copy }"
    )
    files |= {
        "v.json": {"list": ["one", {"x": 2}]},
        "v.yaml": "k: v\n",
        "b.bin": "abc",
        "anchors.yaml": "o: &o {p: 1}\ncopy: *o\n",
    }
    assert plain(only(read_bicep(tmp_path, files), "apis").properties.find("path")) == {
        "a": "one", "b": "2", "c": {"k": "v"}, "d": "YWJj", "e": {"p": "1"},
    }  # fmt: skip


def test_aliases_do_not_explode(tmp_path: Path) -> None:
    """A YAML file of nested aliases is refused before it is written out."""
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    harvest = read_bicep(tmp_path, {**api("loadYamlContent('bomb.yaml')"), "bomb.yaml": bomb})
    assert "a value of more than 100,000 parts" in told(harvest, "needs you")[0]


# -- parameters
def test_parameter_files(tmp_path: Path) -> None:
    """A .bicepparam file beside the template, or as the source itself, gives the parameters; ``--set`` wins."""
    values = "using 'main.bicep'\nparam name = 'from file'\nvar other = 'x'\nparam unknown = '${other}y'\n"
    files = {**api("'${name} ${unknown}'"), "main.bicepparam": values}
    path = "path"
    assert plain(only(read_bicep(tmp_path, files), "apis").properties.find(path)) == "from file xy"
    assert plain(only(read_bicep(tmp_path, files, "name=set"), "apis").properties.find(path)) == "set xy"
    harvest = bicep.read(tmp_path / "main.bicepparam", given())
    assert plain(only(harvest, "apis").properties.find(path)) == "from file xy"


def test_a_parameter_file_for_nothing(tmp_path: Path) -> None:
    """A .bicepparam file that names no template is refused."""
    with pytest.raises(LoadError, match="using"):
        read_bicep(tmp_path, {"x.bicepparam": "param a = 1\n"})


# -- where reading begins
def test_folders(tmp_path: Path) -> None:
    """In a folder, reading begins at main.bicep, else at the files that no other one uses."""
    save(tmp_path / "a/infra", api("'main'"))
    assert recognise(tmp_path / "a").name == "Bicep files"
    assert only(bicep.read(tmp_path / "a", given()), "apis").name == ("a",)
    save(
        tmp_path / "b",
        {
            "start.bicep": "module m 'x/api.bicep' = { name: 'm', params: { path: 'p' } }\n",
            "x/api.bicep": MODULE,
            "x/beside.txt": "",
        },
    )
    assert only(bicep.read(tmp_path / "b", given()), "apis").name == ("p",)
    save(tmp_path / "c", {"storage.bicep": "param a string\n"})
    assert not bicep.recognises(tmp_path / "c")


def test_compiled_templates_are_read_instead(tmp_path: Path) -> None:
    """A template that Bicep has compiled and that lies beside is read, and the report says so."""
    compiled = template(resource("apis", "s/compiled"), metadata={"_generator": {"name": "bicep"}})
    harvest = read_bicep(tmp_path, {**api("'x'"), "main.json": compiled})
    assert only(harvest, "apis").name == ("compiled",)
    assert "read from main.json" in harvest.findings[0].message
    by_hand = read_bicep(tmp_path, {**api("'x'"), "main.json": template(resource("apis", "s/else"))})
    assert only(by_hand, "apis").name == ("a",)
    assert "read as it is written" in by_hand.findings[0].message


@pytest.mark.parametrize(("status", "name"), [(0, "compiled"), (1, "a")])
def test_an_installed_compiler_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, name: str) -> None:
    """With Bicep on the path, what it makes of the file is read; where it refuses, the file itself."""
    compiled = json.dumps(template(resource("apis", "s/compiled")))
    tool = save(tmp_path / "bin", {"bicep": f"#!/bin/sh\necho '{compiled}'\nexit {status}\n"})
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    harvest = read_bicep(tmp_path / "source", api("'x'"))
    assert only(harvest, "apis").name == (name,)
    assert any("compiled by" in finding.message for finding in harvest.findings) == (status == 0)
