"""rate-limit(-by-key), quota(-by-key) and limit-concurrency: who is let through, and what the others are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.counters import Admission, Demand, MemoryCounters
from gateway.errors import PolicyError
from gateway.pipeline.context import Context, SubscriptionInfo
from gateway.pipeline.outcome import finish
from gateway.wire.messages import Ending, Response
from tests.policies.bench import Bench, answer, get, new_context

SUBSCRIPTION = SubscriptionInfo("s1", "S", "k", "k")


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class LaterCounters:
    """Counters that answer with an awaitable, as Redis does."""

    def __init__(self, counters: MemoryCounters) -> None:
        self.counters = counters

    async def admit(self, demands: Sequence[Demand]) -> Admission:
        return self.counters.admit(demands)

    async def add(self, demands: Sequence[Demand]) -> None:
        self.counters.add(demands)


@pytest.fixture
def clock() -> Clock:
    """Time stands still unless told otherwise."""
    return Clock()


@pytest.fixture(params=["memory", "later"])
def bench(bench: Bench, clock: Clock, request: pytest.FixtureRequest) -> Bench:
    """With counters on that clock: at once, and with a wait."""
    counters = MemoryCounters(clock)
    return bench.use(counters=counters if request.param == "memory" else LaterCounters(counters))


def call(bench: Bench, xml: str, status: int = 200, **attributes: Any) -> Context:
    """One call, answered with *status*."""
    context = new_context(get("/"), **{"subscription": SUBSCRIPTION, **attributes})
    pipeline = bench.compile(xml)

    async def exchange() -> None:
        try:
            for step in pipeline.inbound:
                context.place = step.place
                waiting: Response | Awaitable[Response | None] | None = step.apply(context)
                await finish(waiting)
        except PolicyError:
            raise
        context.response = context.finished(answer(status))
        for follow_up in context.after_response or []:
            follow_up(context, Ending(status, 1000, 24))
        await asyncio.sleep(0)

    asyncio.run(exchange())
    return context


def refused(bench: Bench, xml: str, **attributes: Any) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        call(bench, xml, **attributes)
    return caught.value


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
    """What is left is told on the answer and to the rest of the pipeline."""
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


def test_rate_limit_counts_by_subscription(bench: Bench) -> None:
    """Without a subscription nothing is limited; another one has its own counter."""
    xml = '<rate-limit calls="1" renewal-period="60" remaining-calls-header-name="x-left"/>'
    call(bench, xml)
    refused(bench, xml)
    call(bench, xml, subscription=SubscriptionInfo("s2", "S", "k", "k"))
    for _ in range(3):
        call(bench, xml, subscription=None)


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


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ('<quota calls="1" renewal-period="3600"/>', "Out of call volume quota. Quota will be replenished in 00:"),
        ('<quota bandwidth="1" renewal-period="3600"/>', "Out of bandwidth quota. Quota will be replenished in 00:"),
        ('<quota calls="1" renewal-period="0"/>', "Out of call volume quota."),
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
    ids="calls bandwidth never by-key by-key-bandwidth by-key-afterwards".split(),
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


def test_concurrency() -> None:
    """A slot is held until the policies inside have finished, whatever their end."""
    bench = Bench()
    inner = '<set-method>@((string)context.Variables["m"])</set-method>'
    xml = f'<limit-concurrency key="k" max-count="1">{inner}</limit-concurrency>'
    assert bench.run(xml, m="PUT").request.method == "PUT"
    with pytest.raises(Exception, match="method"):
        bench.run(xml, m="not one")
    bench.services.slots.acquire("k", 1)
    with pytest.raises(PolicyError) as caught:
        bench.run(xml, m="PUT")
    assert caught.value.status == 429
    bench.services.slots.release("k")
    assert bench.run(xml, m="PUT").outcome is None


def test_concurrency_while_waiting() -> None:
    """A policy that waits holds the slot, and gives it back."""
    bench = Bench()
    xml = (
        '<limit-concurrency key="k" max-count="1"><retry condition="false" count="1" interval="0"/></limit-concurrency>'
    )
    for _ in range(2):
        bench.run(xml)
    assert bench.services.slots.acquire("k", 1)
