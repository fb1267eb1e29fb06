"""Steps, memory, time and depth are bounded, and no expression can catch that."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable

import pytest

from gateway.errors import ExpressionError, LoadError
from gateway.expressions import compile_expression
from gateway.expressions.limits import METER, NOBODY
from gateway.wire.slices import in_slices
from gateway.wire.work import Work, WorkExceeded
from tests.expressions.stubs import WHERE, Body, compiled, context, evaluate, request
from tests.speed import on_this_machine

ENDLESS = {
    "while": "@{ while (true) { } }",
    "for": "@{ for (;;) { } }",
    "do": "@{ do { } while (true); }",
    "caught": "@{ while (true) { try { throw new Exception(); } catch { } } }",
    "catching the limit": "@{ try { while (true) { } } catch (Exception) { return 1; } }",
    "recursion": "@{ int f(int n) => f(n + 1); return f(0); }",
    "lambda recursion": "@{ Func<int, int> f = null; f = n => f(n + 1); return f(0); }",
    "range": "@(Enumerable.Range(0, int.MaxValue).Sum(x => (long)x))",
    "repeat": "@(Enumerable.Repeat(1, int.MaxValue).Count())",
    "nested loops": "@(Enumerable.Range(0, 100000).SelectMany(x => Enumerable.Range(0, 100000)).Count())",
    "doubling text": '@{ var s = "x"; while (true) { s += s; } }',
    "doubling list": "@{ var l = new List<int> { 1 }; while (true) { l.AddRange(l); } }",
    "doubling builder": '@{ var b = new StringBuilder("x"); while (true) { b.Append(b.ToString()); } }',
    "long text often": "@{ var l = new List<string>(); while (true) { l.Add(new string('x', 1000000)); } }",
    "array": "@(new byte[int.MaxValue].Length)",
    "pad": '@("x".PadLeft(int.MaxValue))',
    "repeat char": "@(new string('x', int.MaxValue))",
    "alignment": '@($"{1,2000000000}")',
    "format alignment": '@(string.Format("{0,999999999}", 1))',
    "precision": '@((1).ToString("D999999999"))',
    "custom format": "@((1).ToString(new string('0', 100000000)))",
    "replace": "@(new string('a', 100000).Replace(\"a\", new string('b', 100000)))",
    "join": "@(string.Join(new string('a', 10000), new int[100000]))",
    "regex": '@(Regex.IsMatch(new string(\'a\', 40) + "!", "^(a+)+$"))',
    "regex backtracking": '@(Regex.IsMatch(new string(\'a\', 30) + "b", "(a|aa)+$"))',
    "regex repetitions": '@(Regex.IsMatch("a", "((((((a{1000}){1000}){1000}){1000}){1000}){1000})"))',
    "concat chain": "@{ var q = Enumerable.Range(0, 9); for (int i = 0; i < 99; i++) q = q.Concat(q); return q; }",
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS.keys())
def test_endless_work_ends_in_an_error(text: str) -> None:
    """Work without bound stops within seconds, as an ExpressionError."""
    began = time.thread_time()
    with contextlib.suppress(ExpressionError):
        evaluate(text)
    assert time.thread_time() - began < on_this_machine(6)


def test_deep_expressions_are_refused() -> None:
    """Nesting that Python's own stack could not take is refused at load."""
    with pytest.raises(LoadError):
        evaluate(f"@({'(' * 3000}1{')' * 3000})")
    assert evaluate(f"@({' + '.join(['1'] * 1000)})") == 1000


def test_deep_json_is_refused() -> None:
    """JSON nested deeper than the reader allows is a JsonReaderException."""
    with pytest.raises(ExpressionError, match="JsonReaderException"):
        evaluate('@(JToken.Parse(context.Variables["x"].ToString()))', variables={"x": "[" * 5000})


def test_the_limit_is_per_call() -> None:
    """One call's steps do not count against the next."""
    counting = "@{ int n = 0; for (int i = 0; i < 350000; i++) n++; return n; }"
    expression = compile_expression(counting, WHERE, 30.0)
    for _ in range(3):
        assert expression(context(work=Work(time_s=30.0))) == 350_000


LOOPS = {
    "loop": "@{ while (true) { } return 1; }",
    "counting loop": "@{ int i = 0; while (true) { i += 1; if (i > 100) i = 0; } return 1; }",
    "linq": "@(Enumerable.Range(0, 1000000000).Where(x => x < 0).Count())",
    "nested": "@{ var l = Enumerable.Range(0, 1000); return l.SelectMany(a => l.SelectMany(b => l)).Sum(); }",
}


@pytest.mark.parametrize("text", LOOPS.values(), ids=LOOPS.keys())
def test_an_endless_loop_holds_the_event_loop_for_a_quarter_of_a_second(text: str) -> None:
    """All other requests wait while an expression runs: work without bound ends as soon as its time is used up."""
    expression = compiled(text)
    began = time.thread_time()
    with pytest.raises(ExpressionError, match=r"ran longer than 0\.25 s|more than 1,000,000 steps"):
        expression(context())
    assert time.thread_time() - began < on_this_machine(0.5)


def test_the_time_can_be_set() -> None:
    """``limits/expression-time`` says how long one evaluation may take."""
    with pytest.raises(ExpressionError, match=r"ran longer than 0\.01 s"):
        compile_expression("@{ while (true) { } return 1; }", WHERE, 0.01)(context())


ROWS = b",".join(b'{"id": %d, "name": "n %d", "when": "2024-01-01T00:00:00Z"}' % (row, row) for row in range(12_000))
HEAVY = {
    "base64": ("@(Convert.ToBase64String(context.Request.Body.As<byte[]>()).Length)", b"x" * 5_000_000, 6_666_668),
    "hash": ("@(SHA256.Create().ComputeHash(context.Request.Body.As<byte[]>()).Length)", b"x" * 5_000_000, 32),
    "replace": ('@(Regex.Replace(context.Request.Body.As<string>(), "x", "yz").Length)', b"x" * 20_000, 40_000),
    "json": ('@(context.Request.Body.As<JArray>().Where(x => (int)x["id"] > 9).Count())', b"[%b]" % ROWS, 11_990),
    "xml": ('@(context.Request.Body.As<XElement>().Elements().Count())', b"<r>%b</r>" % (b"<a>1</a>" * 4_000), 4_000),
}  # fmt: skip


@pytest.mark.timed
@pytest.mark.parametrize(("text", "body", "expected"), HEAVY.values(), ids=HEAVY.keys())
def test_large_bodies_are_worked_on(text: str, body: bytes, expected: int) -> None:
    """Large bodies are encoded, hashed, read and walked: a document gives the time that reading it takes."""
    assert evaluate(text, request=request(body=Body(body))) == expected


def test_all_expressions_of_a_request_share_one_budget() -> None:
    """Each evaluation may be short: together they end when the request has used what it may."""
    expression = compiled("@{ int n = 0; for (int i = 0; i < 2000; i++) n++; return n; }")
    seen = context(work=Work(time_s=0.05))
    with pytest.raises(WorkExceeded):
        [expression(seen) for _ in range(100_000)]
    with pytest.raises(WorkExceeded):
        expression(seen)


def test_no_catch_sees_the_request_s_budget() -> None:
    """An expression cannot catch the exhaustion of its request's budget."""
    source = "@{ while (true) { try { int n = 0; while (true) { n++; } } catch (Exception) { } } return 1; }"
    with pytest.raises(WorkExceeded):
        compile_expression(source, WHERE, 30.0)(context(work=Work(time_s=0.05)))


def test_large_results_draw_from_the_request() -> None:
    """The results of expressions are counted over the whole request, not only in each of them."""
    seen = context(work=Work(memory=3_000_000))
    expression = compiled("@(new string('x', 1000000).Length)")
    assert [expression(seen) for _ in range(2)] == [1_000_000] * 2
    with pytest.raises(WorkExceeded, match="memory"):
        [expression(seen) for _ in range(2)]


@pytest.mark.parametrize(
    "text",
    [
        "@{ int n = 0; for (int i = 0; i < 50000; i++) n++; return n * 2; }",
        "@(Enumerable.Range(0, 10000).OrderBy(x => -x).Count() * 10)",
    ],
    ids=["between slices", "beside the loop"],
)
@pytest.mark.timed
def test_nobody_pays_while_an_evaluation_waits(text: str) -> None:
    """Work of others while an evaluation waits is not charged to it; it continues with its own budget."""

    async def go() -> None:
        waiting = in_slices(compiled(text), context())
        assert isinstance(waiting, Awaitable)
        assert METER.left is None
        assert METER.call is NOBODY
        assert await waiting == 100_000

    asyncio.run(go())
