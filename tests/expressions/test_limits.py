"""Steps, memory, time and depth are bounded, and no expression can catch that."""

from __future__ import annotations

import contextlib
import time

import pytest

from gateway.errors import ExpressionError, LoadError
from tests.expressions.stubs import evaluate

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
    "concat chain": "@{ var q = Enumerable.Range(0, 9); for (int i = 0; i < 99; i++) q = q.Concat(q); return q; }",
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS.keys())
def test_endless_work_ends_in_an_error(text: str) -> None:
    """Work without bound stops within seconds, as an ExpressionError."""
    began = time.thread_time()
    with contextlib.suppress(ExpressionError):
        evaluate(text)
    assert time.thread_time() - began < 6


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
    for _ in range(3):
        assert evaluate("@{ int n = 0; for (int i = 0; i < 400000; i++) n++; return n; }") == 400000
