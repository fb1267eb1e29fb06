"""choose: the first branch whose condition holds."""

from __future__ import annotations

import pytest

from tests.policies.bench import Bench


@pytest.mark.parametrize(("x", "expected"), [(1, "one"), (2, "two"), (3, "other")])
def test_choose(bench: Bench, x: int, expected: str) -> None:
    """The first branch that holds runs, and no other."""
    whens = "".join(
        f'<when condition="@((int)context.Variables["x"] == {number})"><set-variable name="r" value="{name}"/></when>'
        for number, name in ((1, "one"), (2, "two"), (2, "never"))
    )
    xml = f'<choose>{whens}<otherwise><set-variable name="r" value="other"/></otherwise></choose>'
    assert bench.run(xml, x=x).variables["r"] == expected


def test_choose_without_a_match(bench: Bench) -> None:
    """Nothing runs."""
    assert bench.run('<choose><when condition="false"><return-response/></when></choose>').outcome is None
