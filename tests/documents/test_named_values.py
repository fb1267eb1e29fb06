"""Named values: replaced at load, in texts and in expressions."""

from __future__ import annotations

import pytest

from gateway.documents.model import Section
from gateway.documents.named_values import NamedValue, Substitution
from gateway.documents.xml import format as xml_format

VALUES = {"limit": NamedValue("7"), "deep": NamedValue("{{limit}}"), "expr": NamedValue("@(1 + 1)", secret=True)}


def substituted(content: str) -> tuple[str, list[str]]:
    document = xml_format.parse(f"<policies><inbound>{content}</inbound></policies>", "p.xml")
    substitution = Substitution(VALUES)
    node = substitution.document(document).statements(Section.INBOUND)[0]
    text = node.attribute("a") if "a" in node.attributes else (node.text.value if node.text else "")
    return text or "", [problem.code for problem in substitution.problems]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<x a="{{limit}}"/>', "7"),
        ('<x a="a{{ limit }}b{{limit}}"/>', "a7b7"),
        ("<x>{{limit}}</x>", "7"),
        ('<x a="@(&quot;{{limit}}&quot; == &quot;x&quot;)"/>', '@("7" == "x")'),
        ('<x a="{{expr}}"/>', "@(1 + 1)"),
        ('<x a="{{deep}}"/>', "{{limit}}"),
        ('<set-body template="liquid">{{limit}}</set-body>', "{{limit}}"),
        ("<set-body>{{limit}}</set-body>", "7"),
        ('<x a="{ {limit} }"/>', "{ {limit} }"),
    ],
    ids=["whole", "part", "text", "expression", "holds one", "no recursion", "liquid", "body", "no reference"],
)
def test_a_reference_is_replaced(content: str, expected: str) -> None:
    """The reference is replaced by the value's text; in Liquid the braces belong to Liquid."""
    assert substituted(content) == (expected, [])


def test_an_unknown_name_is_a_problem() -> None:
    """A name that is not configured is reported, not left in the text silently."""
    assert substituted('<x a="{{nobody}}"/>') == ("{{nobody}}", ["unknown-named-value"])


def test_a_secret_is_not_printed() -> None:
    """The text of a named value is not in its repr."""
    assert "1 + 1" not in repr(VALUES["expr"])
