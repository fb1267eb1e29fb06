"""validate-status-code: which statuses may leave, by a list and by an OpenAPI definition."""

from __future__ import annotations

import pytest

from gateway.openapi import OperationDefinition
from tests.policies.bench import Bench, answer, get, new_context
from tests.policies.operation import called


@pytest.mark.parametrize(
    ("status", "refused"), [(200, False), (404, False), (500, True)], ids=["listed", "detected", "unspecified"]
)
def test_validate_status_code(bench: Bench, status: int, refused: bool) -> None:
    """A listed status has its own action, all others share one."""
    listed = '<status-code code="200" action="ignore"/><status-code code="404" action="detect"/>'
    xml = f'<validate-status-code unspecified-status-code-action="prevent">{listed}</validate-status-code>'
    bench.judge(xml, new_context(response=answer(status)), refused)


@pytest.mark.parametrize(
    ("status", "inner", "refused"),
    [
        (200, "", False),
        (200, '<status-code code="200" action="prevent" />', False),
        (404, "", False),
        (500, "", True),
        (500, '<status-code code="500" action="ignore" />', False),
    ],
    ids=["declared", "no-override", "range", "unspecified", "override"],
)
def test_status_codes(bench: Bench, definition: OperationDefinition, status: int, inner: str, refused: bool) -> None:
    """What the definition declares passes whatever the policy lists; its list is for all others."""
    xml = f'<validate-status-code unspecified-status-code-action="prevent">{inner}</validate-status-code>'
    context = called(definition, get("/"), answer(status))
    bench.judge(xml, context, refused, "Response status code 500 is not allowed")
