"""set-query-parameter: the query that the backend gets."""

from __future__ import annotations

import pytest

from gateway.errors import ExpressionError
from tests.policies.bench import Bench, get

TWO = "<value>1</value><value>2 3</value>"


@pytest.mark.parametrize(
    ("url", "name", "action", "values", "expected"),
    [
        ("/", "a", "override", TWO, "/?a=1&a=2%203"),
        ("/?a=0&b=1&A=9", "a", "override", TWO, "/?b=1&a=1&a=2%203"),
        ("/?a=", "a", "skip", TWO, "/?a="),
        ("/?b=1", "a", "skip", TWO, "/?b=1&a=1&a=2%203"),
        ("/?a=0", "a", "append", TWO, "/?a=0&a=1&a=2%203"),
        ("/?a=0&b=%2F+x&%61=1", "a", "delete", "", "/?b=%2F+x"),
        ("/?b=1", "a", "delete", "", "/?b=1"),
        ("/", "a b", "override", "<value>x&amp;y=1#z+%25</value>", "/?a%20b=x%26y%3D1%23z%2B%2525"),
    ],
    ids=["set", "override all spellings", "skip", "skip absent", "append", "delete", "delete absent", "escape"],
)
def test_each_action(bench: Bench, url: str, name: str, action: str, values: str, expected: str) -> None:
    """Each exists-action changes this parameter only, and encodes what it adds."""
    xml = f'<set-query-parameter name="{name}" exists-action="{action}">{values}</set-query-parameter>'
    assert bench.run(xml, get(url)).url == expected


def test_a_computed_action_must_be_one(bench: Bench) -> None:
    """An expression that gives another action fails the request, and changes nothing silently."""
    action = '@(context.Variables["x"])'
    xml = f'<set-query-parameter name="a" exists-action="{action}"><value>1</value></set-query-parameter>'
    with pytest.raises(ExpressionError):
        bench.run(xml, x="keep")
