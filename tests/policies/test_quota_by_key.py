"""quota-by-key: calls and bytes under a key in a long period."""

from __future__ import annotations

import pytest

from tests.policies.bench import Bench
from tests.policies.limiting import call, refused

pytestmark = pytest.mark.usefixtures("counted")


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (
            '<quota-by-key calls="1" renewal-period="864000" counter-key="k"'
            ' first-period-start="1970-01-01T00:00:00Z"/>',
            "Out of call volume quota. Quota will be replenished in 8.43 days.",
        ),
        (
            '<quota-by-key bandwidth="1" renewal-period="864000" counter-key="k" first-period-start="1970-01-01"/>',
            "Out of bandwidth quota. Quota will be replenished in 8.43 days.",
        ),
        (
            '<quota-by-key calls="1" renewal-period="0" counter-key="k"'
            ' increment-condition="@(context.Response.StatusCode == 200)"/>',
            "Out of call volume quota.",
        ),
    ],
    ids="calls bandwidth afterwards".split(),
)
def test_quotas_by_key(bench: Bench, xml: str, message: str) -> None:
    """The second call is refused with APIM's text; bytes are counted when the exchange is over."""
    call(bench, xml)
    error = refused(bench, xml)
    assert (error.status, error.reason) == (403, "QuotaExceeded")
    assert error.message.startswith(message)
    assert bool(error.headers) is ("replenished" in message)
