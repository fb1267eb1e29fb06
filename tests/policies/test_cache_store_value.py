"""cache-store-value: what can be kept, and that it comes back as it was."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest

from gateway.tokens.jwt import Jwt
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response
from tests.policies.bench import Bench
from tests.policies.caching import LOOKUP

pytestmark = pytest.mark.usefixtures("cached")


@pytest.mark.parametrize("value", ["text", 1, True, None, 1.5, b"\x00", ["a", 1]], ids=repr)
def test_a_value_keeps_its_type(bench: Bench, value: object) -> None:
    """What was stored comes back as it was."""
    bench.run('<cache-store-value key="k" value="@(context.Variables["x"])" duration="60"/>', x=value)
    assert bench.run(LOOKUP.format("")).variables == {"v": value}


EXPRESSIONS = [
    'new JObject(new JProperty("a", 1), new JProperty("b", new JArray(1, null, "x")))',
    'JArray.Parse("[1, {}]")',
    'new JValue("text")',
    "(long)1 << 40",
    "(byte)7",
    "1.5m",
    "'c'",
    "new DateTime(2026, 11, 23, 1, 2, 3, DateTimeKind.Utc)",
    'DateTimeOffset.Parse("2026-11-23T01:02:03+02:00")',
    "TimeSpan.FromMinutes(3)",
    'Guid.Parse("11111111-2222-3333-4444-555555555555")',
    'new string[] { "a", "b" }',
    "new List<int> { 1, 2 }",
    'new Dictionary<string, List<string>> { { "a", new List<string> { "b" } } }',
    'new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { { "A", "b" } }',
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expressions_value_keeps_its_type(bench: Bench, expression: str) -> None:
    """What an expression stores is found again with the same .NET type and the same content."""
    escaped = escape(expression, {'"': "&quot;"})
    bench.run(f'<cache-store-value key="k" value="@({escaped})" duration="60"/>')
    look = (
        '<set-variable name="type" value="@(context.Variables["v"].GetType().ToString())"/>'
        '<set-variable name="text" value="@(JsonConvert.SerializeObject(context.Variables["v"]))"/>'
    )
    found = bench.run(LOOKUP.format("") + look).variables
    fresh = bench.run(f'<set-variable name="v" value="@({escaped})"/>' + look).variables
    assert (found["type"], found["text"]) == (fresh["type"], fresh["text"])


def test_a_token_can_be_kept(bench: Bench) -> None:
    """A verified token's claims come back."""
    jwt = Jwt.of({"alg": "RS256"}, {"sub": "s", "roles": ["a"], "exp": 1})
    bench.run('<cache-store-value key="k" value="@(context.Variables["x"])" duration="60"/>', x=jwt)
    found = bench.run(LOOKUP.format("")).variables["v"]
    assert isinstance(found, Jwt)
    assert (found.subject, found.claims["roles"], found.algorithm) == ("s", ("a",), "RS256")


def test_a_response_can_be_kept(bench: Bench) -> None:
    """The answer of send-request is kept whole, and comes back as a copy."""
    stored = Response(201, Headers([("A", "1"), ("A", "2")]), Body(b"body"), "Made")
    bench.run('<cache-store-value key="k" value="@(context.Variables["x"])" duration="60"/>', x=stored)
    found = bench.run(LOOKUP.format("")).variables["v"]
    assert isinstance(found, Response)
    assert (found.status_code, found.reason, found.headers.values("A")) == (201, "Made", ("1", "2"))
    assert (found.body.content, found is stored) == (b"body", False)
