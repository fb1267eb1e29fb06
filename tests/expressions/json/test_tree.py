"""Trees of JSON that are read as they are looked at, changed at random: as if read at once."""

from __future__ import annotations

import random

import pytest

from gateway.expressions.json import reader
from gateway.expressions.limits import forget
from tests.expressions.test_cases import outcome

TEXTS = (
    '{"a":{"b":[1,{"c":"d"}],"a":null},"e":[2.50,"x",[]],"f":true}',
    '[{"a":1,"b":{}},{"a":2,"b":{"c":[1,2,3]}},[[],{}]]',
    '{"a":{"a":{"a":{"a":"deep"}}},"b":"2024-01-02T03:04:05Z","c":"/Date(0)/"}',
    '{"a":1,"b":2,"a":{"x":1,"y":[1,2]}}',
    '{"a":[{"a":[{"a":[]}]}],"b":{"a":{"b":{"a":1}}}}',
)
PATHS = ("a", "b.a", "$..a", "[0]", "[1].b.c", "$..[0]", "$.*")
READS = (
    *("X.ToString(Newtonsoft.Json.Formatting.None)", "X.Path", "X.Type.ToString()", "X.HasValues", "X.Count()"),
    *("(X.Parent == null)", "(X.Root == o)", "JToken.DeepEquals(X, Y)", "((JContainer)X).Descendants().Count()"),
    *('string.Join("|", X.SelectTokens("PATH").Select(m => m.Path))', '((JObject)X).ContainsKey("NAME")'),
    *('(X.SelectToken("PATH") == Y)', '(string)X["NAME"]', "((JArray)X).IndexOf(Y)", "JsonConvert.SerializeObject(X)"),
)
NODES = (
    *('X.SelectToken("PATH")', 'X["NAME"]', "X[INDEX]", "X.DeepClone()", "X.First", "X.Last", "X.Next", "X.Previous"),
    *("X.Parent", "X.Root", '((JObject)X).Property("NAME")'),
)
CHANGES = (
    *('X["NAME"] = Y', 'X["NAME"] = INDEX', '((JObject)X).Add("NAME", Y)', '((JObject)X).Remove("NAME")', "X.Remove()"),
    *("X.Replace(Y)", "((JArray)X).Add(Y)", "((JArray)X).RemoveAt(INDEX)", "((JArray)X).Insert(INDEX, Y)"),
    *("((JObject)X).Merge(Y)", "((JContainer)X).RemoveAll()", "X.AddAfterSelf(Y)", "X[INDEX] = Y"),
    *("((JProperty)X).Value = Y", "((JArray)X).Merge(Y)"),
)


def program(pieces: random.Random) -> str:
    """C# that looks into two trees, changes them and puts parts of one into the other, and says what it has seen."""
    names = ["o", "p"]
    lines = [f"JToken {name} = JToken.Parse({_quoted(pieces.choice(TEXTS))});" for name in names]
    lines.append('var s = "";')
    for number in range(10):
        kind = pieces.choice("rrnnc")
        pattern = pieces.choice({"r": READS, "n": NODES, "c": CHANGES}[kind])
        filled = pattern.replace("INDEX", str(pieces.randint(0, 2))).replace("NAME", pieces.choice("abz"))
        filled = filled.replace("X", pieces.choice(names)).replace("Y", pieces.choice(names))
        filled = filled.replace("PATH", pieces.choice(PATHS))
        if kind == "n":
            lines.append(f"JToken n{number} = null;")
            names.append(f"n{number}")
            filled = f"n{number} = {filled}"
        body = f's += ({filled}) + ";"' if kind == "r" else filled
        lines.append(f'try {{ {body}; }} catch (Exception) {{ s += "!;"; }}')
    return "{ " + " ".join(lines) + ' return s + o.ToString() + "#" + p.ToString(); }'


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def outcomes(programs: list[str]) -> list[str]:
    found = []
    for source in programs:
        forget()
        found.append(outcome(source))
    return found


def test_changed_trees_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that read, move, merge and remove parts see and leave the same, however far a tree has been read."""
    pieces = random.Random(3)
    programs = [program(pieces) for _ in range(40)]
    lazily = outcomes(programs)
    monkeypatch.setattr(reader, "_QUICK", -1)
    assert outcomes(programs) == lazily
    assert sum(shown.startswith("string ") for shown in lazily) > 35
