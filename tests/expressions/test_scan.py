"""scan.py: the end of an expression is found by C#'s own tokens, in raw and in escaped text."""

from __future__ import annotations

import csv
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.expressions.scan import Unbalanced, scan_expression, unescape_expression
from tests import published

WHOLE = {
    "call": "@(f(a[1]))",
    "block": "@{ if (a) { return b; } }",
    "bracket in string": '@(")" + "]")',
    "escaped quote": r'@("\")" + x)',
    "backslash at end": r'@("\\")',
    "verbatim": '@(@"a\\" + ")" )',
    "doubled quote": '@(@"say "")"" now")',
    "verbatim over lines": '@(@"a\n)\n")',
    "interpolation": '@($"a){f(")")}b")',
    "interpolated doubled braces": '@($"{{)}}")',
    "interpolation in interpolation": '@($"{$"{")"}"}")',
    "verbatim interpolation": '@($@"{a}"")")',
    "verbatim interpolation, other order": '@(@$"{a}"")")',
    "format with quote signs": "@($\"{t:hh'h)'mm}\")",
    "format with doubled brace": '@($"{t:a}}b}")',
    "alias colon": '@($"{global::System.String.Empty}")',
    "ternary in hole": '@($"{(a ? ")" : "b")}")',
    "char": "@(')' == '\\'' || x == '\"')",
    "char escapes": r"@('\u0029' == '\x29')",
    "lone apostrophe": "@(a ' b)",
    "line comment": "@{ // don't )}\n return 1; }",
    "line comment, escaped break": "@{ // )} &#xA; return 1; }",
    "block comment": "@(/* )' */ 1)",
    "entity string": "@(&quot;)&quot; + x)",
    "entity string with escape": r"@(&quot;\&quot;)&quot;)",
    "numeric entity string": "@(&#34;)&#34;)",
    "entity verbatim": "@(@&quot;)&quot;&quot;)&quot;)",
    "entity interpolation": "@($&quot;{f(&quot;)&quot;)}&quot;)",
    "entity char": "@(&apos;)&apos; == '&quot;' || '&lt;' == x)",
    "entity inside raw string": '@("&quot;)")',
    "keyword identifier": "@(@class)",
    "named value": '@({{limit}} == "{{x}}")',
}


@pytest.mark.parametrize("expression", WHOLE.values(), ids=WHOLE.keys())
def test_finds_the_matching_bracket(expression: str) -> None:
    """An expression ends at its own bracket, whatever comes before, inside and after it."""
    document = f'<a b="{expression}" c=")}}"/>'
    assert scan_expression(document, 6) == 6 + len(expression)
    assert scan_expression(expression, 0) == len(expression)


BROKEN = {
    "not an expression": "(a)",
    "open": "@(a",
    "crossed": "@(a[1)]",
    "open string": '@("a)',
    "string over a line": '@("a\n")',
    "open verbatim": '@(@"a)',
    "open comment": "@(/* a)",
    "open line comment": "@( // a)",
    "open hole": '@($"{a)"',
    "open format": '@($"{a:b',
    "deep": "@(" + '$"{' * 100,
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_refuses_unbalanced_text(text: str) -> None:
    """Text without a matching bracket is refused with a place, never accepted in part."""
    with pytest.raises(Unbalanced) as caught:
        scan_expression(text, 0)
    assert 0 <= caught.value.position <= len(text)


@given(st.text(alphabet="@({[]})\"'$\\/*:&quot;#34\na", max_size=60))
def test_hostile_text_ends_in_an_offset_or_a_refusal(text: str) -> None:
    """Any text gives an offset inside the text or Unbalanced, and nothing else."""
    try:
        end = scan_expression("@(" + text, 0)
    except Unbalanced:
        return
    assert 3 <= end <= len(text) + 2


UNESCAPED = {
    "escaped": ("@(a == &quot;x&quot; &amp;&amp; b &lt; 1)", '@(a == "x" && b < 1)'),
    "only an interpolated string": ("@($&quot;{a}&quot;)", '@($"{a}")'),
    "escaped in the hole of a plain string": ('@($"{a[&quot;b&quot;]}")', '@($"{a["b"]}")'),
    "escaped in a deeper hole": ('@($"{$"{a &lt; b}"}")', '@($"{$"{a < b}"}")'),
    "text of a plain string stays": ('@($"&lt;{a}")', '@($"&lt;{a}")'),
    "once only": ("@(&quot;&amp;lt;&quot;)", '@("&lt;")'),
    "raw stays": ('@(a == "&lt;" && b)', '@(a == "&lt;" && b)'),
    "raw comment stays": ("@(a /* &lt; */)", "@(a /* &lt; */)"),
    "no entity": ("@(a && b)", "@(a && b)"),
}


@pytest.mark.parametrize(("text", "expected"), UNESCAPED.values(), ids=UNESCAPED.keys())
def test_unescapes_only_the_escaped_form(text: str, expected: str) -> None:
    """An entity outside C# literals marks the escaped form; inside a literal it is the author's text."""
    assert unescape_expression(text) == expected


def published_rows() -> list[dict[str, str]]:
    if not published.POLICIES.exists():
        return []
    with (published.POLICIES / "INDEX.tsv").open(encoding="utf-8") as index:
        return list(csv.DictReader(index, delimiter="\t"))


def expressions_of(document: str) -> list[str]:
    """Every expression of a raw document, XML comments skipped."""
    found, position = [], 0
    while match := re.compile(r"<!--.*?-->|@[({]", re.DOTALL).search(document, position):
        position = match.end()
        if match[0][0] == "@":
            position = scan_expression(document, match.start())
            found.append(document[match.start() : position])
    return found


@published.needs(published.POLICIES)
@pytest.mark.parametrize("row", published_rows(), ids=lambda row: row["file"][:3])
def test_counts_the_expressions_of_real_documents(row: dict[str, str]) -> None:
    """In documents that others wrote, as many expressions are found as their index says."""
    document = (published.POLICIES / row["file"]).read_bytes().decode("utf-8-sig")
    assert len(expressions_of(document)) == int(row["expressions"])
