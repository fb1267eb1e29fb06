"""One value as long as a body may be, against the members whose cost grows with it: bounded time and memory."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections.abc import Awaitable

import pytest

from gateway.errors import GatewayError
from gateway.wire.slices import in_slices
from tests.expressions.stubs import compiled, context
from tests.hostile.wire.test_fair_loop import LONGEST_S
from tests.hostile.wire.turns import watched_turns
from tests.speed import on_this_machine

MEGA = 1_000_000
TEXT = '((string)context.Variables["x"])'
ATTACKS: dict[str, tuple[str, str]] = {
    "split by two": (f"@({TEXT}.Split(new [] {{'a', ';'}}).Length)", "a;b" * (2 * MEGA // 3)),
    "split by white space": (f"@({TEXT}.Split().Length)", "a b" * (2 * MEGA // 3)),
    "split by one": (f"@({TEXT}.Split('a').Length)", "a" * 10 * MEGA),
    "char array": (f"@({TEXT}.ToCharArray().Length)", "a" * 10 * MEGA),
    "list of chars": (f"@(new List<char>({TEXT}).Count)", "a" * 8 * MEGA),
    "upper": (f"@({TEXT}.ToUpper().Length)", "é" * 10 * MEGA),
    "upper, special": (f"@({TEXT}.ToUpper().Length)", "éß" * 5 * MEGA),
    "concat": (f"@(string.Concat(Enumerable.Range(0, 100000).Select(i => {TEXT})).Length)", "a" * MEGA),
    "join": (f"@(string.Join({TEXT}, Enumerable.Range(0, 100000)).Length)", "a" * MEGA),
    "caught timeouts": (
        f"@{{ while (true) {{ try {{ Regex.IsMatch({TEXT}, \"^(a+)+$\"); }} catch {{ }} }} return 1; }}",
        "a" * 40 + "!",
    ),
    "matches": (f'@(Regex.Matches({TEXT}, "a").Count)', "a" * 3 * MEGA),
    "number format": (f"@((1).ToString({TEXT}))", "0" * 10 * MEGA),
    "date format": (f"@(DateTime.UtcNow.ToString({TEXT}))", "d'x'" * (10 * MEGA // 4)),
    "composite format": (f"@(string.Format({TEXT}, 1).Length)", "{0}" * 3 * MEGA),
    "hash in a loop": (
        f"@{{ var b = Encoding.UTF8.GetBytes({TEXT}); while (true) SHA256.Create().ComputeHash(b); return 1; }}",
        "a" * 4 * MEGA,
    ),
    "base64 in a loop": (
        f"@{{ var b = Encoding.UTF8.GetBytes({TEXT}); int n = 0; while (true) n += Convert.ToBase64String(b).Length; "
        "return n; }", "a" * 4 * MEGA,
    ),
    "comparison in a loop": (
        f'@{{ var a = {TEXT} + "b"; var c = {TEXT} + "b"; int n = 0; while (true) if (a == c) n++; return n; }}',
        "a" * 8 * MEGA,
    ),
    "search in a loop": (f'@{{ int n = 0; while (true) if ({TEXT}.Contains("zz")) n++; return n; }}', "a" * 8 * MEGA),
    "copies in a list": (
        f"@{{ var l = new List<string>(); while (true) l.Add({TEXT}.Substring(1)); return 1; }}", "a" * 8 * MEGA,
    ),
    "html": (f"@(System.Net.WebUtility.HtmlEncode({TEXT}).Length)", "<" * 10 * MEGA),
    "url": (f"@(Uri.EscapeDataString({TEXT}).Length)", "é" * 5 * MEGA),
    "uri": (f"@(new Uri({TEXT}).AbsolutePath.Length)", "http://a/" + "../a/" * MEGA),
    "compare": (f"@(string.Compare({TEXT}, {TEXT}))", "é" * 5 * MEGA),
    "index of any": (f"@({TEXT}.IndexOfAny(new [] {{'z'}}))", "a" * 10 * MEGA),
    "normalize": (f"@({TEXT}.Normalize().Length)", "e\u0301" * 5 * MEGA),
    "characters": (f"@({TEXT}.Where(c => c == 'b').Count())", "a" * 10 * MEGA),
    "reversed": (f"@(new string({TEXT}.Reverse().ToArray()))", "a" * 10 * MEGA),
    "json values": (f"@(JToken.Parse({TEXT}).ToString().Length)", "[" + "1," * 3 * MEGA + "1]"),
    "broken json": (f"@(JToken.Parse({TEXT}).ToString().Length)", "[" + "1," * MEGA + "?"),
    "xml elements": (f"@(XElement.Parse({TEXT}).Value.Length)", "<a>" + "<b/>" * MEGA + "</a>"),
    "json path": (f"@(new JObject().SelectToken({TEXT}))", "a." * 2 * MEGA + "a"),
    "token": (f"@({TEXT}.AsJwt())", "a." * 3 * MEGA),
    "whole number": (f"@(int.Parse({TEXT}))", "1" * 4 * MEGA),
    "fraction": (f"@(double.Parse({TEXT}))", "1" * 4 * MEGA),
}  # fmt: skip


# Smaller ones, most of which are worked on to the end and not refused.
LEGAL = {f"{name}, legal": (source, value[: len(value) // 20]) for name, (source, value) in ATTACKS.items()}


@pytest.mark.timed
@pytest.mark.parametrize(("source", "value"), ATTACKS.values(), ids=ATTACKS.keys())
def test_a_large_value_costs_little(source: str, value: str) -> None:
    """Every member processes or refuses it within two seconds of processor time and 300 MiB."""
    expression = compiled(source)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.thread_time()
    with contextlib.suppress(GatewayError):
        expression(context(variables={"x": value}))
    assert time.thread_time() - began < on_this_machine(2.5)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


@pytest.mark.parametrize(("source", "value"), {**ATTACKS, **LEGAL}.values(), ids=[*ATTACKS, *LEGAL])
def test_others_have_their_turns(source: str, value: str) -> None:
    """No turn of the loop takes long while an expression works on a large value, whatever the member."""
    expression = compiled(source)

    async def scenario() -> float:
        async with watched_turns() as turns:
            await asyncio.sleep(0)
            with contextlib.suppress(GatewayError):
                result = in_slices(expression, context(variables={"x": value}))
                if isinstance(result, Awaitable):
                    await result
        return turns.longest_s

    assert asyncio.run(scenario()) < LONGEST_S
