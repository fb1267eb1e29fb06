"""The gateway with a semantic cache in front of an emulated model, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from gateway.assembly.app import Gateway
from gateway.emulators.openai import OpenAIEmulator
from tests.acceptance.one_gateway import one_gateway

POLICY = """<policies><inbound><base />{before}
  <llm-semantic-cache-lookup score-threshold="{threshold}" embeddings-backend-id="embeddings"
    embeddings-backend-auth="system-assigned" {attributes}>{vary}</llm-semantic-cache-lookup>{after}</inbound>
  <backend><base /></backend>
  <outbound><llm-semantic-cache-store duration="60" /><base />{outbound}</outbound></policies>"""
CHAT = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
CAPITAL = "What is the capital of France?"
SIMILAR = "what is the capital of France"
OTHER = "How do I bake sourdough bread at home?"


def says(text: str, **more: Any) -> dict[str, Any]:
    """The body of a call."""
    return {"messages": [{"role": "user", "content": text}], **more}


class CachedModel:
    """A client of the gateway, which counts what reaches the model."""

    def __init__(self, client: httpx2.AsyncClient, model: OpenAIEmulator, gateway: Gateway) -> None:
        self.client = client
        self.model = model
        self.gateway = gateway

    async def ask(self, body: dict[str, Any], path: str = CHAT, **headers: str) -> tuple[str, httpx2.Response]:
        """Whether the model (``model``) or the cache (``cache``) has answered, and the answer."""
        before = self.model.requests["chat"] + self.model.requests["responses"]
        answer = await self.client.post(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        await self.gateway.services.background.ended(1)
        asked = self.model.requests["chat"] + self.model.requests["responses"] - before
        return ("model" if asked else "cache"), answer

    async def asked(self, *texts: str, **headers: str) -> str:
        """Who has answered each of *texts*."""
        return " ".join([(await self.ask(says(text), **headers))[0] for text in texts])


@asynccontextmanager
async def cached_model(
    model: OpenAIEmulator, folder: Path, more: str = "", embeddings: str = "", **parts: str
) -> AsyncIterator[CachedModel]:
    """One gateway; *parts* of the policy, *more* of the configuration."""
    given = {"before": "", "after": "", "vary": "", "attributes": "", "threshold": "0.1", "outbound": ""} | parts
    given["vary"] = given["vary"] and f"<vary-by>{given['vary']}</vary-by>"
    (folder / "policy.xml").write_text(POLICY.format(**given))
    credentials = "credentials: {headers: {api-key: k}}"
    url = embeddings or f"{model.base_url}/openai/deployments/text-embedding-3-small/embeddings"
    config = (
        f"backends:\n  model: {{url: {model.base_url}, {credentials}}}\n  embeddings: {{url: '{url}', {credentials}}}\n"
        f"{more}\napis: [{{id: inference, path: '', backend: model, policy: policy.xml}}]\n"
    )
    async with one_gateway(config, folder) as (gateway, client):
        yield CachedModel(client, model, gateway)
