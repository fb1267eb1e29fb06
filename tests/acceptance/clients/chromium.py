"""Chromium, which uses HTTP/2 where TLS offers it, and HTTP/1.1 without TLS."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, Playwright, async_playwright

from tests import tools
from tests.acceptance.clients.exchange import Ask, Line, Seen

_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
_FETCH = """async ask => {
  const body = ask.body === null ? undefined : Uint8Array.from(atob(ask.body), letter => letter.charCodeAt(0));
  performance.clearResourceTimings();
  const answer = await fetch(ask.path, {method: ask.method, headers: ask.fields, body, cache: "no-store"});
  const content = new Uint8Array(await answer.arrayBuffer());
  await new Promise(done => setTimeout(done, 0));
  const entry = performance.getEntriesByType("resource").at(-1);
  let text = "";
  for (const octet of content.subarray(0, 65536)) text += String.fromCharCode(octet);
  return {protocol: entry ? entry.nextHopProtocol : "", status: answer.status,
          fields: Object.fromEntries(answer.headers), length: content.length, body: btoa(text)};
}"""
_SPEAK = """([url, text]) => new Promise((done, failed) => {
  const socket = new WebSocket(url);
  socket.onopen = () => socket.send(text);
  socket.onmessage = event => { done(event.data); socket.close(); };
  socket.onerror = () => failed(new Error("the WebSocket failed"));
})"""


class Chromium:
    """One browser with one page for each origin."""

    def __init__(self, ca: Path) -> None:
        self._program = tools.need("chromium")
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._pages: dict[str, Page] = {}

    async def call(self, line: Line, origin: str, ask: Ask) -> Seen:
        page = await self._page(origin)
        fields = dict(ask.fields)
        if cookie := fields.pop("cookie", None):
            pairs = [pair.partition("=") for pair in cookie.replace("\n", "; ").split("; ")]
            await page.context.add_cookies([{"name": name, "value": value, "url": origin} for name, _, value in pairs])
        body = None if ask.body is None else base64.b64encode(ask.body).decode()
        job = {"path": ask.path, "method": ask.method, "fields": fields, "body": body}
        answer: dict[str, Any] = await page.evaluate(_FETCH, job)
        await page.context.clear_cookies()
        version = {"h2": 2, "http/1.1": 1, "": 0}[answer["protocol"]]
        return Seen(version, answer["status"], answer["fields"], answer["length"], base64.b64decode(answer["body"]))

    async def speak(self, origin: str, path: str, text: str) -> str:
        """Send *text* over a WebSocket; what came back."""
        page = await self._page(origin)
        echo: str = await page.evaluate(_SPEAK, [origin.replace("http", "ws", 1) + path, text])
        return echo

    async def _page(self, origin: str) -> Page:
        if self._browser is None:
            self._playwright = await async_playwright().start()
            self._browser = await self._playwright.chromium.launch(executable_path=self._program, args=_OPTIONS)
        if origin not in self._pages:
            context = await self._browser.new_context(ignore_https_errors=True)
            self._pages[origin] = await context.new_page()
            await self._pages[origin].goto(f"{origin}/open/page")
        return self._pages[origin]

    async def aclose(self) -> None:
        """End the browser."""
        if self._browser is not None and self._playwright is not None:
            await self._browser.close()
            await self._playwright.stop()
