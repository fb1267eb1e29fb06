"""Pools of models as the public labs build them: 429, circuits, sessions, retries, and streams, over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.emulators.openai import OpenAIEmulator
from tests.acceptance.models_rig import CHAT, HELLO, Models, emulated, models

STREAM = HELLO | {"stream": True}


Run = Callable[..., None]


@pytest.fixture(scope="module")
def emulators() -> Iterator[tuple[OpenAIEmulator, OpenAIEmulator]]:
    with emulated() as both:
        yield both


@pytest.fixture
def run(emulators: tuple[OpenAIEmulator, OpenAIEmulator], tmp_path: Path) -> Run:
    """Runs a scenario with a gateway of its own."""

    def running(scenario: Callable[[Models], Awaitable[None]], **settings: Any) -> None:
        async def whole() -> None:
            async with models(emulators, tmp_path, **settings) as rig:
                await scenario(rig)

        asyncio.run(whole())

    return running


@pytest.mark.parametrize("form", ["both", "milliseconds"])
def test_a_throttled_model_rests_as_long_as_it_asks(run: Run, form: str) -> None:
    """A 429 sends the same call to the next priority; the first is back after its own time, not after trip-duration."""

    async def scenario(rig: Models) -> None:
        assert await rig.regions(2) == "one one"
        rig.one.throttle(retry_after_s=0.15, form=form)
        assert await rig.regions(3) == "two two two"
        assert rig.one.requests["chat"] == 3
        await asyncio.sleep(0.17)
        assert await rig.regions(2) == "one one"

    run(scenario)


@pytest.mark.parametrize(("form", "shown"), [("seconds", "30"), ("date", "30"), ("milliseconds", "30"), ("none", "60")])
def test_an_exhausted_pool_says_when_to_come_again(run: Run, form: str, shown: str) -> None:
    """With every circuit open: 503, what the first that closes has asked for as Retry-After, and no model is called."""

    async def scenario(rig: Models) -> None:
        rig.one.throttle(retry_after_s=30, form=form)
        rig.two.throttle(retry_after_s=50, form=form)
        first, second = await rig.client.post(CHAT, json=HELLO), await rig.client.post(CHAT, json=HELLO)
        assert (first.status_code, second.status_code) == (503, 503)
        assert int(shown) - 1 <= int(second.headers["retry-after"]) <= int(shown)
        assert "models" not in second.text
        assert (rig.one.requests["chat"], rig.two.requests["chat"]) == (1, 1)

    run(scenario)


_NO_MORE = """<retry count="20" interval="0.05" condition="@(context.Response.StatusCode == 429 ||
  (context.Response.StatusCode == 503 &amp;&amp; !context.Response.StatusReason.Contains(&quot;Backend pool&quot;)
  &amp;&amp; !context.Response.StatusReason.Contains(&quot;is temporarily unavailable&quot;)))">
  <forward-request buffer-request-body="true" /></retry>"""


def test_a_condition_can_tell_an_exhausted_pool(run: Run) -> None:
    """A retry that reads StatusReason as the labs do stops when no member is left, however many retries it has."""

    async def scenario(rig: Models) -> None:
        rig.one.throttle(None)
        rig.two.throttle(None)
        began = time.monotonic()
        assert (await rig.client.post(CHAT, json=HELLO)).status_code == 503
        assert time.monotonic() - began < 0.5
        assert (rig.one.requests["chat"], rig.two.requests["chat"]) == (1, 1)

    run(scenario, backend=_NO_MORE)


def test_weights(run: Run) -> None:
    """Weights share calls among members of one priority."""

    async def scenario(rig: Models) -> None:
        assert sorted((await rig.regions(8)).split()) == ["one"] * 6 + ["two"] * 2

    run(scenario, members=("weight: 3", "weight: 1"))


def test_session(run: Run) -> None:
    """A client with cookies stays with its model; when that rests it moves, and stays there."""

    async def scenario(rig: Models) -> None:
        assert await rig.regions(3) == "one one one"
        rig.one.throttle(retry_after_s=0.1)
        assert await rig.regions(2) == "two two"
        await asyncio.sleep(0.15)
        assert await rig.regions(2) == "two two"
        moved = set()
        for _ in range(2):
            rig.client.cookies.clear()
            moved.add(await rig.region())
        assert moved == {"one", "two"}

    run(scenario, members=("weight: 1", "weight: 1"), pool=", session-affinity: SessionId")


async def _streamed(rig: Models) -> tuple[str, list[bytes], bool]:
    """Which model streamed, its events, and whether the stream was whole."""
    events: list[bytes] = []
    async with rig.client.stream("POST", CHAT, json=STREAM) as answer:
        assert answer.status_code == 200
        try:
            async for part in answer.aiter_raw():
                events += part.split(b"\n\n")[:-1]
        except httpx2.RemoteProtocolError:
            return answer.headers["x-ms-region"], events, False
    return answer.headers["x-ms-region"], events, True


def test_a_stream_is_retried_before_its_first_byte(run: Run) -> None:
    """A 429 in place of a stream is nothing that the client sees: the other model streams the whole answer."""

    async def scenario(rig: Models) -> None:
        rig.one.throttle(retry_after_s=30)
        region, events, whole = await _streamed(rig)
        assert (region, events[-1], whole) == ("two", b"data: [DONE]", True)

    run(scenario)


def test_a_stream_is_never_retried_after_its_first_byte(run: Run) -> None:
    """A stream that breaks ends broken for the client too, after what had come, and no other model is asked."""

    async def scenario(rig: Models) -> None:
        rig.one.cut(after_events=4)
        region, events, whole = await _streamed(rig)
        assert (region, len(events), whole) == ("one", 4, False)
        assert (rig.one.requests["chat"], rig.two.requests["chat"]) == (1, 0)
        assert (await _streamed(rig))[2]

    run(scenario)


def test_a_long_stream_has_no_time_limit(run: Run) -> None:
    """forward-request's time-out is for the head: a stream that lasts longer arrives whole, event by event."""

    async def scenario(rig: Models) -> None:
        rig.one.pace_s = 0.04
        began = time.monotonic()
        _, events, whole = await _streamed(rig)
        assert (whole, events[-1]) == (True, b"data: [DONE]")
        assert time.monotonic() - began > 0.25

    run(scenario, backend='<forward-request timeout-ms="150" />')


def test_a_slow_head_is_a_timeout(run: Run) -> None:
    """A model that does not begin in time is tried elsewhere where the condition allows for a missing response."""

    async def scenario(rig: Models) -> None:
        rig.one.delay(0.6)
        assert await rig.region() == "two"
        rig.two.drop()
        assert await rig.region() == "one"

    retry = """<retry count="1" interval="0" condition="@(context.Response == null)">
      <forward-request timeout-ms="100" buffer-request-body="true" /></retry>"""
    run(scenario, backend=retry, members=("weight: 1", "weight: 1"))


_IN_LOOP = """<retry count="2" interval="0" condition="@(context.Response.StatusCode == 429)">
  <set-backend-service backend-id="@(context.Response == null ? &quot;m0&quot; : &quot;m1&quot;)" />
  <forward-request buffer-request-body="true" /></retry>"""


def test_a_policy_chooses_in_the_loop(run: Run) -> None:
    """set-backend-service inside retry sends the next attempt to another backend, with the whole body."""

    async def scenario(rig: Models) -> None:
        rig.one.throttle()
        assert await rig.region() == "two"
        assert rig.one.received[-1]["body"] == rig.two.received[-1]["body"]

    run(scenario, backend=_IN_LOOP)


_IDENTITY = """managed-identity: {source: static, tokens: {"https://cognitiveservices.azure.com": own-token}}\n"""


@pytest.mark.parametrize(
    ("resource", "status"), [("https://cognitiveservices.azure.com", 200), ("https://other.example", 500)]
)
def test_managed_identity(run: Run, resource: str, status: int) -> None:
    """
    A backend with managed-identity gets the gateway's own token in place of the client's; without a token nothing is
    sent, and no circuit opens.
    """

    async def scenario(rig: Models) -> None:
        answers = [
            await rig.client.post(CHAT, json=HELLO, headers={"Authorization": "Bearer client"}) for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [status] * 2
        sent = [call["headers"].get("authorization") for call in rig.one.received]
        assert sent == (["Bearer own-token"] * 2 if status == 200 else [])
        assert all("own-token" not in answer.text for answer in answers)

    credentials = f'managed-identity: {{resource: "{resource}"}}'
    run(scenario, more=_IDENTITY, credentials=credentials)
