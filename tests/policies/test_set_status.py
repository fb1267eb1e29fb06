"""set-status: code and reason of the response, which cannot break the status line."""

from __future__ import annotations

import pytest

from gateway.errors import ExpressionError
from tests.policies.bench import Bench, answer, new_context


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ('<set-status code="404" reason="Nope"/>', (404, "Nope")),
        ('<set-status code="404"/>', (404, "Not Found")),
        ('<set-status code="@(201)" reason="@("Made")"/>', (201, "Made")),
    ],
    ids=["literal", "registered reason", "expression"],
)
def test_status(bench: Bench, xml: str, expected: tuple[int, str]) -> None:
    """Code and reason of the current response."""
    ran = bench.run(xml, section="outbound", context=new_context(response=answer(200)))
    assert (ran.response.status_code, ran.response.reason) == expected


@pytest.mark.parametrize("xml", ['<set-status code="@(101)"/>', '<set-status code="200" reason="@("a\\r\\nb")"/>'])
def test_a_status_line_cannot_be_broken(bench: Bench, xml: str) -> None:
    """No interim status, no second line."""
    with pytest.raises(ExpressionError):
        bench.run(xml, section="outbound")
