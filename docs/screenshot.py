"""
Takes the pictures in ``console.md`` and ``find-out-why.md`` again: ``python -m docs.screenshot``. Needs Chromium.

Runs the demo, with a backend that is down and an API with a limit beside its own, and a minute and a half of made-up
traffic: calls that work, calls that are refused for different reasons, and batch jobs.
"""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2
import uvloop
from playwright.async_api import Page, async_playwright

from gateway.assembly.app import build
from gateway.commands.demo import running as demo
from gateway.config import parse
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.telemetry import logs

IMAGES = Path(__file__).parent / "images"
WIDTH, HEIGHT = 1000, 880
PORT = 23_180
SECONDS = 90.0
LOGIN = "a-token-for-pictures-only"
FAILED_JOB = 4711  # which F&O does not know

BACKENDS = """backends:
  stock: {url: "http://127.0.0.1:1", circuit-breaker: {count: 3, trip-duration: 10m}}
"""
APIS = """apis:
  - {id: stock, path: stock, backend: stock}
  - {id: prices, path: prices, backend: echo, policy: limit.xml}
"""
LIMIT = """<policies>
  <inbound>
    <base />
    <rate-limit-by-key calls="5" renewal-period="300" counter-key="@(context.Request.IpAddress)" />
  </inbound>
  <backend><base /></backend>
  <outbound><base /></outbound>
  <on-error><base /></on-error>
</policies>
"""


async def take() -> None:
    """Start the demo, call it, and take the pictures."""
    async with running() as facts:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{facts['port']}") as client:
            token = await _token(facts, "api://batch/.default")
            await _jobs(client, token, facts)
            await _traffic(client, token, facts)
        await _photograph(f"http://127.0.0.1:{facts['management_port']}", token)


@asynccontextmanager
async def running() -> AsyncIterator[dict[str, str]]:
    """The demo with what is added here, and the addresses of its parts."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "limit.xml").write_text(LIMIT)
        async with AsyncExitStack() as stack:
            former, facts = await demo.start(PORT, "127.0.0.1", stack)
            text = demo.render("config.yaml", {**facts, "console": f"{{token: {LOGIN}, actions: true}}"})
            text = text.replace("backends:\n", BACKENDS, 1).replace("apis:\n", APIS, 1)
            gateway = build(parse(text, "config.yaml", directory, {}))
            if former.console is not None and gateway.console is not None:
                gateway.console.process.abilities["mint"] = former.console.process.abilities["mint"]
            await stack.enter_async_context(serving_gateway(LiveGateway(gateway), Sockets.bound(gateway.config)))
            yield facts


async def _token(facts: dict[str, str], scope: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": facts["client"], "client_secret": facts["secret"]}
    async with httpx2.AsyncClient() as client:
        url = f"{facts['entra']}/{facts['tenant']}/oauth2/v2.0/token"
        answer = await client.post(url, data={**form, "scope": scope})
    return str(answer.json()["access_token"])


async def _jobs(client: httpx2.AsyncClient, token: str, facts: dict[str, str]) -> None:
    """A batch job that succeeds, and one that F&O does not have."""
    for batch in (5637515827, FAILED_JOB):
        body = {"batchId": batch, "callbackUrl": f"{facts['receiver']}/callbacks/demo"}
        await client.post("/batch/jobs", json=body, headers={"Authorization": f"Bearer {token}"})


async def _traffic(client: httpx2.AsyncClient, token: str, facts: dict[str, str]) -> None:
    """Traffic that rises and falls, so that there are curves to see."""
    began = time.monotonic()
    other = await _token(facts, f"{facts['client']}/.default")  # made for the client itself
    while (elapsed := time.monotonic() - began) < SECONDS:
        good = {"Authorization": f"Bearer {token}"}
        for _ in range(round(12 + 9 * math.sin(elapsed / 14))):
            await client.get("/echo/hello", headers=good)
        await client.get("/echo/open")
        if elapsed % 3 < 1:
            await client.get("/echo/hello", headers={"Authorization": f"Bearer {token[:-9]}AAAAAAAAA"})
            await client.get("/echo/hello")
            await client.get("/prices/list")
            await client.get("/nowhere")
        if elapsed > SECONDS - 12:
            await client.get("/stock/items/7")
        await asyncio.sleep(0.5)
    await client.get("/echo/hello", headers={"Authorization": f"Bearer {other}"})


async def _photograph(origin: str, token: str) -> None:
    """Every picture, in the order of the pages."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        await page.goto(f"{origin}/")
        await page.fill("input[name=token]", LOGIN)
        await page.click("button:has-text('Log in')")
        await _shoot(page, "console")
        await page.goto(f"{origin}/console/requests?status=4xx")
        await _shoot(page, "console-requests")
        for name, reason in (
            ("why-401", "TokenAudienceNotAllowed"),
            ("why-429", "RateLimitExceeded"),
            ("why-503", "BackendConnectionFailure"),
        ):
            await page.goto(f"{origin}/console/requests?reason={reason}")
            await page.click("#requests td a >> nth=0")
            await _shoot(page, name)
        await page.goto(f"{origin}/console/notifications?batch={FAILED_JOB}")
        await page.click("#latest td a >> nth=0")
        await _shoot(page, "why-job")
        await page.goto(f"{origin}/console/token")
        await page.fill("textarea[name=token]", token)
        await page.click("button:has-text('Inspect')")
        await page.evaluate("document.querySelector('textarea').value = 'eyJ…'")
        await _shoot(page, "console-token")
        await page.goto(f"{origin}/console/try?path=/prices/list")
        await page.select_option("select[name=stub]", "200")
        await page.click("button:has-text('Send it')")
        await _shoot(page, "console-try")
        await browser.close()


async def _shoot(page: Page, name: str) -> None:
    await page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    logs.configure("error", "console")
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        uvloop.run(take())
