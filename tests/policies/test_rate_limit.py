"""rate-limit: calls counted by subscription."""

from __future__ import annotations

import pytest

from tests.entities import subscription
from tests.policies.bench import Bench
from tests.policies.limiting import call, refused

pytestmark = pytest.mark.usefixtures("counted")


def test_rate_limit_counts_by_subscription(bench: Bench) -> None:
    """Without a subscription nothing is limited; another one has its own counter."""
    xml = '<rate-limit calls="1" renewal-period="60" remaining-calls-header-name="x-left"/>'
    call(bench, xml)
    refused(bench, xml)
    call(bench, xml, subscription=subscription("s2", "S", "k"))
    for _ in range(3):
        call(bench, xml, subscription=None)
