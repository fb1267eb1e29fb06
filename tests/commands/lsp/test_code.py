"""csharp/probing.py, csharp/members.py, code_completion.py: names in expressions that are not finished."""

from __future__ import annotations

import pytest

from gateway.commands.lsp.code_completion import code_offers
from gateway.commands.lsp.csharp.members import offered
from gateway.commands.lsp.csharp.probing import Members
from gateway.expressions import clr

# Code up to the cursor → a name that is offered, and one that is not.
CASES = {
    "@(context.": ("Request", "Method"),
    "@{ var r = context.Request; return r.": ("Method", "Request"),
    "@(context.User?.": ("Email", "Request"),
    '@(((Jwt)context.Variables["j"]).': ("Claims", "Request"),
    "@(string.": ("IsNullOrEmpty", "Length"),
    '@("a".': ("Length", "IsNullOrEmpty"),
    "@(System.": ("Convert", "Length"),
    "@(System.Text.": ("Encoding", "Length"),
    '@(context.Request.Headers.Where(h => h.Key == "a" ? h.Value.': ("First", "Key"),
    "@(from h in context.Request.Headers where h.": ("Key", "Where"),
    "@(context.Request.Headers.Any(h => { var v = h.": ("Value", "Any"),
    '@{ foreach (var p in JObject.Parse("").Properties()) { p.': ("Name", "Method"),
    '@{ broken(; var q = "s"; if (q.': ("Length", "Method"),
    "@{ var x = unheard.Of(); var y = 1; return y.": ("CompareTo", "Length"),
    '@(new JObject { ["a"] = context.Api.': ("Name", "Request"),
    '@(new Dictionary<string, string> { { "a", context.': ("Request", "Name"),
    '@(context.Request.Method switch { "GET" => context.': ("Request", "Name"),
    "@{ for (int i = 0; i < context.": ("Request", "Name"),
    '@($"a{context.': ("Request", "Name"),
    "@(DateTime.UtcNow.": ("AddDays", "UtcNow"),
    '@{ try { return ""; } catch (Exception e) { return e.': ("Message", "Request"),
    "@(new JOb": ("JObject", "Request"),
    "@{ var total = 1; return tot": ("total", "Request"),
    '@(context.Request.Headers["a"].': ("Length", "Add"),
    "@(context.Request.Headers.GetValueOrDefault(&quot;a&quot;).": ("Length", "Request"),
    "@((1, 2).": ("Item1", "Request"),
}


@pytest.mark.parametrize("code", CASES)
def test_names(code: str) -> None:
    """What may follow is known by its type, whatever is open, and though something before it is wrong."""
    offers = code_offers(code, len(code), ())
    assert offers is not None
    names = {offer.label for offer in offers.offers}
    wanted, unwanted = CASES[code]
    assert wanted in names
    assert unwanted not in names


@pytest.mark.parametrize("code", ["@(1", '@("a', "@{ // context.", "@(context.Request.Metod.", "@(" + "a.b(" * 30_000])
def test_nothing_to_offer(code: str) -> None:
    """Numbers, texts, comments and values of unknown types have no names; an endless expression is not read."""
    assert code_offers(code, len(code), ()) is None


@pytest.mark.parametrize(
    ("code", "inserted"),
    [
        ('@(context.Variables["', "user"),
        ('@(context.Variables.GetValueOrDefault<string>("us', "user"),
        ("@(context.Variables[", '"user"'),
        ("@(context.Variables.ContainsKey(", '"user"'),
    ],
)
def test_variables(code: str, inserted: str) -> None:
    """Names of variables are offered where one is read."""
    offers = code_offers(code, len(code), ["user"])
    assert offers is not None
    assert [offer.insert for offer in offers.offers] == [inserted]


VENDOR = [definition for name, definition in clr.DEFINITIONS.items() if name.startswith("Microsoft.Azure")]


@pytest.mark.parametrize("definition", VENDOR, ids=[definition.name for definition in VENDOR])
def test_nothing_else_than_the_allow_list_is_offered(definition: clr.TypeDef) -> None:
    """Every member that is offered for a type is one that a policy may use."""
    owner = clr.make(definition)
    names = [item.name for item in offered(Members(owner))]
    assert names
    assert [name for name in names if not owner.find(name) and not clr.extensions(name)] == []
