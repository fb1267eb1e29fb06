"""Random and mutated expressions: a LoadError, an ExpressionError or a value; never a crash, never without end."""

from __future__ import annotations

import contextlib
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import ExpressionError, LoadError
from gateway.expressions import is_expression, to_text
from tests.expressions.stubs import evaluate
from tests.expressions.test_cases import ROWS
from tests.speed import on_this_machine

SOURCES = [row[1] for row in ROWS]
TOKENS = """context Request Body . ?. ( ) [ ] { } , ; ? : ?? + - * / % == != < > <= >= && || ! = => new return var
int string
"a" 'b' 1 2.5 3m null true x y List<int> JObject Dictionary<string,object> is as switch _ foreach in if else while
for try
catch throw out dynamic $"{1}" @"v" from select where .Length .ToString() .Select .First() [0] (int) (string) Math.Max
String.Join Convert.ToInt32 DateTime.Now Regex.Match Encoding.UTF8 default typeof nameof ++ -- += ??= ~ ^ | & <<
>>""".split()
_SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check(text: str) -> None:
    """Compile and run within bounded time."""
    began = time.thread_time()
    is_expression(text)
    with contextlib.suppress(LoadError, ExpressionError):
        to_text(evaluate(text))
    assert time.thread_time() - began < on_this_machine(8)


@_SETTINGS
@given(st.lists(st.sampled_from(TOKENS), max_size=25), st.booleans())
def test_token_soup(tokens: list[str], block: bool) -> None:
    """Tokens in any order never crash the compiler or the program they make."""
    body = " ".join(tokens)
    check(f"@{{ {body} }}" if block else f"@({body})")


@_SETTINGS
@given(st.sampled_from(SOURCES), st.sampled_from(SOURCES), st.data())
def test_spliced_cases(first: str, second: str, data: st.DataObject) -> None:
    """Halves of two working expressions glued together."""
    cut = data.draw(st.integers(0, len(first)))
    other = data.draw(st.integers(0, len(second)))
    text = first[:cut] + second[other:]
    check(f"@{text}" if text.startswith("{") else f"@({text})")


@_SETTINGS
@given(st.sampled_from(SOURCES), st.integers(0, 400), st.text(max_size=4))
def test_edited_cases(source: str, position: int, noise: str) -> None:
    """A working expression with some characters put in or out."""
    place = position % (len(source) + 1)
    text = source[:place] + noise + source[place + len(noise) // 2 :]
    check(f"@{text}" if text.startswith("{") else f"@({text})")


@_SETTINGS
@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    """Any text at all."""
    check(text)
    check(f"@({text})")
