"""quota: calls and bytes of a subscription in a long period."""

from __future__ import annotations

import pytest

from tests.policies.bench import Bench
from tests.policies.limiting import call, refused

pytestmark = pytest.mark.usefixtures("counted")


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ('<quota calls="1" renewal-period="3600"/>', "Out of call volume quota. Quota will be replenished in 00:"),
        ('<quota bandwidth="1" renewal-period="3600"/>', "Out of bandwidth quota. Quota will be replenished in 00:"),
        ('<quota calls="1" renewal-period="0"/>', "Out of call volume quota."),
    ],
    ids="calls bandwidth never".split(),
)
def test_quotas(bench: Bench, xml: str, message: str) -> None:
    """The second call is refused with APIM's text; bytes are counted when the exchange is over."""
    call(bench, xml)
    error = refused(bench, xml)
    assert (error.status, error.reason) == (403, "QuotaExceeded")
    assert error.message.startswith(message)
    assert bool(error.headers) is ("replenished" in message)


def test_a_quota_without_subscription_is_none(bench: Bench) -> None:
    """As in APIM, quota counts subscriptions only."""
    for _ in range(3):
        call(bench, '<quota calls="1" renewal-period="3600"/>', subscription=None)
