"""llm-token-limit: tokens per minute and quotas of tokens."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import PolicyError, UpstreamError
from gateway.wire.body import Body, BodyStream
from gateway.wire.messages import Response
from tests.policies.bench import Bench, post
from tests.policies.language_model import USAGE, ask

pytestmark = pytest.mark.usefixtures("counted_now")

LIMIT = (
    '<llm-token-limit counter-key="k" {0} remaining-tokens-header-name="x-left" remaining-tokens-variable-name="l"/>'
)


def test_tokens_per_minute(bench: Bench) -> None:
    """What the model reports counts; the call that finds nothing left is refused with 429."""
    xml = LIMIT.format('tokens-per-minute="50"')
    ran = ask(bench, xml)
    assert (ran.response.headers.first("x-left"), ran.variables["l"]) == ("50", 50)
    assert "Accept-Encoding" not in ran.request.headers
    assert ask(bench, xml).response.headers.first("x-left") == "10"
    with pytest.raises(PolicyError) as caught:
        ask(bench, xml)
    assert (caught.value.status, caught.value.reason) == (429, "RateLimitExceeded")
    assert caught.value.headers == (("Retry-After", "60"),)


def test_a_quota_of_tokens(bench: Bench) -> None:
    """The quota's refusal is 403."""
    xml = LIMIT.format('token-quota="40" token-quota-period="Daily" retry-after-header-name="x-wait"')
    ask(bench, xml)
    with pytest.raises(PolicyError) as caught:
        ask(bench, xml)
    assert (caught.value.status, caught.value.headers[0][0]) == (403, "x-wait")


def test_the_prompt_may_be_estimated(bench: Bench) -> None:
    """An estimate is counted up front and corrected by what the model reports."""
    xml = LIMIT.format('tokens-per-minute="100" estimate-prompt-tokens="true"')
    assert ask(bench, xml).response.headers.first("x-left") == "90"
    assert ask(bench, xml).response.headers.first("x-left") == "50"


def test_answers_without_usage_cost_nothing(bench: Bench) -> None:
    """An error of the model is not counted."""
    xml = LIMIT.format('tokens-per-minute="50"')
    for _ in range(3):
        assert ask(bench, xml, body="{}").response.headers.first("x-left") == "50"


def test_consumed_tokens_where_the_answer_is_in_memory(bench: Bench) -> None:
    """A header can only tell what is known before the head is sent."""
    xml = LIMIT.format('tokens-per-minute="50" tokens-consumed-header-name="x-cost"')
    context = bench.run(xml, post("x")).context
    assert context.finished(Response(200, body=Body(USAGE.encode()))).headers.first("x-cost") == "40"


def test_a_broken_answer_stays_broken(bench: Bench) -> None:
    """A stream that fails fails for the caller too."""
    context = bench.run(LIMIT.format('tokens-per-minute="50"'), post("x")).context
    stream = BodyStream()
    final = context.finished(Response(200, body=Body(stream=stream)))

    async def read() -> None:
        stream.feed(b"x")
        stream.fail(UpstreamError("BackendConnectionFailure", "gone"))
        await final.body.buffer(100)

    with pytest.raises(UpstreamError):
        asyncio.run(read())
