"""rate-limit-by-key: who is let through, and what the others are told."""

from __future__ import annotations

import pytest

from tests.policies.bench import Bench, get
from tests.policies.limiting import Clock, call, refused

pytestmark = pytest.mark.usefixtures("counted")

BY_KEY = '<rate-limit-by-key calls="2" renewal-period="60" counter-key="k" {0}/>'


def test_rate_limit_by_key(bench: Bench, clock: Clock) -> None:
    """Two pass, the third is told when to come again, and then may."""
    xml = BY_KEY.format("")
    call(bench, xml)
    clock.now += 10
    call(bench, xml)
    error = refused(bench, xml)
    assert (error.status, error.reason, error.message) == (429, "RateLimitExceeded", "Rate limit is exceeded")
    assert error.public_message == "Rate limit is exceeded. Try again in 50 seconds."
    assert error.headers == (("Retry-After", "50"),)
    clock.now += 51
    call(bench, xml)


def test_headers_and_variables(bench: Bench) -> None:
    """The remaining calls are in a header of the answer and in a variable for the rest of the pipeline."""
    names = (
        'remaining-calls-header-name="x-left" remaining-calls-variable-name="left" total-calls-header-name="x-all"'
        ' retry-after-header-name="x-wait" retry-after-variable-name="wait"'
    )
    context = call(bench, BY_KEY.format(names))
    assert context.response is not None
    assert (context.response.headers.first("x-left"), context.response.headers.first("x-all")) == ("1", "2")
    assert context.variables["left"] == 1
    call(bench, BY_KEY.format(names))
    assert refused(bench, BY_KEY.format(names)).headers == (("x-wait", "60"),)


def test_keys_count_apart(bench: Bench) -> None:
    """Another key has another counter; the same key in another policy has the same."""
    xml = '<rate-limit-by-key calls="1" renewal-period="60" counter-key="@(context.Request.IpAddress)"/>'
    call(bench, xml)
    other = get("/", ip_address="10.0.0.1")
    bench.run(xml, other)
    refused(bench, xml + "<!-- elsewhere -->")


@pytest.mark.parametrize(
    ("attributes", "statuses", "passes"),
    [
        ('increment-condition="@(context.Response.StatusCode == 200)"', [404, 404, 404], True),
        ('increment-condition="@(context.Response.StatusCode == 200)"', [200, 200], False),
        ('increment-condition="@(context.Request.Method == "POST")"', [200, 200, 200], True),
        ('increment-count="2"', [200], False),
        ('increment-after-response="true"', [200, 200], False),
        ('increment-condition="@(context.Response.Headers["nope"][0] == "x")"', [200, 200], False),
    ],
    ids="not-counted counted request-only double afterwards failing-condition".split(),
)
def test_what_counts(bench: Bench, attributes: str, statuses: list[int], passes: bool) -> None:
    """A condition on the response counts when there is one; a condition that fails counts the call."""
    xml = BY_KEY.format(attributes)
    for status in statuses:
        call(bench, xml, status)
    if passes:
        call(bench, xml)
    else:
        assert refused(bench, xml).status == 429
