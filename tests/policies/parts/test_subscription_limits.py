"""Limits of APIs and operations inside rate-limit and quota."""

from __future__ import annotations

import pytest

from tests.policies.bench import Bench
from tests.policies.limiting import call, refused

pytestmark = pytest.mark.usefixtures("counted")


@pytest.mark.parametrize(
    ("inner", "allowed"),
    [
        ('<api id="api" calls="1" renewal-period="60"/>', 1),
        ('<api name="API" calls="1" renewal-period="60"/>', 1),
        ('<api id="other" calls="1" renewal-period="60"/>', 3),
        ('<api id="api" calls="2" renewal-period="60"><operation id="op" calls="1" renewal-period="60"/></api>', 1),
        ('<api id="api" calls="2" renewal-period="60"><operation name="No" calls="1" renewal-period="60"/></api>', 2),
    ],
    ids="by-id by-name other operation other-operation".split(),
)
def test_inner_limits(bench: Bench, inner: str, allowed: int) -> None:
    """All limits that apply must admit the call."""
    xml = f'<rate-limit calls="3" renewal-period="60">{inner}</rate-limit>'
    for _ in range(allowed):
        call(bench, xml)
    refused(bench, xml)
