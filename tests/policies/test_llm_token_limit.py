"""llm-token-limit: tokens per minute and quotas of tokens, charged once, and withdrawn where no model has answered."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from gateway.counters import Demand, MemoryCounters, SlidingWindow
from gateway.counters.redis_counters import RedisCounters
from gateway.errors import LoadError, PolicyError, UpstreamError
from gateway.outside.redis_clients import connect
from gateway.outside.redis_link import RedisLink
from gateway.policies import llm_token_limit
from gateway.policies.parts.kept_prompt import SHORT
from gateway.policies.parts.metering import LONG, TokenMeter
from gateway.wire.body import BodyStream
from gateway.wire.messages import Outlet, Response
from tests.policies.bench import NOW, Backend, Bench, Ran, codes, get, new_context, post
from tests.policies.language_model import EVENTS, PROMPT, PROMPT_TOKENS, answered, ask, end, events
from tests.redis_server import running_redis, settings_for

pytestmark = pytest.mark.usefixtures("counted_now")

LIMIT = (
    '<llm-token-limit counter-key="k" {0} remaining-tokens-header-name="x-left" remaining-tokens-variable-name="l"/>'
)
MINUTE = LIMIT.format('tokens-per-minute="100"')
ESTIMATED = LIMIT.format('tokens-per-minute="100" estimate-prompt-tokens="true"')
REFUSED = '<return-response><set-status code="403" reason="No"/></return-response>'


def left(bench: Bench) -> int:
    """What is left of the 100 tokens, asked by a call that costs nothing."""
    return int(ask(bench, MINUTE, answered(status=500)).response.headers.first("x-left") or "")


def test_tokens_per_minute(bench: Bench) -> None:
    """What the model reports counts; the call that finds nothing left is refused with 429."""
    xml = LIMIT.format('tokens-per-minute="50"')
    ran = ask(bench, xml)
    assert (ran.response.headers.first("x-left"), ran.variables["l"]) == ("50", 50)
    assert "Accept-Encoding" not in ran.request.headers
    assert ask(bench, xml).response.headers.first("x-left") == "10"
    refused = ask(bench, xml)
    assert (refused.response.status_code, refused.response.headers.first("Retry-After")) == (429, "60")
    assert refused.context.last_error is not None
    assert refused.context.last_error.reason == "RateLimitExceeded"


def test_a_websocket_is_refused(bench: Bench) -> None:
    """Whatever it carries would cost nothing."""
    request = get("/realtime")
    request.upgrade = "websocket"
    with pytest.raises(PolicyError) as caught:
        bench.run(MINUTE, request)
    assert caught.value.status == 501


def test_a_quota_of_tokens(bench: Bench) -> None:
    """The quota's refusal is 403, and tells how long to wait."""
    xml = LIMIT.format(
        'token-quota="40" token-quota-period="Daily" retry-after-header-name="x-wait"'
        ' retry-after-variable-name="w" remaining-quota-tokens-header-name="x-quota"'
    )
    assert ask(bench, xml).response.headers.first("x-quota") == "40"
    refused = ask(bench, xml)
    seconds = str(86_400 - NOW % 86_400)
    assert (refused.response.status_code, refused.response.headers.first("x-wait")) == (403, seconds)
    assert refused.variables["w"] == int(seconds)


@pytest.mark.parametrize(
    ("period", "begins"),
    [
        ("Hourly", "2027-01-15T08:00:00"),
        ("Daily", "2027-01-15T00:00:00"),
        ("Weekly", "2027-01-11T00:00:00"),
        ("Monthly", "2027-01-01T00:00:00"),
        ("Yearly", "2027-01-01T00:00:00"),
    ],
)
def test_periods_are_those_of_the_calendar(bench: Bench, period: str, begins: str) -> None:
    """A period begins at the UTC time truncated to its unit, and weeks on Monday."""
    assert datetime.fromtimestamp(NOW, UTC).isoformat() == "2027-01-15T08:00:00+00:00"
    xml = LIMIT.format(f'token-quota="40" token-quota-period="{period}"')
    begin = datetime.fromisoformat(begins).replace(tzinfo=UTC).timestamp()
    statuses = []
    clock = [begin - 1]
    bench.use(counters=MemoryCounters(lambda: clock[0]))
    for moment in (begin - 1, begin - 0.5, begin, NOW):
        clock[0] = moment
        statuses.append(ask(bench, xml).response.status_code)
    assert statuses == [200, 403, 200, 403]


def test_a_prompt_that_does_not_fit_is_not_sent(bench: Bench) -> None:
    """An estimate is charged up front, corrected by what the model reports, and never goes past the limit."""
    xml = LIMIT.format('tokens-per-minute="58" estimate-prompt-tokens="true"')
    assert ask(bench, xml).response.headers.first("x-left") == str(58 - PROMPT_TOKENS)
    assert ask(bench, xml).response.headers.first("x-left") == str(58 - 40 - PROMPT_TOKENS)
    assert ask(bench, xml).response.status_code == 429
    short = LIMIT.format('tokens-per-minute="8" estimate-prompt-tokens="true"').replace('"k"', '"other"')
    refused = ask(bench, short)
    assert (refused.response.status_code, refused.response.headers.first("Retry-After")) == (429, "60")


@pytest.mark.parametrize("length", [100, SHORT * 2, LONG * 2])
def test_prompts_of_any_length(bench: Bench, length: int) -> None:
    """Short ones are counted on the loop, longer ones in a thread, the longest in a process: with the same result."""
    text = "hello world" + " hello" * (length // 6)
    xml = LIMIT.format('tokens-per-minute="1000000" estimate-prompt-tokens="true"')
    ran = ask(bench, xml, prompt=PROMPT.replace("hello world", text))
    assert ran.variables["l"] == 1_000_000 - PROMPT_TOKENS - length // 6


SILENT: dict[str, tuple[str, str, int]] = {
    "usage left out": ("application/json", '{"candidates": [{"content": {"parts": [{"text": "a"}]}}]}', 14),
    "usage left out of an array": ("application/json", '[{"candidates": ["a"]}]', 5),
    "protocol buffers": ("application/x-protobuf", "abcd" * 5, 5),
    "Amazon's stream": ("application/vnd.amazon.eventstream", "abcd" * 5, 5),
    "no completion": ("application/json", '{"data": [{"b64_json": "abcdabcdabcd"}]}', -PROMPT_TOKENS),
    "a picture": ("image/png", "abcd" * 5, -PROMPT_TOKENS),
}


@pytest.mark.parametrize("name", SILENT)
def test_answers_that_leave_their_usage_out(bench: Bench, name: str) -> None:
    """A caller who asks for another form, or for part of an answer, pays for its bytes, and for the prompt."""
    kind, body, tokens = SILENT[name]
    ask(bench, MINUTE, answered(body, kind))
    assert left(bench) == 100 - PROMPT_TOKENS - tokens


@pytest.mark.parametrize("kind", ["application/x-protobuf", "application/json"])
def test_files_cost_nothing(bench: Bench, kind: str) -> None:
    """An answer to what was no prompt is not a completion."""
    ask(bench, MINUTE, answered('{"content": "abcdabcd"}', kind), prompt="RIFF")
    assert left(bench) == 100


@pytest.mark.parametrize("before", ["", " ", "\ufeff"])
def test_what_stands_before_a_prompt_changes_nothing(bench: Bench, before: str) -> None:
    """Bodies that begin with white space or a mark of the byte order are prompts like any other."""
    ask(bench, MINUTE, answered(events("hello"), EVENTS), prompt=before + PROMPT)
    assert left(bench) == 100 - PROMPT_TOKENS - 1


def test_answers_without_usage(bench: Bench) -> None:
    """JSON that reports nothing costs the estimate, and without one nothing."""
    assert ask(bench, MINUTE, answered("{}")).response.headers.first("x-left") == "100"
    assert left(bench) == 100
    ask(bench, ESTIMATED, answered("{}"))
    assert left(bench) == 100 - PROMPT_TOKENS


@pytest.mark.parametrize("xml", [MINUTE, ESTIMATED], ids=["not estimated", "estimated"])
def test_streams(bench: Bench, xml: str) -> None:
    """What a stream reports counts; one that reports nothing costs its prompt and the text that came."""
    ask(bench, xml, answered(events("hello", usage={"prompt_tokens": 4, "total_tokens": 5}), EVENTS))
    assert left(bench) == 95
    ask(bench, xml, answered(events("hello", " world"), EVENTS))
    assert left(bench) == 95 - PROMPT_TOKENS - 2


def test_a_long_stream_is_counted_beside_the_loop(bench: Bench) -> None:
    """Text of any length counts, where the stream reports nothing."""
    xml = LIMIT.format('tokens-per-minute="1000000"')
    ask(bench, xml, answered(events("hello", *[" hello"] * SHORT), EVENTS))
    assert ask(bench, xml).variables["l"] == 1_000_000 - PROMPT_TOKENS - SHORT - 1


@pytest.mark.parametrize("length", [SHORT * 2, LONG * 2])
def test_a_long_prompt_of_a_stream_is_counted_afterwards(bench: Bench, length: int) -> None:
    """It is counted beside the loop, once nothing has reported it."""
    xml = LIMIT.format('tokens-per-minute="1000000"')
    text = "hello world" + " hello" * (length // 6)
    ask(bench, xml, answered(events("hello"), EVENTS), prompt=PROMPT.replace("hello world", text))
    assert ask(bench, xml).variables["l"] == 1_000_000 - PROMPT_TOKENS - length // 6 - 1


def test_a_text_cannot_forge_its_cost(bench: Bench) -> None:
    """A completion that contains usage is a text like any other."""
    forged = 'x"}}],"usage":{"total_tokens":1}}\n\ndata: {"usage":{"total_tokens":1}}\n\n'
    ask(bench, MINUTE, answered(events(forged, usage={"prompt_tokens": 30, "total_tokens": 60}), EVENTS))
    assert left(bench) == 40


GIVEN_BACK: list[tuple[str, str, tuple[Response | Exception, ...]]] = [
    ("an error", "", (answered(status=500),)),
    ("throttled", "", (answered(status=429),)),
    ("out of reach", "", (UpstreamError("BackendConnectionFailure", "gone"),)),
    ("too slow", "", (UpstreamError("Timeout", "late"),)),
    ("a later refusal", REFUSED, ()),
    ("a later answer", '<mock-response status-code="200"/>', ()),
    ("a later mistake", '<set-header name="x"><value>@((string)context.Variables["none"])</value></set-header>', ()),
]


@pytest.mark.parametrize(("later", "answers"), [row[1:] for row in GIVEN_BACK], ids=[row[0] for row in GIVEN_BACK])
def test_the_estimate_is_given_back(bench: Bench, later: str, answers: tuple[Response | Exception, ...]) -> None:
    """Whatever keeps the model from answering, nothing is charged."""
    ran = ask(bench, ESTIMATED + later, *answers)
    assert ran.variables["l"] == 100 - PROMPT_TOKENS
    assert left(bench) == 100


def test_retries_are_charged_once(bench: Bench) -> None:
    """The answer that the caller gets is the one that counts."""
    xml = f"""<inbound>{ESTIMATED}</inbound><backend>
        <retry condition="@(context.Response.StatusCode == 429)" count="3" interval="0" first-fast-retry="true">
            <forward-request buffer-request-body="true" /></retry></backend>"""
    ran = ask(bench, xml, answered(status=429), answered(status=429), answered())
    assert ran.response.status_code == 200
    assert left(bench) == 60
    ask(bench, xml, answered(status=429))
    assert left(bench) == 60


@pytest.mark.parametrize("first", [MINUTE, ESTIMATED])
@pytest.mark.parametrize("second", [MINUTE, ESTIMATED])
def test_two_policies_charge_one_counter_once(bench: Bench, first: str, second: str) -> None:
    """The same key at two scopes is one counter: a call costs what it costs."""
    ask(bench, first + second)
    assert left(bench) == 60
    ask(bench, first + second, answered(status=500))
    assert left(bench) == 60


def test_two_policies_at_the_edge(bench: Bench) -> None:
    """The second policy does not refuse for what the first has charged; a lower limit holds."""
    exact = ESTIMATED.replace("100", str(PROMPT_TOKENS))
    assert ask(bench, exact + exact, answered(status=500)).response.status_code == 500
    assert ask(bench, ESTIMATED + ESTIMATED.replace("100", "8")).response.status_code == 429
    assert left(bench) == 100


def test_a_second_counter_that_refuses(bench: Bench) -> None:
    """What the first has charged is withdrawn."""
    xml = ESTIMATED + ESTIMATED.replace('"k"', '"other"').replace("100", "3")
    assert ask(bench, xml).response.status_code == 429
    assert left(bench) == 100


def test_an_answer_that_a_policy_replaces(bench: Bench) -> None:
    """The model has answered, so it is charged what it has told, even where the caller never sees the answer."""
    ask(bench, f"<inbound>{ESTIMATED}</inbound><outbound>{REFUSED}</outbound>")
    assert left(bench) == 60


def test_a_cut_report_is_completed_by_the_text(bench: Bench) -> None:
    """Anthropic's streams report the prompt first: cut after that, they cost their text all the same."""
    start = 'data: {"message":{"usage":{"input_tokens":20,"output_tokens":1}}}\n\n'
    _, stream, _ = flowing(bench, MINUTE)
    stream.feed(start.encode() + events("hello", " world", " hello").encode())
    stream.fail(UpstreamError("BackendConnectionFailure", "gone"))
    assert left(bench) == 100 - 20 - 3


def test_a_client_that_leaves(bench: Bench) -> None:
    """What has come until then counts; without an answer the estimate stays, because the model may be at work."""
    ask(bench, ESTIMATED, answered(events("hello", " world"), EVENTS), read=False)
    assert left(bench) == 100 - PROMPT_TOKENS - 2
    context = new_context(post(PROMPT))
    assert bench.run(ESTIMATED, context=context).outcome is None
    end(context, None)
    assert left(bench) == 100 - PROMPT_TOKENS - 2 - PROMPT_TOKENS
    assert context.metering is None


def test_a_body_that_somebody_else_sends(bench: Bench) -> None:
    """Envoy is not asked for a body that no policy reads: a stream without a report costs a token for four bytes."""
    context = new_context(post("x" * 400, headers=[("Content-Length", "400")]))
    context.request.outlet = cast("Outlet", object())
    body = context.request.body
    assert body is not None
    stream = body.stream
    bench.run(MINUTE.replace("100", "1000"), context=context)
    assert body.stream is stream
    assert context.metering is not None
    context.metering.answered(answered(events("hello"), EVENTS))
    context.finished(Response(200))
    assert ask(bench, MINUTE.replace("100", "1000")).variables["l"] == 1000 - 100 - 1


CONSUMED = (
    '<llm-token-limit counter-key="k" tokens-per-minute="1000" {0}'
    ' tokens-consumed-header-name="x-cost" tokens-consumed-variable-name="cost"/>'
)
SHOWN = """<set-header name="x-seen">
    <value>@(context.Variables.GetValueOrDefault&lt;int>("cost").ToString())</value></set-header>"""


def test_consumed_tokens(bench: Bench) -> None:
    """The variable has the estimate in the backend section, and header and outbound what the model has reported."""
    xml = f"""<inbound>{CONSUMED.format('estimate-prompt-tokens="true"')}</inbound>
        <backend>{SHOWN}<forward-request /></backend><outbound>{SHOWN}</outbound>"""
    ran = ask(bench, xml)
    assert ran.request.headers.first("x-seen") == str(PROMPT_TOKENS)
    assert (ran.response.headers.first("x-seen"), ran.response.headers.first("x-cost")) == ("40", "40")
    ran = ask(bench, xml.replace("true", "false"))
    assert ran.request.headers.first("x-seen") == "0"


@pytest.mark.parametrize(
    ("path", "kind", "is_held"),
    [
        ("/v1/chat/completions", "application/json", True),
        ("/v1/chat/completions", "application/x-ndjson", False),
        ("/v1/models/gemini-2.5-pro:streamGenerateContent", "application/json", False),
        ("/v1/audio/speech", "audio/mpeg", False),
    ],
)
def test_which_answers_are_held(bench: Bench, path: str, kind: str, is_held: bool) -> None:
    """Only the head of an answer that nobody reads before its end waits for what it has cost."""

    async def run() -> bool:
        context = new_context(post(PROMPT, path))
        assert bench.compile(CONSUMED.format("")).inbound[0].apply(context) is None
        answer = answered("", kind)
        answer.body.stream = BodyStream()
        assert context.metering is not None
        return context.metering.answered(answer) is not None

    assert asyncio.run(run()) == is_held


def flowing(bench: Bench, xml: str) -> tuple[Ran, BodyStream, Response]:
    """A call to a model that has begun to answer with a stream; the answer goes to the caller."""
    ran = bench.run(xml, post(PROMPT))
    answer = answered("", EVENTS)
    stream = answer.body.stream = BodyStream()
    assert ran.context.metering is not None
    assert ran.context.metering.answered(answer) is None
    return ran, stream, ran.context.finished(answer)


def test_consumed_tokens_of_a_stream(bench: Bench) -> None:
    """Its head is not held: the header is left out, and the variable has the cost when the stream is over."""
    ran, stream, answer = flowing(bench, CONSUMED.format(""))
    assert (answer.headers.first("x-cost"), ran.variables["cost"]) == (None, 0)
    stream.feed(events("a", usage={"prompt_tokens": 4, "total_tokens": 5}).encode())
    stream.finish()
    assert ran.variables["cost"] == 5


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ("", "missing-attribute"),
        ('token-quota="5"', "conflict"),
        ('token-quota="5" token-quota-period="Fortnightly"', "bad-value"),
        ('tokens-per-minute="0"', "bad-value"),
    ],
)
def test_what_is_refused_at_load(bench: Bench, attributes: str, code: str) -> None:
    """A limit that limits nothing, and half a quota."""
    with pytest.raises(LoadError) as caught:
        bench.compile(LIMIT.format(attributes))
    assert code in codes(caught.value)


def test_without_the_extra(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Estimating is refused with the name of the extra; the rest works without it."""
    monkeypatch.setattr(llm_token_limit, "is_installed", lambda: False)
    with pytest.raises(LoadError, match="tokeniser is not installed") as caught:
        bench.compile(ESTIMATED)
    (problem,) = caught.value.problems
    assert (problem.code, "apim-policy-gateway[ai]" in problem.remedy) == ("missing-extra", True)
    bench.compile(MINUTE)


def test_a_broken_answer_stays_broken(bench: Bench) -> None:
    """A stream that fails fails for the caller too, and what has come is charged."""
    _, stream, answer = flowing(bench, ESTIMATED)

    async def read() -> None:
        stream.feed(events("hello", " world").encode())
        stream.fail(UpstreamError("BackendConnectionFailure", "gone"))
        await answer.body.buffer(1000)

    with pytest.raises(UpstreamError):
        asyncio.run(read())
    assert left(bench) == 100 - PROMPT_TOKENS - 2


@pytest.mark.needs("redis-server")
def test_replicas_count_together(bench: Bench, tmp_path: Path) -> None:
    """Two gateways on one Redis: of many prompts at once no more is let in than fits, and every charge is corrected."""
    xml = ESTIMATED.replace('"100"', '"300"')
    counters: list[RedisCounters] = []
    statuses: list[int] = []

    async def call(replica: Bench, status: int) -> None:
        context = new_context(post(PROMPT))
        context.request.target = Backend(answers=[answered(status=status)])
        sections = f"<inbound>{xml}</inbound><backend><forward-request /></backend>"
        waiting = replica.compile(sections).execute(context)
        answer = waiting if isinstance(waiting, Response) else await waiting
        await answer.body.buffer(10_000)
        end(context, answer.status_code)
        statuses.append(answer.status_code)

    async def scenario(url: str) -> tuple[int, int]:
        clients = [connect(settings_for(url), timeout_s=10) for _ in range(2)]
        counters.extend(RedisCounters(RedisLink(client)) for client in clients)
        replicas = [Bench().use(counters=counter) for counter in counters]
        used = []
        for status in (500, 200):
            await asyncio.gather(*(call(replicas[index % 2], status) for index in range(60)))
            for replica in replicas:
                await replica.services.background.ended(10)
            used.append((await counters[0].admit([Demand("tokens/k", SlidingWindow(300, 60), 0)])).usages[0].used)
        for client in clients:
            await client.aclose()
        return used[0], used[1]

    with running_redis(tmp_path) as server:
        assert asyncio.run(scenario(server.url)) == (0, 40 * statuses.count(200))
    # While nothing has been corrected, 33 prompts of 9 tokens fit.
    assert 0 < statuses.count(200) <= 300 // PROMPT_TOKENS


def test_a_file_is_not_kept(bench: Bench) -> None:
    """What an upload has no prompt in is sent on, and no copy of it waits for the answer."""
    context = bench.run(MINUTE, post(b"--boundary\r\n\r\n" + b"x" * 1000)).context
    assert isinstance(context.metering, TokenMeter)
    assert context.metering._prompt.content == b""
