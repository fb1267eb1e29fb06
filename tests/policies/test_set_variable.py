"""set-variable: a variable keeps the type of its value."""

from __future__ import annotations

import pytest

from tests.policies.bench import Bench


@pytest.mark.parametrize(
    ("value", "expected"), [("1", "1"), ("@(1)", 1), ('@("a")', "a"), ("@(null)", None), ("@(true)", True)]
)
def test_a_variable_keeps_its_type(bench: Bench, value: str, expected: object) -> None:
    """A literal is text, an expression's result stays what it is."""
    assert bench.run(f"<set-variable name='a' value='{value}'/>", a="old").variables == {"a": expected}
