"""Language models: token limits and metrics; then authorizations."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.counters import MemoryCounters
from gateway.errors import PolicyError, UpstreamError
from gateway.pipeline.context import Authorization
from gateway.policies.parts.token_usage import TokenUsage, find_usage
from gateway.wire.body import Body, BodyStream
from gateway.wire.messages import Response
from tests.policies.bench import NOW, Bench, Ran, answer, post

USAGE = '{"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 30, "total_tokens": 40}}'


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """With a clock that stands still."""
    return bench.use(counters=MemoryCounters(lambda: float(NOW)))


def ask(bench: Bench, xml: str, prompt: str = "x" * 40, body: str = USAGE) -> Ran:
    """One call to the model, its answer read to the end."""

    async def read(response: Response) -> None:
        await response.body.buffer(100_000)

    ran = bench.run(xml, post(prompt, "/", [("Accept-Encoding", "gzip")]))
    final = ran.context.finished(answer(200, body))
    asyncio.run(read(final))
    assert final.body.content.decode() == body
    ran.outcome = final
    return ran


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


@dataclass
class Counted:
    """Keeps what was counted."""

    counts: list[object] = field(default_factory=list)

    def emit(self, *counted: object) -> None:
        self.counts.append(counted)


@pytest.mark.parametrize("name", ["llm-emit-token-metric", "azure-openai-emit-token-metric"])
def test_token_metrics(bench: Bench, name: str) -> None:
    """Three numbers with their dimensions; none without a usage or a sink."""
    xml = f'<{name} namespace="n"><dimension name="API ID"/></{name}>'
    ask(bench, xml)
    metrics = Counted()
    bench.use(metrics=metrics)
    ask(bench, xml, body="{}")
    ask(bench, xml)
    labels = (("API ID", "api"),)
    assert metrics.counts == [
        ("n", "Total Tokens", 40, labels),
        ("n", "Prompt Tokens", 10, labels),
        ("n", "Completion Tokens", 30, labels),
    ]


@pytest.mark.parametrize(
    ("tail", "usage"),
    [
        (b'data: {"usage":null}\n\ndata: {"usage":{"prompt_tokens":1,"total_tokens":3}}\n\n', TokenUsage(1, 0, 3)),
        (b'{"usage": {"input_tokens": 2, "output_tokens": 3}}', TokenUsage(2, 3, 5)),
        (b"{}", None),
        (b'{"total_tokens": 0}', None),
    ],
    ids="stream responses none zero".split(),
)
def test_usage(tail: bytes, usage: TokenUsage | None) -> None:
    """The last usage counts, under the names of both APIs."""
    assert find_usage(tail) == usage


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


# -- authorizations
@dataclass
class Source:
    """A credential source with one authorization."""

    later: bool

    def token(self, resource: str, client_id: str | None) -> object:
        return self._later(resource) if self.later else f"token of {resource}"

    async def _later(self, resource: str) -> str:
        return f"token of {resource}"


AUTHORIZATION = '<get-authorization-context provider-id="p" authorization-id="a" context-variable-name="v" {0}/>'


@pytest.mark.parametrize("later", [False, True])
def test_authorizations(bench: Bench, later: bool) -> None:
    """The variable holds the authorization; without a source there is none."""
    found = bench.use(credentials=Source(later)).run(AUTHORIZATION.format("")).variables["v"]
    assert found == Authorization("token of p/a")
    bench.use(credentials=None)
    with pytest.raises(UpstreamError):
        bench.run(AUTHORIZATION.format(""))
    assert bench.run(AUTHORIZATION.format('ignore-error="true"')).variables == {"v": None}
