"""The expressions of ARM templates, with the results that Azure's documentation of each function gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.arm import json_text
from gateway.commands.importing.sources.arm.template import ArmTemplate
from gateway.commands.importing.sources.template.collecting import Collector
from gateway.commands.importing.sources.template.local_files import SourceFiles
from gateway.commands.importing.sources.template.syntax import EvaluationFrame
from gateway.reading.yaml_nodes import Mapping, YamlNode
from tests.commands.importing.templates import plain

SECTIONS = {
    "parameters": {
        "name": {"type": "string", "defaultValue": "Orders"},
        "unknown": {"type": "string"},
        "key": {"type": "securestring"},
        "given": {"type": "securestring", "defaultValue": "hunter2"},
        "list": {"type": "array", "defaultValue": ["one", "two", "three"]},
        "object": {"type": "object", "defaultValue": {"one": "a", "nested": {"two": [1, 2]}}},
    },
    "variables": {
        "host": "[concat('https://', parameters('unknown'), '/api')]",
        "copy": [{"name": "squares", "count": 3, "input": "[mul(copyIndex('squares'), copyIndex('squares'))]"}],
        "circle": "[variables('circle')]",
        "dogs": [{"name": "Evie", "age": 5}, {"name": "Casper", "age": 3}],
    },
    "functions": [
        {
            "namespace": "contoso",
            "members": {
                "uniqueName": {
                    "parameters": [{"name": "prefix", "type": "string"}],
                    "output": {"type": "string", "value": "[concat(toLower(parameters('prefix')), '-x')]"},
                }
            },
        }
    ],
}

KNOWN = {
    # strings
    "concat('prefix', '-', '5ab')": "prefix-5ab",
    "concat(createArray('1-1', '1-2'), createArray('2-1'))": ["1-1", "1-2", "2-1"],
    "format('{0}, {1}. Number: {2:N0}', 'Hello', 'User', 8175133)": "Hello, User. Number: 8,175,133",
    "format('{{{0}}} {1:D4} {2:x} {0,4}|{0,-4}|', 'a', 7, 255)": "{a} 0007 ff    a|a   |",
    "format('{0}', true())": "True",
    "toLower('One Two Three')": "one two three",
    "toUpper('One Two Three')": "ONE TWO THREE",
    "trim('    one two three   ')": "one two three",
    "replace('123-123-1234', '-', '')": "1231231234",
    "replace('123-123-1234', '1234', 'xxxx')": "123-123-xxxx",
    "substring('one two three', 4, 3)": "two",
    "substring('one two', 4)": "two",
    "split('one,two,three', ',')": ["one", "two", "three"],
    "split('one;two,three', createArray(',', ';'))": ["one", "two", "three"],
    "join(createArray('one', 'two'), ';')": "one;two",
    "padLeft('123', 10, '0')": "0000000123",
    "startsWith('abcdef', 'AB')": "true",
    "endsWith('abcdef', 'e')": "false",
    "indexOf('test', 't')": "0",
    "lastIndexOf('test', 'T')": "3",
    "indexOf('abcdef', 'z')": "-1",
    "string(parameters('object'))": '{"one":"a","nested":{"two":[1,2]}}',
    "string(5)": "5",
    "uri('http://contoso.org/firstpath', 'myscript.sh')": "http://contoso.org/myscript.sh",
    "uri('http://contoso.org/firstpath/', 'myscript.sh')": "http://contoso.org/firstpath/myscript.sh",
    "uri('http://contoso.org/firstpath/azuredeploy.json', '/myscript.sh')": "http://contoso.org/firstpath/myscript.sh",
    "uri('http://contoso.org', 'a')": "http://contoso.org/a",
    "base64('one, two, three')": "b25lLCB0d28sIHRocmVl",
    "base64ToString(base64('one, two'))": "one, two",
    "base64ToJson(base64('{\"one\": \"a\"}')).one": "a",
    "dataUri('Hello')": "data:text/plain;charset=utf8;base64,SGVsbG8=",
    "dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')": "Hello, World!",
    "uriComponent('http://contoso.com/a b')": "http%3A%2F%2Fcontoso.com%2Fa%20b",
    "uriComponentToString('http%3A%2F%2Fcontoso.com')": "http://contoso.com",
    "json('{\"a\": [1, true, null]}').a": ["1", "true", None],
    # escapes and literals
    "'it''s'": "it's",
    "parameters('name')": "Orders",
    "PARAMETERS('NAME')": "Orders",
    "null()": None,
    # logic
    "if(equals('a', 'a'), 'yes', 'no')": "yes",
    "if(false(), parameters('nothing'), 'lazy')": "lazy",
    "and(bool('true'), bool('false'))": "false",
    "or(bool('true'), bool('false'))": "true",
    "not(bool('true'))": "false",
    "and(false(), equals(parameters('unknown'), 'x'))": "false",
    "or(true(), equals(parameters('unknown'), 'x'))": "true",
    "coalesce(null(), null(), 'fallback')": "fallback",
    "equals(parameters('object'), json('{\"nested\": {\"two\": [1, 2]}, \"one\": \"a\"}'))": "true",
    "equals('a', 'A')": "false",
    "equalsIgnoreCase('a', 'A')": "true",
    "greater(2, 1)": "true",
    "less('a', 'B')": "false",
    "lessOrEquals(1, 1)": "true",
    "greaterOrEquals('a', 'a')": "true",
    # numbers
    "add(5, 3)": "8",
    "sub(7, 3)": "4",
    "mul(5, 3)": "15",
    "div(8, 3)": "2",
    "div(-8, 3)": "-2",
    "mod(7, 3)": "1",
    "mod(-7, 3)": "-1",
    "int('4')": "4",
    "min(0, 3, 2)": "0",
    "max(createArray(0, 3, 2))": "3",
    # arrays and objects
    "createArray('a', 'b')": ["a", "b"],
    "createArray()": [],
    "array('a')": ["a"],
    "createObject('a', 1, 'b', createArray())": {"a": "1", "b": []},
    "range(5, 3)": ["5", "6", "7"],
    "length(parameters('list'))": "3",
    "length('One Two Three')": "13",
    "length(parameters('object'))": "2",
    "empty('')": "true",
    "empty(createArray())": "true",
    "empty(parameters('object'))": "false",
    "empty(variables('host'))": "false",
    "first(parameters('list'))": "one",
    "last('One Two')": "o",
    "skip(parameters('list'), 2)": ["three"],
    "take('one two', 3)": "one",
    "contains('OneTwoThree', 'e')": "true",
    "contains(parameters('object'), 'ONE')": "true",
    "contains(parameters('list'), 'four')": "false",
    "union(createArray('one', 'two'), createArray('two', 'three'))": ["one", "two", "three"],
    "union(json('{\"a\": {\"b\": 1}}'), json('{\"a\": {\"c\": 2}}'))": {"a": {"b": "1", "c": "2"}},
    "intersection(createArray('one', 'two'), createArray('two', 'three'))": ["two"],
    "intersection(json('{\"a\": 1, \"b\": 2}'), json('{\"a\": 1, \"b\": 3}'))": {"a": "1"},
    "items(json('{\"b\": 2, \"a\": 1}'))": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}],
    "objectKeys(json('{\"b\": 2, \"a\": 1}'))": ["a", "b"],
    "shallowMerge(createArray(json('{\"a\": 1}'), json('{\"a\": 2}')))": {"a": "2"},
    "flatten(createArray(createArray(1), createArray(2, 3)))": ["1", "2", "3"],
    "tryGet(parameters('object'), 'nested', 'two', 1)": "2",
    "tryGet(parameters('object'), 'nothing')": None,
    "parameters('object').nested.two[1]": "2",
    "parameters('object')['nested'].two": ["1", "2"],
    "parameters('object').?nothing": None,
    "variables('squares')": ["0", "1", "4"],
    # lambdas
    "map(variables('dogs'), lambda('dog', lambdaVariables('dog').name))": ["Evie", "Casper"],
    "filter(variables('dogs'), lambda('dog', greaterOrEquals(lambdaVariables('dog').age, 5)))": [
        {"name": "Evie", "age": "5"}
    ],
    "reduce(range(1, 4), 0, lambda('cur', 'next', add(lambdaVariables('cur'), lambdaVariables('next'))))": "10",
    "sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))": ["1", "2", "3"],
    "toObject(variables('dogs'), lambda('d', lambdaVariables('d').name), lambda('d', lambdaVariables('d').age))": {
        "Evie": "5",
        "Casper": "3",
    },
    "groupBy(createArray('ab', 'ac', 'b'), lambda('x', first(lambdaVariables('x'))))": {"a": ["ab", "ac"], "b": ["b"]},
    "mapValues(json('{\"a\": 1}'), lambda('v', add(lambdaVariables('v'), 1)))": {"a": "2"},
    # functions of the template
    "contoso.uniqueName('Prefix')": "prefix-x",
}  # fmt: skip

# What only a deployment knows: the text with its name in it.
UNKNOWN = {
    "parameters('unknown')": ("{unknown}", ("unknown",)),
    "variables('host')": ("https://{unknown}/api", ("unknown",)),
    "toLower(parameters('unknown'))": ("{toLower(unknown)}", ("toLower(unknown)",)),
    "replace('<a>{url}</a>', '{url}', parameters('unknown'))": ("<a>{unknown}</a>", ("unknown",)),
    "if(equals(parameters('unknown'), 'x'), 'a', 'b')": ("{if(equals(unknown, x), a, b)}", None),
    "uniqueString(resourceGroup().id)": ("{uniqueString(resourceGroup().id)}", None),
    "concat('a-', subscription().subscriptionId)": ("a-{subscription().subscriptionId}", None),
    "environment().authentication.loginEndpoint": ("{environment().authentication.loginEndpoint}", None),
    "reference(resourceId('Microsoft.Web/sites', 'orders')).host": ("{reference(orders).host}", None),
    "resourceId('Microsoft.ApiManagement/service/apis', parameters('unknown'), 'orders')": (
        "/subscriptions/{subscription().subscriptionId}/resourceGroups/{resourceGroup().name}"
        "/providers/Microsoft.ApiManagement/service/{unknown}/apis/orders",
        None,
    ),
    "uri(parameters('unknown'), 'policies/a.xml')": ("{unknown}/policies/a.xml", ("unknown",)),
    "last(split(concat(parameters('unknown'), '/b/', parameters('unknown')), '/'))": ("{unknown}", ("unknown",)),
}  # fmt: skip

# What has no value: reported, and unknown.
FAULTY = {
    "nothing('a')": "the function nothing is not known here",
    "parameters('nothing')": "the template has no parameter nothing",
    "variables('circle')": "circle depends on itself",
    "substring('abc', 2, 5)": "substring reaches beyond the end of its text",
    "div(1, 0)": "a division by zero",
    "add('a', 1)": "an integer is needed, not a string",
    "concat('a', createArray())": "an array is needed, not a string",
    "parameters('list')[7]": "list has nothing under '7'",
    "json('{')": "the text is not JSON",
    "first(createArray())": "first of an empty array",
    "concat('a'": "',' is missing",
    "'a' 'b'": "\"'b'\" follows the end of the expression",
    "if(true())": "if takes 3 arguments, not 1",
    "copyIndex()": "copyIndex outside of its copy loop",
    "range(0, 100000)": "a list of more than 10,000 items",
    "padLeft('a', 100000000)": "a text of more than 4,194,304 characters",
    "mul(9223372036854775807, 2)": "a number of more than 64 bits",
    f"{'concat(' * 150}'a'{')' * 150}": "expressions are nested more than 120 deep",
}  # fmt: skip


def evaluated(expression: str) -> tuple[YamlNode, list[str]]:
    """The value of ``[expression]`` in a template with SECTIONS, and what is told of it."""
    root = json_text.parse(json.dumps({**SECTIONS, "value": f"[{expression}]"}), "t.json")
    assert isinstance(root, Mapping)
    collector = Collector(SourceFiles(Path("/nowhere")))
    arm_template = ArmTemplate(root, {}, collector)
    value = arm_template.resolve(root.find("value") or root, EvaluationFrame(arm_template))
    return value, [finding.message for finding in collector.harvest.findings]


@pytest.mark.parametrize("expression", KNOWN)
def test_documented_results(expression: str) -> None:
    """An expression of constants has the value that the documentation of its functions gives."""
    value, findings = evaluated(expression)
    assert (plain(value), findings) == (KNOWN[expression], [])


@pytest.mark.parametrize("expression", UNKNOWN)
def test_what_a_deployment_knows_has_a_name(expression: str) -> None:
    """What is unknown stands under its name in the text around it, without a finding by itself."""
    value, findings = evaluated(expression)
    text, names = UNKNOWN[expression]
    assert isinstance(value, Unresolved)
    assert (value.value, findings, value.secret) == (text, [], False)
    assert names is None or value.names == names


@pytest.mark.parametrize("expression", FAULTY)
def test_what_has_no_value_is_reported(expression: str) -> None:
    """An expression without a value is unknown, and one finding says why."""
    value, findings = evaluated(expression)
    assert (isinstance(value, Unresolved), findings) == (True, [FAULTY[expression]])


@pytest.mark.parametrize(
    "expression",
    [
        "parameters('key')",
        "parameters('given')",
        "concat('Bearer ', parameters('given'))",
        "listKeys('id', '2020').key",
    ],
)
def test_secrets_stay_unknown(expression: str) -> None:
    """A secure parameter's value is never shown, not even its default; what is made of it is a secret as well."""
    value, _ = evaluated(expression)
    assert isinstance(value, Unresolved)
    assert value.secret
    assert "hunter2" not in value.value


@pytest.mark.parametrize(
    ("text", "value"), [("[[a]", "[a]"), ("[a", "[a"), ("a]", "a]"), ("", ""), ("<a>[b]</a>", "<a>[b]</a>")]
)
def test_texts_that_are_no_expressions(text: str, value: str) -> None:
    """``[[`` begins a text with a bracket; what does not both begin and end with one is a text."""
    root = json_text.parse(json.dumps({"value": text}), "t.json")
    assert isinstance(root, Mapping)
    arm_template = ArmTemplate(root, {}, Collector(SourceFiles(Path("/nowhere"))))
    assert plain(arm_template.resolve(root.find("value") or root, EvaluationFrame(arm_template))) == value
