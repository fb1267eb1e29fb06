"""No way out: the known escapes from expression languages into Python reach nothing."""

from __future__ import annotations

import pytest

from gateway.errors import ExpressionError, LoadError
from tests.expressions.stubs import evaluate

ESCAPES = [
    '@("".__class__)',
    '@("".__class__.__mro__[1].__subclasses__())',
    "@(context.__dict__)",
    "@(context.Request.__init__.__globals__)",
    '@(__import__("os").system("id"))',
    '@(eval("1"))',
    "@{ dynamic d = context; return d.__class__; }",
    "@{ dynamic d = context; return d.variables; }",
    "@{ dynamic d = context; return d.request; }",
    '@{ dynamic d = "x"; return d.__class__; }',
    '@{ dynamic d = "x"; return d.format("a"); }',
    '@{ dynamic d = "x"; return d.encode(); }',
    "@{ dynamic d = new List<int>(); return d.append; }",
    "@{ dynamic d = new List<int>(); d.append(1); return d; }",
    "@{ dynamic d = new Dictionary<string, int>(); return d.data; }",
    '@{ dynamic d = JObject.Parse("{}"); return d.properties.clear(); }',
    "@{ dynamic d = Guid.NewGuid(); return d.bytes; }",
    '@{ object o = "x"; return o.__class__; }',
    '@(typeof(string).Assembly.GetType("System.IO.File"))',
    '@("x".GetType().GetMethod("ToString"))',
    '@("x".GetType().type)',
    '@(System.Diagnostics.Process.Start("id"))',
    '@(System.IO.File.ReadAllText("/etc/passwd"))',
    '@(System.Reflection.Assembly.Load("x"))',
    "@(Activator.CreateInstance(typeof(string)))",
    '@(Environment.GetEnvironmentVariable("PATH"))',
    '@(new System.Net.WebClient().DownloadString("http://x"))',
    "@(new System.Threading.Thread(null))",
    "@{ Func<int> f = () => 1; return f.__code__; }",
    "@{ dynamic f = (Func<int>)(() => 1); return f.__globals__; }",
    "@{ dynamic f = (Func<int>)(() => 1); return f.func_globals; }",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_known_escapes_reach_nothing(text: str) -> None:
    """Attribute chains, reflection, processes, files, network: refused at load or an exception, never a value."""
    with pytest.raises((LoadError, ExpressionError)):
        evaluate(text)


HARMLESS = {
    '@(string.Format("{0.__class__}", "x"))': "!FormatException",
    '@("{0.__class__}".Replace("0", "1"))': "{1.__class__}",
    '@($"{{0.__class__}}")': "{0.__class__}",
    '@("%(x)s %s")': "%(x)s %s",
    '@(Regex.Replace("a", "a", @"\\g<0>${__class__}"))': "\\g<0>${__class__}",
}


@pytest.mark.parametrize(("text", "expected"), HARMLESS.items())
def test_python_formats_mean_nothing(text: str, expected: str) -> None:
    """Format strings of Python are plain text here."""
    if expected.startswith("!"):
        with pytest.raises(ExpressionError, match=expected[1:]):
            evaluate(text)
    else:
        assert evaluate(text) == expected


def test_foreign_objects_have_no_members() -> None:
    """A Python object of unknown class in a variable shows nothing but what every object has."""

    class Secret:
        password = "x"

    with pytest.raises(ExpressionError, match="RuntimeBinderException"):
        evaluate('@{ dynamic d = context.Variables["s"]; return d.password; }', variables={"s": Secret()})
    assert evaluate('@(context.Variables["s"].ToString())', variables={"s": Secret()}) == "System.Object"
