"""``gateway demo --ai``: the calls that it prints do what they say, and docs/ai-gateway.md shows the same ones."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

from gateway.commands.demo import models, running
from gateway.config import Config
from gateway.emulators.openai import OpenAIEmulator
from gateway.emulators.serving import Binding, serve_here
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.wire.server.serve import bind

pytestmark = pytest.mark.needs("curl")

PAGE = (Path(__file__).parents[2] / "docs" / "ai-gateway.md").read_text()
STEP = re.compile(r"^(\d)\. ", re.MULTILINE)


@dataclass
class ShownDemo:
    """A demo that runs, and its printed text."""

    banner: str
    config: Config

    async def step(self, number: int) -> str:
        """What a shell prints for the commands of one step."""
        script = "\n".join(_commands(self.banner, number))
        shell = await asyncio.create_subprocess_exec(
            "bash", "-eu", "-c", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        said, wrong = await asyncio.wait_for(shell.communicate(), 20)
        assert shell.returncode == 0, wrong.decode()
        return said.decode()


def _commands(banner: str, number: int) -> list[str]:
    _, *parts = STEP.split(banner)
    text = dict(zip(parts[::2], parts[1::2], strict=True))[str(number)].partition("\nIn front of")[0]
    return [line.strip() for line in text.splitlines() if line.startswith("     ")]


@asynccontextmanager
async def _shown(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ShownDemo]:
    """The demo on ports that are free, whatever they are."""

    def anywhere(part: object, binding: Binding) -> object:
        return serve_here(part, Binding(binding.host))

    monkeypatch.setattr(running, "serve_here", anywhere)
    monkeypatch.setattr(models, "PACE_S", 0.0)
    async with AsyncExitStack() as ending:
        gateway, facts = await models.start(8080, "127.0.0.1", ending)
        sockets = Sockets(bind("127.0.0.1", 0), bind("127.0.0.1", 0))
        server = await ending.enter_async_context(serving_gateway(LiveGateway(gateway), sockets))
        facts |= {"port": str(server.port), "management_port": str(sockets.management.getsockname()[1])}
        yield ShownDemo(running.render("ai-banner.txt", facts), gateway.config)


def _run(monkeypatch: pytest.MonkeyPatch, scenario: Callable[[ShownDemo], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with _shown(monkeypatch) as demo:
            await scenario(demo)

    asyncio.run(whole())


def test_the_printed_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call, a stream, a throttled deployment, a team without tokens, and the metrics: each as the text says."""
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    async def scenario(demo: ShownDemo) -> None:
        call = await demo.step(1)
        assert re.search(r"(?i)x-ms-region: swedencentral", call)
        assert re.search(r"(?i)x-tokens-left: \d+", call)
        assert "You said: Say hello in French" in call
        stream = await demo.step(2)
        assert stream.strip().endswith("data: [DONE]")
        assert '"total_tokens"' in stream
        throttled = await demo.step(3)
        assert re.search(r"HTTP/1.1 200", throttled)
        assert re.search(r"(?i)x-ms-region: eastus", throttled)
        statuses = (await demo.step(4)).split()
        assert (statuses[0], set(statuses[1:-1]), statuses[-1]) == ("200", {"200", "429"}, "200")
        assert statuses[-2] == "429"
        assert re.search(r'apim_demo_total_tokens_sum\{[^}]*"team-b"[^}]*\} [1-9]', await demo.step(5))

    _run(monkeypatch, scenario)


def test_an_endpoint_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """One variable puts another endpoint behind the gateway, with its key, which no caller sees and no caller needs."""

    async def scenario() -> None:
        own = OpenAIEmulator(name="own", keys=["own-key"])
        async with serve_here(own) as base_url:
            monkeypatch.setenv("OPENAI_BASE_URL", f"{base_url}/v1")
            monkeypatch.setenv("OPENAI_API_KEY", "own-key")
            monkeypatch.setenv("OPENAI_MODEL", "my-model")
            async with _shown(monkeypatch) as demo:
                answer = await demo.step(1)
                assert "x-ms-region: own" in answer.lower()
                assert "own-key" not in answer + demo.banner
        headers = own.received[0]["headers"]
        assert (headers["authorization"], headers.get("api-key")) == ("Bearer own-key", None)
        assert '"my-model"' in own.received[0]["body"]

    asyncio.run(scenario())


def test_the_page_shows_the_same_calls() -> None:
    """What the demo prints with its usual ports is on the page, word for word."""
    facts = {"name": "127.0.0.1", "port": "8080", "management_port": "8081", "first": "http://127.0.0.1:8082"}
    facts |= {"model": models.MODEL, "where": "", "login": ""}
    printed = [line.strip() for line in running.render("ai-banner.txt", facts).splitlines() if line.startswith("     ")]
    shown = [line.strip().removeprefix("$ ") for line in PAGE.splitlines() if line.strip().startswith("$ ")]
    assert set(printed) <= set(shown)
    assert set(shown) - set(printed) == {"gateway demo --ai"}


def test_the_page_shows_the_policy() -> None:
    """The lines of the policy on the page are those of the document that runs."""
    document = files("gateway.commands.demo").joinpath("ai-policy.xml").read_text("utf-8")
    shown = re.search(r"```xml\n(.*?)```", PAGE, re.DOTALL)
    assert shown
    whole = {line.strip() for line in document.splitlines()}
    assert {line.strip() for line in shown[1].splitlines()} <= whole
