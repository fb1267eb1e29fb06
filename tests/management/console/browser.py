"""
A real browser, driven over the Chrome DevTools Protocol: just enough of it to look at pages.

Source: https://chromedevtools.github.io/devtools-protocol/, domains Page, Runtime, Log and Emulation.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from websockets.sync.client import ClientConnection, connect

from tests import tools

PATIENCE_S = 60.0


class Page:
    """
    One page of the browser.

    Attributes:
        complaints: What the browser logged: violations of the content security policy, failed loads.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._events: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Log"):
            self.call(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Go to *url* and wait until everything is loaded."""
        self.call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._receive()
        self._events.clear()

    def value(self, expression: str) -> Any:
        """What a JavaScript expression is on this page; the debugger may run it whatever the page's policy says."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """One command and its result."""
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (answer := self._receive()).get("id") != number:
            pass
        assert "error" not in answer, answer
        found: dict[str, Any] = answer["result"]
        return found

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._connection.recv(PATIENCE_S))
        if "method" in message:
            self._events.append(message)
        if message.get("method") == "Log.entryAdded":
            self.complaints.append(message["params"]["entry"]["text"])
        return message


@contextmanager
def browser(profile: Path, width: int) -> Iterator[Page]:
    """A headless browser with a window *width* pixels wide, and its only page."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    options += ["--remote-debugging-port=0", f"--user-data-dir={profile}", f"--window-size={width},800", "about:blank"]
    with subprocess.Popen([tools.need("chromium"), *options], stderr=subprocess.PIPE, text=True) as process:
        try:
            with connect(_page_url(process), max_size=None) as connection:
                yield Page(connection)
        finally:
            process.kill()


def _page_url(process: subprocess.Popen[str]) -> str:
    """The DevTools address of the page that the browser began with."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"DevTools listening on ws://([^/]+)/", line):
            pages: list[dict[str, str]] = httpx2.get(f"http://{found[1]}/json/list", timeout=PATIENCE_S).json()
            return next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
    raise AssertionError("the browser did not start")
