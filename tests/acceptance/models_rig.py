"""The gateway in front of two emulated models, which a whole file of tests shares."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from gateway.emulators.faults import FaultPlan
from gateway.emulators.openai import OpenAIEmulator
from gateway.emulators.serving import serve
from tests.acceptance.one_gateway import one_gateway

# What the public labs deploy: the first 429 opens the circuit for as long as it asks.
BREAKER = (
    "{count: 1, interval: 1m, status-codes: [429], error-reasons: [], trip-duration: 1m, accept-retry-after: true}"
)
RETRY = """<retry count="2" interval="0" first-fast-retry="true" condition="@(context.Response.StatusCode == 429
  || context.Response.StatusCode == 503)">
  <set-backend-service backend-id="models" /><forward-request buffer-request-body="true" /></retry>"""
POLICY = "<policies><inbound><base />{0}</inbound><backend>{1}</backend><outbound><base /></outbound></policies>"
CHAT = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello, gateway"}]}


@dataclass(frozen=True, slots=True)
class Models:
    """A client of the gateway; *one* and *two* are the models behind it."""

    client: httpx2.AsyncClient
    one: OpenAIEmulator
    two: OpenAIEmulator

    async def region(self, **fields: Any) -> str:
        """Which of them answers a call."""
        answer = await self.client.post(CHAT, json=HELLO, **fields)
        assert answer.status_code == 200, answer.text
        return answer.headers["x-ms-region"]

    async def regions(self, number: int) -> str:
        """Which of them answer so many calls."""
        return " ".join([await self.region() for _ in range(number)])


@contextmanager
def emulated() -> Iterator[tuple[OpenAIEmulator, OpenAIEmulator]]:
    """Two emulators, each in a thread: starting and stopping them takes longer than a test."""
    one, two = OpenAIEmulator(name="one"), OpenAIEmulator(name="two")
    with serve(one), serve(two):
        yield one, two


def _fresh(emulator: OpenAIEmulator) -> OpenAIEmulator:
    emulator.faults, emulator.pace_s = FaultPlan(), 0.0
    emulator.received.clear()
    return emulator


@asynccontextmanager
async def models(
    emulators: tuple[OpenAIEmulator, OpenAIEmulator],
    folder: Path,
    *,
    inbound: str = "",
    backend: str = RETRY,
    members: Sequence[str] = ("priority: 1", "priority: 2"),
    pool: str = "",
    more: str = "",
    credentials: str = "headers: {api-key: k}",
) -> AsyncIterator[Models]:
    """The gateway with a policy whose sections hold *inbound* and *backend*, and a pool of two models."""
    (folder / "policy.xml").write_text(POLICY.format(inbound, backend))
    one, two = map(_fresh, emulators)
    config = "backends:\n" + "".join(
        f"  m{number}: {{url: {each.base_url}, circuit-breaker: {BREAKER}, credentials: {{{credentials}}}}}\n"
        for number, each in enumerate(emulators)
    )
    listed = ", ".join(f"{{backend: m{number}, {member}}}" for number, member in enumerate(members))
    config += f"  models: {{pool: [{listed}]{pool}}}\n{more}"
    config += "apis: [{id: inference, path: '', backend: models, policy: policy.xml}]\n"
    async with one_gateway(config, folder) as (_, client):
        yield Models(client, one, two)
