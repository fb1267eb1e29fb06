"""What runs here in an expression and Azure refuses: later C#, ``dynamic``, and what is not on Microsoft's list."""

from __future__ import annotations

import pytest

from gateway.errors import Location
from gateway.expressions.portability import refused_by_azure

REFUSED = {
    '@(context.Request.Method switch { "GET" => 1, _ => 2 })': ["a switch expression"],
    '@{ string s = null; s ??= "a"; return s; }': ["??="],
    "@(context.Response.StatusCode is > 400)": ["a relational pattern"],
    "@(context.User is not null)": ["a pattern with not"],
    "@{ List<int> l = new(); return l; }": ["new without a type"],
    "@{ dynamic d = 1; return d; }": ["dynamic"],
    "@{ static int F(int x) => x; return F(1); }": ["a static local function"],
    '@(HttpUtility.UrlEncode("a"))': ["HttpUtility.UrlEncode"],
    "@(DateTime.UtcNow.ToLocalTime())": ["DateTime.ToLocalTime"],
    '@(DateTime.ParseExact("2020", "yyyy", null))': ["DateTime.ParseExact"],
    "@(Environment.NewLine)": ["Environment.NewLine"],
    '@(new UriBuilder("http://a").ToString())': ["a constructor of UriBuilder", "the type UriBuilder"],
    "@{ try { return 1; } catch (FormatException) { return 2; } }": ["the type FormatException"],
}

ALLOWED = [
    '@(((Jwt)context.Variables["jwt"]).Claims.GetValueOrDefault("oid", ""))',
    '@(context.Request.Headers.GetValueOrDefault("a", "").Split(\' \').Last().ToUpper())',
    '@(context.Request.Body?.As<JObject>(preserveContent: true)["a"]?.ToString() ?? "")',
    '@($"{DateTime.UtcNow.AddMinutes(5):o} {Guid.NewGuid()} {context.RequestId}")',
    '@(new JObject(new JProperty("error", context.LastError.Reason)).ToString())',
    '@(Convert.ToBase64String(Encoding.UTF8.GetBytes("a")) + Regex.Replace("a", "b", "c"))',
    '@{ if (int.TryParse("1", out var n) && n > 0) { return n; } return default(int); }',
    "@{ using (var h = new HMACSHA256(new byte[] { 1 })) { return h.ComputeHash(new byte[] { 2 }); } }",
    "@(not C# at all)",
]


@pytest.mark.parametrize(("expression", "named"), REFUSED.items(), ids=REFUSED.keys())
def test_what_azure_refuses_is_named(expression: str, named: list[str]) -> None:
    """Every construct after C# 7.3 and every type or member off the list is a finding with its place and its page."""
    problems = refused_by_azure(expression, Location("p.xml", 3, 7))
    assert len(problems) == len(named)
    for problem, words in zip(problems, named, strict=True):
        assert words in problem.message
        assert "https://" in problem.remedy
        assert problem.location.line == 3


@pytest.mark.parametrize("expression", ALLOWED)
def test_what_its_pages_allow_is_not(expression: str) -> None:
    """The idioms of Microsoft's own pages are not reported."""
    assert refused_by_azure(expression, Location("p.xml")) == []
