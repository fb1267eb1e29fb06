"""Expressions of Terraform have the values that its documentation gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.commands.importing.resources import Unresolved
from tests.commands.importing.terraform_source import evaluated, harvest, value

# From the examples of "Built-in Functions" in Terraform's documentation.
FUNCTIONS: list[tuple[str, Any]] = [
    ("abs(-12.4)", 12.4),
    ("ceil(5.1)", 6),
    ("floor(4.9)", 4),
    ("log(16, 2)", 4),
    ("max(12, 54, 3)", 54),
    ("min([12, 54, 3]...)", 3),
    ('parseint("FF", 16)', 255),
    ("pow(3, 2)", 9),
    ("signum(-13)", -1),
    ("sum([10, 13, 6, 4.5])", 33.5),
    ('chomp("hello\\r\\n\\r\\n")', "hello"),
    ('endswith("hello world", "world")', True),
    ('format("Hello, %s!", "Ander")', "Hello, Ander!"),
    ('format("There are %d lights", 4)', "There are 4 lights"),
    ('format("%03d %5s%-5s| %.2f %x %q 5%%", 42, "a", "b", 3.14159, 255, "q")', '042     ab    | 3.14 ff "q" 5%'),
    ('format("%[2]s %[1]s", "a", "b")', "b a"),
    ('format("%v", {a = [1, true, null]})', '{"a":[1,true,null]}'),
    ('formatlist("Hello, %s!", ["Valentina", "Ander"])', ["Hello, Valentina!", "Hello, Ander!"]),
    (
        'formatlist("%s, %s!", "Salutations", ["Valentina", "Ander"])',
        ["Salutations, Valentina!", "Salutations, Ander!"],
    ),
    ('indent(2, "a\\nb")', "a\n  b"),
    ('join("-", ["foo", "bar", "baz"])', "foo-bar-baz"),
    ('lower("HELLO")', "hello"),
    ('upper("АЛЛО!")', "АЛЛО!"),
    ('title("hello world")', "Hello World"),
    ('strrev("hello")', "olleh"),
    ('substr("hello world", 1, 4)', "ello"),
    ('substr("hello world", -5, -1)', "world"),
    ('trim("?!hello?!", "!?")', "hello"),
    ('trimprefix("helloworld", "hello")', "world"),
    ('trimsuffix("helloworld", "world")', "hello"),
    ('trimspace("  hello\\n\\n")', "hello"),
    ('startswith("hello world", "hello")', True),
    ('strcontains("hello world", "wor")', True),
    ('split(",", "foo,bar,baz")', ["foo", "bar", "baz"]),
    ('split(",", "")', [""]),
    ('replace("1 + 2 + 3", "+", "-")', "1 - 2 - 3"),
    ('replace("hello world", "/w.*d/", "everybody")', "hello everybody"),
    ('replace("a1b2", "/([a-z])(\\\\d)/", "$2$1")', "1a2b"),
    ('regex("[a-z]+", "53453453.345345aaabbbccc23454")', "aaabbbccc"),
    ('regex("(\\\\d\\\\d\\\\d\\\\d)-(\\\\d\\\\d)-(\\\\d\\\\d)", "2019-02-01")', ["2019", "02", "01"]),
    ('regexall("[a-z]+", "1234abcd5678efgh9")', ["abcd", "efgh"]),
    ('length(regexall("[a-z]+", "123456789")) > 0', False),
    ("alltrue([true, false])", False),
    ('anytrue(["true", false])', True),
    ('chunklist(["a", "b", "c"], 2)', [["a", "b"], ["c"]]),
    ('coalesce("", "b")', "b"),
    ("coalesce(null, 1, 2)", 1),
    ('coalescelist([], ["c", "d"])', ["c", "d"]),
    ('compact(["a", "", "b", null, "c"])', ["a", "b", "c"]),
    ('concat(["a", ""], ["b", "c"])', ["a", "", "b", "c"]),
    ('contains(["a", "b", "c"], "d")', False),
    ('distinct(["a", "b", "a", "c", "d", "b"])', ["a", "b", "c", "d"]),
    ('element(["a", "b", "c"], 3)', "a"),
    ('element(["a", "b", "c"], -1)', "c"),
    ('flatten([["a", "b"], [], ["c"]])', ["a", "b", "c"]),
    ('flatten([[["a", "b"], []], ["c"]])', ["a", "b", "c"]),
    ('index(["a", "b", "c"], "b")', 1),
    ("keys({a=1, c=2, d=3})", ["a", "c", "d"]),
    ('length({"a" = "b"})', 1),
    ('length("hello")', 5),
    ('lookup({a="ay", b="bee"}, "c", "what?")', "what?"),
    ('matchkeys(["i-123", "i-abc"], ["us-west", "us-east"], ["us-east"])', ["i-abc"]),
    ('merge({a="b", c="d"}, {e="f", c="z"})', {"a": "b", "c": "z", "e": "f"}),
    ("merge([{a=1}, {b=2}]...)", {"a": 1, "b": 2}),
    ("one([])", None),
    ('one(["a"])', "a"),
    ("range(3)", [0, 1, 2]),
    ("range(1, 8, 2)", [1, 3, 5, 7]),
    ("range(4, 1)", [4, 3, 2]),
    ("reverse([1, 2, 3])", [3, 2, 1]),
    ('setintersection(["a", "b"], ["b", "c"], ["b", "d"])', ["b"]),
    ('setproduct(["development", "staging"], ["app1"])', [["development", "app1"], ["staging", "app1"]]),
    ('setsubtract(["a", "b", "c"], ["a", "c"])', ["b"]),
    ('setunion(["a", "b"], ["b", "c"], ["d"])', ["a", "b", "c", "d"]),
    ('slice(["a", "b", "c", "d"], 1, 3)', ["b", "c"]),
    ('sort(["e", "d", "a", "x"])', ["a", "d", "e", "x"]),
    ('transpose({"a" = ["1", "2"], "b" = ["2", "3"]})', {"1": ["a"], "2": ["a", "b"], "3": ["b"]}),
    ("values({a=3, c=2, d=1})", [3, 2, 1]),
    ('zipmap(["a", "b"], [1, 2])', {"a": 1, "b": 2}),
    ('base64decode("SGVsbG8gV29ybGQ=")', "Hello World"),
    ('base64encode("Hello World")', "SGVsbG8gV29ybGQ="),
    ('csvdecode("a,b,c\\n1,2,3\\n")', [{"a": "1", "b": "2", "c": "3"}]),
    ('jsondecode("{\\"hello\\": [1, true, null, \\"yes\\"]}")', {"hello": [1, True, None, "yes"]}),
    ('jsonencode({"hello"="world"})', '{"hello":"world"}'),
    ('jsonencode({b = [1, null, true], a = "<&>"})', '{"a":"\\u003c\\u0026\\u003e","b":[1,null,true]}'),
    ('yamldecode("hello: world")', {"hello": "world"}),
    ("yamldecode(\"{a: [1, '1', true, null, ~], b: no}\")", {"a": [1, "1", True, None, None], "b": False}),
    ('yamldecode(yamlencode({a = ["b", 1]}))', {"a": ["b", 1]}),
    ('urlencode("Hello World!")', "Hello+World%21"),
    ('md5("hello world")', "5eb63bbbe01eeed093cb22bb8f5acdc3"),
    ('sha1("hello world")', "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed"),
    ('sha256("hello world")', "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"),
    ('basename("foo/bar/baz.txt")', "baz.txt"),
    ('dirname("foo/bar/baz.txt")', "foo/bar"),
    ("can(local.nothing)", False),
    ('can("a")', True),
    ('try(local.nothing.here, "fallback")', "fallback"),
    ('tobool("true")', True),
    ('tolist(["a", "b"])', ["a", "b"]),
    ('tomap({"a" = 1})', {"a": 1}),
    ('tonumber("3")', 3),
    ('toset(["c", "b", "b"])', ["b", "c"]),
    ("tostring(1)", "1"),
    ('nonsensitive("a")', "a"),
    ('templatestring("${"$"}{x}!", {x = "a"})', "a!"),
]


@pytest.mark.parametrize(("expression", "expected"), FUNCTIONS)
def test_functions(tmp_path: Path, expression: str, expected: Any) -> None:
    """Each function gives what Terraform's documentation shows for it."""
    assert value(tmp_path, expression) == expected


# From "Expressions" in Terraform's documentation and HCL's specification.
EXPRESSIONS: list[tuple[str, Any]] = [
    ("1 + 2 * 3", 7),
    ("(1 + 2) * 3", 9),
    ("7 / 2", 3.5),
    ("7 % 2", 1),
    ("-(2)", -2),
    ("1.50", 1.5),
    ("1 == 1.0", True),
    ('1 == "1"', False),
    ("true == 1", False),
    ("[1, 2] == [1, 2]", True),
    ('"a" != "b"', True),
    ("1 < 2 && 2 >= 2", True),
    ("false || !false", True),
    ("false && local.nothing", False),
    ('true ? "a" : "b"', "a"),
    ("1 == 2 ? 1 : 2 == 2 ? 2 : 3", 2),
    ("true ? 1 : true ? 2 : 3", 1),
    ("false ? 1 : false ? 2 : false ? 3 : 4", 4),
    ("true ? false ? 1 : 2 : 3", 2),
    ("(true ? false : true) ? 1 : 2", 2),
    ("9 - 3 - 2", 4),
    ("8 / 4 / 2", 1),
    ("false == false && true", True),
    ("true || true && false", True),
    ("!false == true", True),
    ("-1 + 3", 2),
    ("1 + 2 < 2 * 2", True),
    ('"a${1 + 1}b"', "a2b"),
    ('"${[1, 2]}"', [1, 2]),
    ('"$${not} %%{this}"', "${not} %{this}"),
    (r'"tab\t\"q\" \\ \u00e9"', 'tab\t"q" \\ é'),
    ('["a", "b"][1]', "b"),
    ('{a = {b = "c"}}.a.b', "c"),
    ('{"a-b" = 1}["a-b"]', 1),
    ('{(upper("a")) = 1, "b${1}" : 2}', {"A": 1, "b1": 2}),
    ('[for s in ["a", "b"] : upper(s)]', ["A", "B"]),
    ('[for i, s in ["a", "b"] : "${i}${s}"]', ["0a", "1b"]),
    ('[for k, v in {b = 1, a = 2} : "${k}${v}"]', ["a2", "b1"]),
    ('[for s in ["a", ""] : s if s != ""]', ["a"]),
    ('{for s in ["a", "b"] : s => upper(s)}', {"a": "A", "b": "B"}),
    ('{for s in ["aa", "ab"] : substr(s, 0, 1) => s...}', {"a": ["aa", "ab"]}),
    ("[{a = 1}, {a = 2}][*].a", [1, 2]),
    ("[{a = [1]}, {a = [2]}][*].a[0]", [1, 2]),
    ("[{a = 1}].*.a", [1]),
    ("{a = 1}[*].a", [1]),
    ("null[*].a", []),
    ('"%{ if 1 == 1 }yes%{ else }no%{ endif }"', "yes"),
    ('"%{ for x in [1, 2] }<${x}>%{ endfor }"', "<1><2>"),
    ('"%{ for k, v in {a = 1} ~}  ${k}=${v}  %{~ endfor }"', "a=1"),
    ('"a  ${~ "b" ~}  c"', "abc"),
    ("<<EOT\n  a\n    b\nEOT", "  a\n    b\n"),
    ("<<-EOT\n    a\n\n      b ${1}\n    EOT", "a\n\n  b 1\n"),
    ("<<-EOT\n      ${1}\n    a\n    EOT", "  1\na\n"),
    ('<<EOT\n%{ for x in ["a", "b"] ~}\n- ${x}\n%{ endfor ~}\nEOT', "- a\n- b\n"),
    ('<<EOT\n@(context.Url["a"] == "\\n" ? $"{x}" : "")\nEOT', '@(context.Url["a"] == "\\n" ? $"{x}" : "")\n'),
    ("path.module", "."),
    ('fileset(path.module, "*.t*")', ["main.tf"]),
    ('fileexists("${path.module}/main.tf")', True),
]


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS)
def test_operators_templates_and_loops(tmp_path: Path, expression: str, expected: Any) -> None:
    """Operators, references, templates and for expressions follow Terraform's rules."""
    assert value(tmp_path, expression) == expected


VARIABLES = """
variable "host" {}
variable "key" { sensitive = true }
variable "word" {
  sensitive = true
  default   = "hush"
}
resource "azurerm_linux_function_app" "f" { name = "fun" }
data "azurerm_key_vault_secret" "s" { name = "s" }
"""
UNKNOWN: list[tuple[str, str, tuple[str, ...], bool]] = [
    ("var.host", "{host}", ("host",), False),
    ('"https://${var.host}/a"', "https://{host}/a", ("host",), False),
    ("var.host.name[0].a", "{host.name[0].a}", ("host.name[0].a",), False),
    ("var.key", "{key}", ("key",), True),
    ("var.word", "{word}", ("word",), True),
    ('"Basic ${var.key}${var.host}"', "Basic {key}{host}", ("key", "host"), True),
    ("lower(var.key)", "{lower(var.key)}", ("lower(var.key)",), True),
    ('replace("<a/>HOST", "HOST", var.host)', "<a/>{host}", ("host",), False),
    ('join("/", ["a", var.host])', "a/{host}", ("host",), False),
    ('format("https://%s/x", var.host)', "https://{host}/x", ("host",), False),
    ('trimspace("  ${var.host} ")', "{host}", ("host",), False),
    ("jsonencode({a = var.host})", '{"a":"{host}"}', ("host",), False),
    ('var.host == "a" ? "x" : "y"', '{var.host == "a" ? "x" : "y"}', ('var.host == "a" ? "x" : "y"',), False),
    ("azurerm_linux_function_app.f.default_hostname", "{azurerm_linux_function_app.f.default_hostname}", (), False),
    ("azurerm_linux_function_app.f.id", "{azurerm_linux_function_app.f.id}", (), False),
    ("data.azurerm_key_vault_secret.s.value", "{data.azurerm_key_vault_secret.s.value}", (), True),
    ('sensitive("a")', '{sensitive("a")}', (), True),
    ("timestamp()", "{timestamp()}", (), False),
]


@pytest.mark.parametrize(("expression", "text", "names", "secret"), UNKNOWN)
def test_what_is_unknown_has_a_name(
    tmp_path: Path, expression: str, text: str, names: tuple[str, ...], secret: bool
) -> None:
    """What only a deployment knows keeps its place in the text, under the name that the source has for it."""
    node = evaluated(tmp_path, expression, VARIABLES)
    assert isinstance(node, Unresolved)
    assert node.value == text
    assert node.names == (names or (text[1:-1],))
    assert node.secret is secret


# The same value whatever the unknown turns out to be.
SETTLED: list[tuple[str, Any]] = [
    ('var.host == "a" ? "x" : "x"', "x"),
    ("false && var.host", False),
    ("true || var.host", True),
    ("azurerm_linux_function_app.f.name", "fun"),
    ('length([var.host, "b"])', 2),
    ("{a = var.host, b = 1}.b", 1),
    ('try(var.nothing, "c")', "c"),
]


@pytest.mark.parametrize(("expression", "expected"), SETTLED)
def test_what_does_not_depend_on_the_unknown_is_known(tmp_path: Path, expression: str, expected: Any) -> None:
    """An unknown part does not make the whole unknown where the result is the same anyway."""
    assert value(tmp_path, expression, VARIABLES) == expected


WRONG = [
    ("local.nothing", "there is no local value nothing"),
    ("var.nothing", "there is no variable nothing"),
    ("nothing", "nothing is not known"),
    ("azurerm_api_management_api.nothing.name", "there is no resource azurerm_api_management_api.nothing"),
    ("strange(1)", "the function strange is not known here"),
    ("[][0]", "there is no [0] here"),
    ("{}.a", "there is no a here"),
    ("1 / 0", "this cannot be calculated"),
    ("substr(1)", "substr: too few arguments"),
    ('parseint("z", 10)', "parseint: these arguments do not fit"),
    ('"x${null}"', "null has no place in a text"),
    ('"x${[]}"', "a list or an object has no place in a text"),
    ("{for s in [1, 1] : s => s}", "the key '1' occurs twice"),
    ('jsondecode("{")', "jsondecode: these arguments do not fit"),
    ('yamldecode("a: *b")', "yamldecode: "),
    ('file("nothing.xml")', "nothing.xml cannot be read"),
    ('regex("(", "")', "regex: this regular expression cannot be read"),
]


@pytest.mark.parametrize(("expression", "message"), WRONG)
def test_an_expression_without_a_value_is_reported(tmp_path: Path, expression: str, message: str) -> None:
    """What has no value is named with its line, and the resource around it is imported nevertheless."""
    text = f'resource "azurerm_api_management_named_value" "x" {{\n  name = "x"\n  probe = {expression}\n}}\n'
    found = harvest(tmp_path, main_tf=text)
    assert [resource.name for resource in found.resources] == [("x",)]
    (finding,) = found.findings
    assert finding.message.startswith(message)
    assert finding.location.line == 3
    assert finding.what == "azurerm_api_management_named_value.x"
