"""Tokens over the wire: what the emulated model says it has spent is what the gateway charges."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.counters import Demand, SlidingWindow
from gateway.emulators.openai import OpenAIEmulator
from gateway.emulators.serving import serve_here
from gateway.policies.parts.prompts import prompt_tokens
from gateway.policies.parts.vocabularies import NEWER, count_tokens
from tests.acceptance.rig import Product, product
from tests.wire.rig import settled

LIMIT = 1_000_000
CONFIG = """
management: 127.0.0.1:0
apis:
  - {{id: openai, path: openai, service-url: "EMULATOR/openai", policy: limited.xml}}
"""
POLICY = f"""
<policies>
  <inbound>
    <azure-openai-token-limit counter-key="k" tokens-per-minute="{LIMIT}" estimate-prompt-tokens="true"
        tokens-consumed-header-name="x-cost" remaining-tokens-header-name="x-left" />
  </inbound>
  <backend>
    <retry condition="@(context.Response.StatusCode == 429)" count="1" interval="0" first-fast-retry="true">
      <forward-request buffer-request-body="true" />
    </retry>
  </backend>
  <outbound /><on-error />
</policies>
"""
SAID = [{"role": "user", "content": "The quick brown fox jumps over the lazy dog"}]
REPORTING = {"stream": True, "stream_options": {"include_usage": True}}

# What is asked, and whether the answer's head can tell what it has cost.
REPORTED: list[tuple[str, dict[str, Any], bool]] = [
    ("chat/completions", {"messages": SAID}, True),
    ("chat/completions", {"messages": SAID, **REPORTING}, False),
    ("completions", {"prompt": "The quick brown fox"}, True),
    ("completions", {"prompt": "The quick brown fox", **REPORTING}, False),
    ("embeddings", {"input": ["The quick", "brown fox"]}, True),
]
RESPONSES: list[tuple[str, dict[str, Any], bool]] = [
    ("responses", {"input": "The quick brown fox"}, True),
    ("responses", {"input": "The quick brown fox", "stream": True}, False),
]

Failure = Callable[[OpenAIEmulator], None]
# What goes wrong, the status, and whether anything is charged.
FAILURES: list[tuple[Failure, int, bool]] = [
    (lambda service: service.fail(1, 500), 500, False),
    (lambda service: service.throttle(2), 429, False),
    (lambda service: service.throttle(1), 200, True),
    (lambda service: service.filter_content(), 400, False),
    (lambda service: service.drop(), 502, False),
]


async def call(running: Product, path: str, body: dict[str, Any], until: bytes = b"") -> bytes:
    """The answer; with *until* the client leaves as soon as that has come."""
    content = json.dumps({"model": "gpt-4o", **body}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    head = f"POST /openai/{path}?api-version=2024-10-21 HTTP/1.1\r\nHost: a\r\nConnection: close\r\napi-key: k\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
    answer = await reader.readuntil(until) if until else await reader.read()
    writer.transport.abort()
    return answer


def charged(running: Product) -> int:
    """What has been charged in this minute."""
    counters: Any = running.gateway.services.counters
    used: int = counters.admit([Demand("tokens/k", SlidingWindow(LIMIT, 60), 0)]).usages[0].used
    return used


async def charged_at_last(running: Product, tokens: int) -> None:
    """The gateway learns of the end about when the client does."""
    await settled(lambda: charged(running) == tokens)
    assert charged(running) == tokens


async def check_reports(running: Product, service: OpenAIEmulator) -> None:
    """Each call costs what the model reports, and where the head can it says so."""
    for base, calls in (("deployments/gpt-4o/", REPORTED), ("", RESPONSES)):
        for path, body, has_head in calls:
            before, spent = charged(running), service.quota.used
            answer = await call(running, base + path, body)
            spent = service.quota.used - spent
            assert spent > 0, answer
            await charged_at_last(running, before + spent)
            assert (b"x-cost: %d\r\n" % spent in answer) == has_head


async def check_failures(running: Product, service: OpenAIEmulator) -> None:
    """Nothing is charged for an answer that is none, and a retry is charged once."""
    for fail, status, costs in FAILURES:
        before, spent = charged(running), service.quota.used
        fail(service)
        answer = await call(running, "deployments/gpt-4o/chat/completions", {"messages": SAID})
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert (charged(running) > before) == costs
        assert charged(running) - before == service.quota.used - spent


async def check_broken_streams(running: Product, service: OpenAIEmulator) -> None:
    """What was cut, by the backend or by the client, costs its prompt and the text that came."""
    prompt = prompt_tokens(json.dumps({"model": "gpt-4o", "messages": SAID}).encode(), "")
    path, body = "deployments/gpt-4o/chat/completions", {"messages": SAID, "stream": True}
    before = charged(running)
    service.cut(after_events=4)
    answer = await call(running, path, body)
    text = "".join(re.findall(r'"content":"([^"]*)"', answer.decode()))
    assert count_tokens([text], NEWER) > 0
    await charged_at_last(running, before + prompt + count_tokens([text], NEWER))
    before, service.pace_s = charged(running), 0.03
    assert b"You" in await call(running, path, body, until=b'"content":"You"')
    assert await settled(lambda: before + prompt < charged(running) < before + prompt + 8)


def test_tokens_over_the_wire(tmp_path: Path) -> None:
    """Reports, failures, retries and broken streams, through the whole product."""
    (tmp_path / "limited.xml").write_text(POLICY, "utf-8")

    async def run() -> None:
        service = OpenAIEmulator()
        async with serve_here(service) as url, product(tmp_path, config=CONFIG.replace("EMULATOR", url)) as running:
            await check_reports(running, service)
            await check_failures(running, service)
            await check_broken_streams(running, service)

    asyncio.run(run())
