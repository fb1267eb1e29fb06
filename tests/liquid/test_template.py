"""Templates: what is refused when they are read, what APIM adds to Liquid, and what a rendering may take."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from gateway.errors import ExpressionError
from gateway.expressions.values import BigInteger
from gateway.liquid.errors import LiquidSyntaxError
from gateway.liquid.template import read_template
from gateway.liquid.values import AnyCase
from gateway.wire.work import Work, WorkExceeded
from tests.speed import on_this_machine


def rendered(template: str, **given: object) -> str:
    """The text."""
    return read_template(template).render(given)


@pytest.mark.parametrize(
    ("template", "message", "line"),
    [
        ("a\n{{ b", "a value is not closed with }}", 2),
        ("{% if a", "a tag is not closed with %}", 1),
        ("{{ 'a }}", "a value is not closed with }}", 1),
        ("{{\n a }}", "a value is written on one line", 1),
        ("x -}}\n\n{% if a\n b %}{% endif %}", "a tag has a name and is written on one line", 3),
        ("{% %}", "a tag has a name and is written on one line", 1),
        ("\n\n{% if a %}x", "if is not closed with {% endif %}", 3),
        ("{% raw %}x", "raw is not closed with {% endraw %}", 1),
        ("{% literal %}x", "literal is not closed with {% endliteral %}", 1),
        ("{% raw x %}{% endraw %}", "raw takes nothing after its name", 1),
        ("{% endif %}", "{% endif %} has no tag that it belongs to", 1),
        ("{% for a in b %}{% endif %}", "{% endif %} does not belong in for", 1),
        ("{% for a in b %}\n{% elsif c %}{% endfor %}", "{% elsif %} does not belong in for", 2),
        ("{% include 'a' %}", "there is no tag include", 1),
        ("{% if %}{% endif %}", "if needs a condition: {% if body.name == 'x' %}", 1),
        ("{% if a %}{% elsif %}{% endif %}", "elsif needs a condition: {% elsif body.name == 'x' %}", 1),
        ("{% for a %}{% endfor %}", "for needs a name and a list: {% for item in body.items %}", 1),
        ("{% tablerow a %}{% endtablerow %}", "tablerow needs a name and a list: {% tablerow item in body.items %}", 1),
        ("{% case %}{% endcase %}", "case needs a value: {% case body.kind %}", 1),
        ("{% case 1 %}{% when %}{% endcase %}", "when needs a value: {% when 'a' or 'b' %}", 1),
        ("{% case 1 %}{% else x %}{% endcase %}", "else of case takes nothing after it", 1),
        ("{% assign a %}", "assign needs a name and a value: {% assign name = body.name %}", 1),
        ("{% capture %}{% endcapture %}", "capture needs a name: {% capture name %}", 1),
        ("{% increment a b %}", "increment needs a name: {% increment name %}", 1),
        ("{% cycle %}", "cycle needs values: {% cycle 'odd', 'even' %}", 1),
        ("{{ a }}\n{{ " + "(" * 2000 + "..1)" * 2000 + " }}", "ranges are nested too deep", 2),
        ("{% if a %}" * 101, "tags are nested more than 100 deep", 1),
        (
            "{% if " + " or ".join(["a"] * 501) + " %}{% endif %}",
            "if has more than 500 conditions",
            1,
        ),
    ],
    ids=str,
)
def test_what_is_not_liquid(template: str, message: str, line: int) -> None:
    """The message says what is wrong and how to write it; the line says where."""
    with pytest.raises(LiquidSyntaxError) as caught:
        read_template(template)
    assert (str(caught.value), caught.value.line) == (message, line)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("[{% JSONArrayFor i in a %}{{ i }}{% endJSONArrayFor %}]", "[1,2,3]"),
        ("[{% JSONArrayFor i in a %}\n {{ i }}\n{% endJSONArrayFor %}]", "[\n 1\n,\n 2\n,\n 3\n]"),
        ("[{% JSONArrayFor i in none %}{{ i }}{% endJSONArrayFor %}]", "[]"),
        ("[{% JSONArrayFor i in a limit:1 %}{{ i }}{% endJSONArrayFor %}]", "[1]"),
        ("[{% JSONArrayFor i in a %}{% if i != 1 %}{{ i }}{% endif %}{% endJSONArrayFor %}]", "[2,3]"),
        ("[{% JSONArrayFor i in a %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endJSONArrayFor %}]", "[1,2]"),
        ("[{% JSONArrayFor i in a reversed %}{{ forloop.index }}{{ i }}{% endJSONArrayFor %}]", "[13,22,31]"),
    ],
)
def test_arrays_have_commas(template: str, expected: str) -> None:
    """JSONArrayFor writes a comma between items, not after the last and not for an item that writes nothing."""
    assert rendered(template, a=[1, 2, 3]) == expected


def test_nesting_at_run_time() -> None:
    """More than 80 scopes are an error in the text, as in DotLiquid."""
    template = "{% if true %}" * 90 + "x" + "{% endif %}" * 90
    assert rendered(template) == "Liquid error: Nesting too deep"


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{% for i in (1..10000) %}{% for j in (1..10000) %}x{% endfor %}{% endfor %}",
        "{{ 'a' | Times: 100000000 | Size }}",
        "{% assign a = 'aaaaaaaaaa' %}{% for i in (1..30) %}{% assign a = a | Append: a %}{% endfor %}",
        "{% capture a %}{{ long }}{% endcapture %}{% for i in (1..2000) %}{{ a }}{% endfor %}",
        "{% for i in (1..5000) %}{{ long | Split: '' | Size }}{% endfor %}",
        "{{ long | Replace: '(x|xx)+$', 'b' }}",
        "{% tablerow i in (1..100000000) %}x{% endtablerow %}",
        "{{ (1..100000000) | Sort }}",
        "{{ (1..100000000) | Join }}",
        "{{ (1..100000000) }}",
        "{% assign r = (1..100000000) %}{% if r contains 'x' %}x{% endif %}",
        "{% assign r = (1..100000000) %}{% if r == r %}x{% endif %}",
    ],
)
def test_a_rendering_has_bounds(template: str) -> None:
    """Iterations, text, time and memory of one rendering are bounded; it fails well within a request's budget."""
    began = time.thread_time()
    with pytest.raises(ExpressionError):
        rendered(template, long="x" * 20_000 + "y")
    assert time.thread_time() - began < on_this_machine(8)


def test_a_part_of_a_long_range_takes_no_time() -> None:
    """An item at the end of a long range is found immediately."""
    template = (
        "{% assign r = (1..2000000000) %}{{ r.last }} {{ r.size }} {{ r | Last }} "
        "{{ r | Slice: 1999999990, 2 | Join }} "
        "{% for i in (1..2000000000) limit:1 offset:1999999990 %}{{ i }}{% endfor %}"
    )
    assert rendered(template) == "2000000000 2000000000 2000000000 1999999991 1999999992 1999999991"


def test_the_request_pays() -> None:
    """The work of a template is charged to the request's budget."""

    class Context:
        work = Work(time_s=0.001)

    with pytest.raises(WorkExceeded):
        read_template("{% for i in (1..100000) %}x{% endfor %}").render({}, Context())


def hash_of(count: int) -> AnyCase:
    """A hash with *count* members, and a list of 2,000 items to repeat something with."""
    return AnyCase({**{f"k{number}": "x" for number in range(count)}, "items": [0] * 2000})


@pytest.mark.parametrize(
    ("template", "given", "expected"),
    [
        ("{{ n | Uniq | Size }}", {"n": [BigInteger((2**61 - 1) * (i + 1) + 1) for i in range(20_000)]}, "20000"),
        ("{% for i in body.items %}{{ body.missing }}{% endfor %}", {"body": hash_of(100_000)}, ""),
    ],
    ids=["equal hashes", "missing names"],
)
def test_time_in_proportion(template: str, given: dict[str, object], expected: str) -> None:
    """Numbers whose hashes are equal and names that are not there take no quadratic time."""
    read = read_template(template)
    began_s = time.thread_time()
    assert read.render(given) == expected
    assert time.thread_time() - began_s < on_this_machine(1.5)


@pytest.mark.parametrize(
    ("template", "given"),
    [
        ("{{ text | Times: 20000000 | Size }}", {"text": ""}),
        ("{{ text | Times: 1000000 | Size }}", {"text": "a"}),
        ("{% for i in (1..20) %}{% assign text = text | Plus: text %}{% endfor %}", {"text": "a" * 1000}),
    ],
)
def test_repetition_pays_for_its_memory(template: str, given: dict[str, object]) -> None:
    """A text that is repeated or doubled is refused before the memory is taken, an empty one too."""
    with pytest.raises(ExpressionError, match="over the limit"):
        read_template(template).render(given)


@pytest.mark.parametrize("call", ["body.text | Strip", "body.text | Truncate: 999999"])
def test_filters_pay_for_large_input(call: str) -> None:
    """A filter of a large text is charged to the request's budget and yields to the event loop."""

    class Context:
        work = Work(time_s=0.001)

    read = read_template(f"{{% assign x = {call} %}}" * 1_000)
    with pytest.raises(WorkExceeded):
        read.render({"body": {"text": " " + "é" * 1_000_000}}, Context())


@pytest.mark.parametrize("tag", ["assign {}", "for {}", "tablerow {}"])
@pytest.mark.parametrize("name", ["a", "a-", "a)", "(a"])
def test_long_names_are_read_in_proportion(tag: str, name: str) -> None:
    """A long, malformed tag is refused immediately."""
    began_s = time.thread_time()
    with pytest.raises(LiquidSyntaxError):
        read_template("{% " + tag.format(name * 10_000) + " %}")
    assert time.thread_time() - began_s < on_this_machine(0.4)


@pytest.mark.parametrize(
    "text",
    [
        "{{" + " " * 8_000 + "}}",
        "{{ a |" + " " * 8_000 + "}}",
        "{{{" + " " * 8_000 + "x",
        "{#" + " " * 8_000 + "x",
        "{% cycle a," + " " * 8_000 + "%}",
        "{% for a in b " + "x" * 8_000 + " %}{% endfor %}",
        "{{ " + "(1.." * 4_000 + " }}",
        "{{a}}\n" * 4_000,
    ],
    ids=["blanks", "filters", "literal", "comment", "cycle", "for", "ranges", "lines"],
)
def test_a_template_is_read_in_proportion(text: str) -> None:
    """A template is read, or refused, in time in proportion to its length."""
    began_s = time.thread_time()
    with suppress(LiquidSyntaxError):
        read_template(text)
    assert time.thread_time() - began_s < on_this_machine(0.07)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{{ a }}}", "a"),
        ("{{{ a }}} b }}}", "a }}} b"),
        ("{{{}}}", ""),
        ("{# a #}", ""),
        ("{ # a # }", ""),
        ("{##}", ""),
        ("{#}", "{#}"),
    ],
)
def test_a_whole_template_in_brackets(text: str, expected: str) -> None:
    """A template within ``{{{ }}}`` is text as it is, and one within ``{# #}`` is nothing."""
    assert read_template(text).render({}) == expected
