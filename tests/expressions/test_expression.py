"""compile_expression and Expression: what callers rely on."""

from __future__ import annotations

import time

import pytest

from gateway.errors import ExpressionError, LoadError, Location
from gateway.expressions import BOOL, compile_expression, is_expression, to_bool, to_int, to_text
from gateway.expressions.expression import Compiled, remembering
from gateway.expressions.limits import TIME_S
from gateway.expressions.moments import DateTime
from tests.expressions.stubs import WHERE, Body, compiled, context, evaluate, request
from tests.speed import on_this_machine

WHOLE = {
    "expression": ("@(1)", True),
    "block": ("@{ return 1; }", True),
    "white space around": ("\n  @(1)  ", True),
    "literal": ("x", False),
    "text behind": ("@(1) x", False),
    "text before": ("x @(1)", False),
    "two": ("@(1)@(2)", False),
    "unbalanced": ("@(1", False),
    "e-mail": ("a@(b)", False),
}


@pytest.mark.parametrize(("text", "expected"), WHOLE.values(), ids=WHOLE.keys())
def test_is_expression_only_as_a_whole(text: str, expected: bool) -> None:
    """A value is an expression only when all of it is one."""
    assert is_expression(text) is expected


# Judged by .NET 8 as ``bool f() => …`` or ``bool f() { … }``.
AS_BOOL: dict[str, object] = {
    "@(true)": True,
    '@("a" == "a")': True,
    "@((bool?)true == true)": True,
    "@(default)": False,
    "@{ return 1 > 2; }": False,
    '@((bool)JObject.Parse("{\\"a\\":true}")["a"])': True,
    "@((dynamic)new JValue(true))": True,
    '@((dynamic)"x")': "RuntimeBinderException",
    '@(throw new Exception("x"))': "Exception",
    "@(1)": "cannot implicitly convert int to bool; compare it: … == …",
    '@("true")': "cannot implicitly convert string to bool; convert it: bool.Parse(…), or compare it: … == …",
    "@(null)": "cannot implicitly convert null to bool; give it a value",
    "@((object)true)": "cannot implicitly convert object to bool; cast it: (bool)…",
    '@(context.Variables["x"])': "cannot implicitly convert object to bool; cast it: (bool)…",
    "@((bool?)true)": "cannot implicitly convert bool? to bool; cast it: (bool)…",
    '@(JObject.Parse("{}")["a"])': "cannot implicitly convert JToken to bool; cast it: (bool)…",
    "@(DayOfWeek.Friday)": "cannot implicitly convert DayOfWeek to bool; compare it: … == …",
    "@('c')": "cannot implicitly convert char to bool; compare it: … == …",
    '@{ if (context.Elapsed.Days > 2) return true; return "x"; }': (
        "cannot implicitly convert string to bool; convert it: bool.Parse(…), or compare it: … == …"
    ),
    "@{ object o = true; return o; }": "cannot implicitly convert object to bool; cast it: (bool)…",
}


def _as_bool(text: str) -> object:
    try:
        return compile_expression(text, WHERE, result=BOOL)(context())
    except ExpressionError as error:
        return error.exception
    except LoadError as error:
        return f"{error.problems[0].message}; {error.problems[0].remedy}"


def test_an_expression_may_be_declared_to_give_a_bool() -> None:
    """Declared as bool, an expression is refused exactly where C# refuses it, with a remedy; it is never converted."""
    assert {text: _as_bool(text) for text in AS_BOOL} == AS_BOOL


REFUSED = {
    "unknown member": ('@("a".Foo)', "unknown-member", 1, 7, ""),
    "unknown member, near": ('@("a".Lenght)', "unknown-member", 1, 7, "did you mean Length?"),
    "unknown member of object": ('@(context.Variables["x"].Foo)', "unknown-member", 1, 26, "cast the object"),
    "unknown type": ("@(new Foo())", "unknown-type", 1, 7, ""),
    "type that is not allowed": ("@(System.IO.File.ReadAllText(null))", "unknown-type", 1, 3, ""),
    "unknown name": ("@(foo)", "unknown-name", 1, 3, ""),
    "second line": ("@{\n  var a = 1;\n  return a.Foo;\n}", "unknown-member", 3, 12, ""),
    "syntax": ("@(1 +)", "syntax-error", 1, 0, ""),
    "a part is missing": ("@{ int f(int x); return f(1); }", "syntax-error", 1, 1, "complete it"),
    "two expressions": ("@(1;2)", "syntax-error", 1, 0, ""),
    "no overload": ('@("a".Substring("b"))', "no-overload", 1, 3, ""),
    "inside a lambda": ('@(new[] { "a" }.Any(x => x.Foo))', "unknown-member", 1, 28, ""),
    "inside interpolation": ('@($"a{context.Foo}")', "unknown-member", 1, 15, ""),
    "missing return": ("@{ var a = 1; }", "no-return", 1, 2, ""),
    "void": ('@(context.Trace("x"))', "no-value", 1, 2, ""),
    "property called": ("@(context.Request.Method())", "unknown-member", 1, 19, "property"),
    "not an expression": ("abc", "syntax-error", 1, 1, ""),
    "await": ("@(await x)", "unsupported-syntax", 1, 0, ""),
    "type as value": ("@(String)", "not-a-value", 1, 0, ""),
    "method as value": ("@(context.Trace)", "method-not-called", 1, 0, ""),
}


@pytest.mark.parametrize(("text", "code", "line", "column", "remedy"), REFUSED.values(), ids=REFUSED.keys())
def test_mistakes_are_refused_with_their_place(text: str, code: str, line: int, column: int, remedy: str) -> None:
    """Unknown names, types, members and syntax stop the load, at the line and column of the offending part."""
    with pytest.raises(LoadError) as caught:
        compile_expression(text, Location("p.xml", 1, 1))
    problem = caught.value.problems[0]
    assert (problem.code, problem.location.line) == (code, line)
    assert column in (0, problem.location.column)
    assert remedy in problem.remedy + problem.message


def test_columns_count_from_where_the_expression_stands() -> None:
    """On the first line the column is offset by the expression's own; leading white space counts, too."""
    with pytest.raises(LoadError) as caught:
        compile_expression("  @(é + foo)", Location("p.xml", 7, 20))
    assert caught.value.problems[0].location.line == 7
    assert caught.value.problems[0].location.column == 24


READS = {
    "nothing": ("@(context.Request.Method)", False, False),
    "request body": ("@(context.Request.Body.As<string>(true))", True, False),
    "response body": ("@(context.Response.Body.As<JObject>())", False, True),
    "alias": ("@{ var r = context.Request; return r.Body.As<string>(); }", True, False),
    "dynamic alias": ("@{ dynamic c = context; return c.Request.Body.As<string>(); }", True, True),
    "stored response": ('@(((IResponse)context.Variables["r"]).Body.As<string>())', False, False),
    "stored response beside context.Response": (
        '@(context.Response.StatusCode + ((IResponse)context.Variables["r"]).Body.As<string>())', False, True
    ),
    "conditional": ("@(context.Request.Body?.As<string>(true))", True, False),
}  # fmt: skip


@pytest.mark.parametrize(("text", "of_request", "of_response"), READS.values(), ids=READS.keys())
def test_says_which_bodies_it_reads(text: str, of_request: bool, of_response: bool) -> None:
    """The pipeline learns at load which bodies must be in memory."""
    expression = compiled(text)
    assert (expression.reads_request_body, expression.reads_response_body) == (of_request, of_response)


def test_constant_expressions_are_known() -> None:
    """An expression that never reads the context is marked as constant."""
    assert compiled('@("a" == "b")').is_constant
    assert not compiled("@(context.Request.Method)").is_constant
    assert not compiled("@(Guid.NewGuid())").is_constant


def test_body_is_consumed_unless_preserved() -> None:
    """As<T>() empties the body, As<T>(preserveContent: true) does not."""
    body = Body(b"abc")
    assert evaluate("@(context.Request.Body.As<string>(preserveContent: true))", request=request(body=body)) == "abc"
    assert evaluate("@(context.Request.Body.As<string>())", request=request(body=body)) == "abc"
    assert evaluate("@(context.Request.Body.As<string>())", request=request(body=body)) == ""


def test_results_are_python_values() -> None:
    """What leaves an expression is what other code expects: int, str, bool, bytes, None, a list."""
    assert evaluate("@(1 + 1)") == 2
    assert evaluate('@(Encoding.UTF8.GetBytes("a"))') == b"a"
    assert type(evaluate("@(new byte[2])")) is bytes
    assert evaluate("@(\"a,b\".Split(','))") == ["a", "b"]
    assert evaluate("@(null)") is None


def test_variables_come_back_as_they_went() -> None:
    """What an expression returned and set-variable stored keeps its .NET type."""
    stored = evaluate("@(5L)")
    assert evaluate('@((long)context.Variables["x"] + 1)', variables={"x": stored}) == 6
    with pytest.raises(ExpressionError, match="InvalidCastException"):
        evaluate('@((int)context.Variables["x"])', variables={"x": stored})


def test_to_text_is_invariant_to_string() -> None:
    """Text conversion follows C#: True, 1.5, empty for null, ISO-like dates of the invariant culture."""
    assert [to_text(each) for each in (True, 1.5, None, 7, "x")] == ["True", "1.5", "", "7", "x"]
    assert to_text(DateTime(0)) == "01/01/0001 00:00:00"


CONVERTED = {"bool": (to_bool, True, True), "bool text": (to_bool, "True", True), "int": (to_int, 5, 5),
             "int text": (to_int, "5", 5), "double": (to_int, 2.0, 2)}  # fmt: skip


@pytest.mark.parametrize(("convert", "value", "expected"), CONVERTED.values(), ids=CONVERTED.keys())
def test_results_become_the_attribute_type(convert: object, value: object, expected: object) -> None:
    """A result is converted to bool or int as an attribute wants it."""
    assert convert(value) == expected  # type: ignore[operator]


@pytest.mark.parametrize(("convert", "value"), [(to_bool, "x"), (to_int, "x"), (to_int, None), (to_bool, [])])
def test_impossible_conversions_are_expression_errors(convert: object, value: object) -> None:
    """A value that cannot be converted fails like an expression."""
    with pytest.raises(ExpressionError):
        convert(value)  # type: ignore[operator]


def test_errors_carry_the_exception_name() -> None:
    """An exception is reported by its .NET name and message."""
    with pytest.raises(ExpressionError) as caught:
        evaluate("@(context.User.Id)")
    assert caught.value.exception == "NullReferenceException"


def test_context_values_are_not_changed_by_compiling_twice() -> None:
    """A compiled expression is reusable: two calls do not see each other's locals."""
    expression = compiled("@{ int n = 0; n++; return n; }")
    assert [expression(context()), expression(context())] == [1, 1]


def test_reading_takes_time_in_proportion_to_the_text() -> None:
    """Hundreds of brackets that might begin type arguments are resolved in linear time."""
    begun_s = time.thread_time()
    with pytest.raises(LoadError):
        compiled(f"@({'t.<tring=>' * 640})")
    assert time.thread_time() - begun_s < on_this_machine(2)


def test_what_has_too_many_readings_is_refused_in_time() -> None:
    """An ambiguous text of 26 KB, over which the parser would take 20 s, is refused with its place and a remedy."""
    began = time.thread_time()
    with pytest.raises(LoadError) as caught:
        compile_expression("@(" + "a is b && " * 2600 + "c)", Location("p.xml", 3, 7))
    assert time.thread_time() - began < on_this_machine(6.0)
    (problem,) = caught.value.problems
    assert problem.code == "expression-too-complex"
    assert (problem.location.line, problem.location.column) == (3, 7)
    assert "parentheses" in problem.remedy


def test_an_editor_compiles_each_text_once() -> None:
    """While remembering, a text is compiled once, wherever it stands; a mistake has its own place each time."""
    memory: Compiled = {}
    with remembering(memory):
        first = compile_expression("@(1 + 1)", Location("a", 1, 1))
        assert compile_expression("@(1 + 1)", Location("b", 9, 9)) is first
        for line in (1, 2):
            with pytest.raises(LoadError) as caught:
                compile_expression("@(unheard)", Location("a", line, 1))
            assert caught.value.problems[0].location.line == line
    assert list(memory) == [("@(1 + 1)", TIME_S, None)]
    assert compile_expression("@(1 + 1)", Location("a", 1, 1)) is not first
