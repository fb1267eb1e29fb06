"""Templates that nobody would write: readers report, refuse with a place, or read them, and never fail otherwise."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.commands.importing.sources import arm, bicep
from gateway.errors import LoadError
from tests.commands.importing.templates import POLICY, given, resource, save, template

ARM = {
    "$schema": "deploymentTemplate.json#",
    **template(
        {
            **resource("apis", "[format('{0}/{1}', parameters('s'), variables('v')[copyIndex()].a)]", path="[[x]"),
            "copy": {"name": "loop", "count": "[length(variables('v'))]"},
            "condition": "[or(true(), equals(parameters('s'), 1))]",
            "resources": [{"type": "policies", "name": "policy", "properties": {"format": "rawxml", "value": POLICY}}],
        },
        {
            "type": "Microsoft.Resources/deployments",
            "name": "nested",
            "properties": {
                "expressionEvaluationOptions": {"scope": "inner"},
                "parameters": {"p": {"value": "[union(createObject('a', 1), json('{\"b\": [1, 2]}'))]"}},
                "template": template(resource("tags", "s/t", x="[map(range(0, 3), lambda('i', 'x'))]")),
            },
        },
        parameters={"s": {"type": "string", "defaultValue": "x"}, "k": {"type": "secureString"}},
        variables={"v": [{"a": "b"}], "copy": [{"name": "c", "count": 2, "input": "[copyIndex('c')]"}]},
        outputs={"o": {"type": "string", "value": "[reference('nested').outputs.x.value]"}},
    ),
}  # fmt: skip
BICEP = """\
@secure()
param key string = newGuid()
param names array = [ 'a', 'b' ]
var shared = { list: [for (n, i) in names: { n: '${n}-${i}' }], text: '''
block ${key}
''' }
func twice(t string) string => '${t}${t}'
import { x as y } from 'other.bicep'
resource service 'Microsoft.ApiManagement/service@2023-05-01-preview' existing = { name: 's' }
resource api 'Microsoft.ApiManagement/service/apis@2023-05-01-preview' = [for n in shared.list: if (n.n != y) {
  parent: service
  name: twice(n.n)
  properties: { path: replace(loadTextContent('p.xml'), '{a}', n.n), z: map(names, x => x == 'a' ? 1 : 2)[?0] }
  resource policy 'policies' = { name: 'policy', properties: { value: '<a>${api[0].name}</a>' } }
}]
module other 'other.bicep' = { name: 'o', params: { p: api[0].id, ...shared } }
output o string = other.outputs.o ?? 'none'
"""
PIECES = ["[", "]", "{", "}", "(", ")", "'", '"', "'''", "${", ":", ",", "=", "\\", "\n", "\0", "[[", "..", "9" * 30,
          "if", "for", "in", "concat(", "null", "é", "\U0001f600", "$", "!", "?", "//", "/*", "-"]  # fmt: skip


def mutated(text: str, chance: random.Random) -> str:
    """*text* with a few pieces put in, taken out or moved."""
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(text) + 1)
        end = min(start + chance.randrange(12), len(text))
        piece = chance.choice([*PIECES, text[end : end + chance.randrange(60)], ""])
        text = text[:start] + piece + text[end if chance.random() < 0.6 else start :]
    return text


def read_mutants(folder: Path, seed: int, count: int) -> None:
    """Read *count* mutants of each form; what is no JSON at all is refused, everything else is read."""
    chance = random.Random(seed)
    json_file = save(folder, {"t.json": ARM})
    others = {"p.xml": POLICY, "other.bicep": "@export()\nvar x = 'a'\noutput o string = x\n"}
    bicep_file = save(folder / "bicep", {"main.bicep": BICEP, **others})
    whole = json_file.read_text()
    for _ in range(count):
        json_file.write_text(mutated(whole, chance), encoding="utf-8", errors="replace")
        with suppress(LoadError):
            arm.read(json_file, given("s=x"))
        bicep_file.write_text(mutated(BICEP, chance), encoding="utf-8", errors="replace")
        bicep.read(bicep_file, given())


@pytest.mark.parametrize("seed", range(3))
def test_mutated_templates(tmp_path: Path, seed: int) -> None:
    """Mutants of an ARM template and of a Bicep file with a module are read or refused; nothing else is raised."""
    read_mutants(tmp_path, seed, 4)


@pytest.mark.slow
def test_many_mutated_templates(tmp_path: Path) -> None:
    """The same for a hundred of each."""
    read_mutants(tmp_path, 100, 100)
