"""What the documents run in: emulators of models, Entra ID and the rest, and one gateway with an API for each."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.emulators.content_safety import ContentSafetyEmulator
from gateway.emulators.echo import EchoBackend
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import CLIENT, TENANT
from gateway.emulators.openai import OpenAIEmulator
from gateway.emulators.serving import serve_here
from gateway.errors import LoadError
from gateway.wire.server.serve import start
from tests.ai_labs.kinds import OneCall, call_of

# A subscription for each attempt: some documents allow one few tokens.
KEYS = tuple(f"subscription-key-{number}" for number in range(10))
_RESOURCES = (
    "https://cognitiveservices.azure.com", "https://cognitiveservices.azure.com/", "https://search.azure.com",
    "https://cosmos.azure.com", "https://ai.azure.com", "https://ml.azure.com", "https://graph.microsoft.com",
    "api://AzureADTokenExchange", "github/octo",
)  # fmt: skip
_BREAKER = {
    "count": 1, "interval": "1m", "status-codes": ["429"], "error-reasons": [], "trip-duration": "1m",
    "accept-retry-after": True,
}  # fmt: skip
_TO_ONE = ("foundry1", "foundry2", "foundry3", "gemini-backend", "ollama-backend", "inference-backend")
_TO_ECHO = ("search", "orderworflow-backend", "servicenow-backend")


@dataclass(slots=True)
class Surroundings:
    """The emulators; *one* is asked first, *two* when it rests. *other* stands for the rest of Azure."""

    one: OpenAIEmulator
    two: OpenAIEmulator
    entra: EntraEmulator
    echo: EchoBackend
    safety: ContentSafetyEmulator
    other: str

    def values(self, path: str) -> dict[str, str]:
        """What is filled into the document at *path*, in this order."""
        return {
            'tenant-id="{tenant-id}"': f'tenant-id="{self.entra.base_url}/{TENANT}"',
            "{tenant-id}": TENANT,
            "{client-application-id}": CLIENT,
            "{group-id}": "g1",
            "{backend-id}": "models" if call_of(path) is None else "echo",
            "{retry-count}": "1",
            "{tpm}": "100000",
            "{product-token-limits}": _PRODUCT_LIMIT,
            "https://login.microsoftonline.com": self.entra.base_url,
            "https://graph.microsoft.com/v1.0": f"{self.other}/v1.0",
            "https://api.github.com": self.echo.base_url,
            # These documents call the gateway itself, at the host by which it was called.
            '"https://" + context.Request.Headers.GetValueOrDefault("Host")': f'"{self.safety.base_url}"',
        }

    def named_values(self) -> dict[str, str]:
        """The named values that the labs create."""
        listed = [{"name": "model-one", "priority": 1, "weight": 1}, {"name": "model-two", "priority": 2, "weight": 1}]
        return {
            "openai-lb-config": json.dumps(listed),
            "entraid-tenant": f"{self.entra.base_url}/{TENANT}",
            "McpTenantId": f"{self.entra.base_url}/{TENANT}",
            "McpClientId": CLIENT,
            "McpApiPath": "mcp",
            "EntraIDTenantId": TENANT,
            "EntraIDClientId": CLIENT,
            "APIMGatewayURL": "https://gateway.example",
            "MCPServerName": "mcp",
            "OAuthCallbackUri": "https://gateway.example/oauth-callback",
            "OAuthScopes": "openid",
            "CosmosDbEndpoint": self.other,
            "CosmosDbDatabase": "db",
            "CosmosDbContainer": "c",
            "EncryptionIV": "AAAAAAAAAAAAAAAAAAAAAA==",
            "EncryptionKey": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "accesskey": "AKIDEXAMPLE",
            "secretkey": "wJalrXUtnFEMI",
            "function-host-key": "k",
        }


_PRODUCT_LIMIT = """<when condition="@(context.Product.Id == &quot;labs&quot;)"><azure-openai-token-limit
  counter-key="@(context.Subscription.Id)" tokens-per-minute="100000" estimate-prompt-tokens="false" /></when>"""


@asynccontextmanager
async def emulated() -> AsyncIterator[Surroundings]:
    """The emulators, for as long as the block lasts."""
    entra, echo = EntraEmulator(), EchoBackend()
    one, two = OpenAIEmulator(name="one"), OpenAIEmulator(name="two")
    safety = ContentSafetyEmulator()
    safety.block("blocklist1", "a blocked word")
    async with AsyncExitStack() as running:
        for emulator in (entra, echo, one, two, safety):
            await running.enter_async_context(serve_here(emulator))
        other = await running.enter_async_context(serve_here(_others()))
        yield Surroundings(one, two, entra, echo, safety, other)


def _others() -> Starlette:
    """Microsoft Graph, Cosmos DB and a login, as far as these documents ask them something."""

    async def members(_: Request) -> Response:
        return JSONResponse({"@odata.count": 1, "value": [{"id": "u1"}]})

    async def token(_: Request) -> Response:
        return JSONResponse({"access_token": "t", "token_type": "Bearer", "expires_in": 3600})

    async def store(request: Request) -> Response:
        if request.method == "POST":
            return JSONResponse(json.loads(await request.body() or b"{}"), 201)
        client = {"client_id": "c1", "client_name": "c", "redirect_uris": ["http://127.0.0.1/cb"]}
        return JSONResponse({"id": "c1", "client_id": "c1", "client": client, **client})

    return Starlette(
        routes=[
            Route("/v1.0/{path:path}", members),
            Route("/token", token, methods=["GET", "POST"]),
            Route("/dbs/{path:path}", store, methods=["GET", "POST"]),
        ]
    )


@dataclass(frozen=True, slots=True)
class Loaded:
    """The gateway in front of the documents; *refused* has those that do not load, with the reason."""

    gateway: Gateway
    client: httpx2.AsyncClient
    refused: Mapping[str, str]


@asynccontextmanager
async def gateway_with(around: Surroundings, texts: Mapping[str, str], folder: Path) -> AsyncIterator[Loaded]:
    """A gateway with an API for each of *texts*, which are documents by path; those that do not load are left out."""
    paths, refused = list(texts), dict[str, str]()
    for number, path in enumerate(paths):
        (folder / f"{number}.xml").write_text(texts[path], encoding="utf-8")
    while True:
        try:
            gateway = build(parse(_config(around, paths, refused), "config.yaml", folder, {}))
            break
        except LoadError as error:
            reasons = dict(_reasons(error, paths))
            if not reasons:
                raise
            refused |= reasons
    async with AsyncExitStack() as running:
        await gateway.start()
        running.push_async_callback(gateway.aclose)
        server = await start(gateway.dispatcher)
        running.push_async_callback(server.aclose)
        client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=10)
        yield Loaded(gateway, await running.enter_async_context(client), refused)


def _reasons(error: LoadError, paths: Sequence[str]) -> list[tuple[str, str]]:
    """Each problem's document and message."""
    named = [(Path(problem.location.file).stem, problem) for problem in error.problems]
    return [(paths[int(stem)], f"`{problem.code}`: {problem.message}") for stem, problem in named if stem.isdecimal()]


def _config(around: Surroundings, paths: Sequence[str], refused: Mapping[str, str]) -> str:
    api_key = {"headers": {"api-key": "k"}}
    one = {"url": f"{around.one.base_url}/openai", "circuit-breaker": _BREAKER, "credentials": api_key}
    two = {"url": f"{around.two.base_url}/openai", "circuit-breaker": _BREAKER, "credentials": api_key}
    pool = [{"backend": "model-one", "priority": 1}, {"backend": "model-two", "priority": 2}]
    backends: dict[str, Any] = {"model-one": one, "model-two": two, "models": {"pool": pool}}
    backends |= {name: {"url": one["url"], "credentials": api_key} for name in _TO_ONE}
    backends |= {name: {"url": around.echo.base_url} for name in (*_TO_ECHO, "echo")}
    deployment = f"{around.two.base_url}/openai/deployments/text-embedding-3-small/embeddings?api-version=2024-10-21"
    backends["embeddings-backend"] = {"url": deployment.partition("?")[0], "credentials": api_key}
    backends["other"] = {"url": around.other}
    backends["content-safety-backend"] = {"url": around.safety.base_url}
    apis = [_api(number, path, call_of(path)) for number, path in enumerate(paths) if path not in refused]
    return json.dumps(  # which is YAML, too
        {
            "named-values": around.named_values(),
            "managed-identity": {"source": "static", "tokens": {name: f"token of {name}" for name in _RESOURCES}},
            "backends": backends,
            "apis": apis,
            "products": [{"id": "labs", "apis": [api["id"] for api in apis]}],
            "subscriptions": [
                {"id": f"labs-{number}", "scope": "/products/labs", "primary-key": key}
                for number, key in enumerate(KEYS)
            ],
        }
    )


def _api(number: int, path: str, call: OneCall | None) -> dict[str, Any]:
    operations = [{"id": "any", "method": "*", "url-template": "/*"}]
    if call is None:
        operations += [
            {"id": name, "method": "POST", "url-template": f"/deployments/{{deployment-id}}/{template}"}
            for name, template in (("chat", "chat/completions"), ("embeddings", "embeddings"))
        ]
    elif call.template:
        operations.append({"id": "one", "method": call.method, "url-template": call.template})
    return {
        "id": f"lab-{number}",
        "name": path,
        "path": f"lab-{number}",
        "backend": "models" if call is None else call.backend,
        "policy": f"{number}.xml",
        "subscription-required": True,
        "subscription-key": {"header": "api-key"},
        "operations": operations,
    }
