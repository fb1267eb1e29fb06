"""Attacks on the console in a real browser: a page of another origin can neither act, nor read, nor log anybody out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import structlog.testing
from playwright.sync_api import Page

from tests.acceptance.rig import Product
from tests.management.console.acting import ACTING, TOKEN
from tests.management.console.browser import browser, page
from tests.management.console.rig import hostile_product

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]

SECRET = "<!doctype html><title>evil</title><p>evil"


@contextmanager
def another_site() -> Iterator[str]:
    """A page of another origin on the same machine: another port, which cookies do not tell apart."""

    class Evil(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(SECRET.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Evil)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _login(opened: Page, origin: str) -> None:
    opened.goto(f"{origin}/console/dependencies")
    opened.fill("input[name=token]", TOKEN)
    opened.click("button:has-text('Log in')")
    assert opened.inner_text("h1") == "Issuers and backends"


def _form(opened: Page, url: str, kind: str) -> int:
    """The status of what the page answers to a form that a script of another site posts."""
    script = """([url, kind]) => { const form = document.createElement("form"); form.method = "post"; form.action = url;
        form.enctype = kind; const field = document.createElement("input"); field.name = "kid"; field.value = "k1";
        form.append(field); document.body.append(form); form.submit(); }"""
    with opened.expect_navigation() as answered:
        opened.evaluate(script, [url, kind])
    return answered.value.status if answered.value else 0


def _fetched(opened: Page, url: str, options: str) -> str:
    """What a script of the page can read of *url*."""
    read: str = opened.evaluate(f"url => fetch(url, {options}).then(a => a.text()).catch(() => 'nothing')", url)
    return read


def test_from_another_origin(tmp_path: Path) -> None:
    """Whoever is logged in opens another site: nothing is done, nothing read, nothing framed, and the login stays."""

    def attack(origin: str, evil: str) -> None:
        with browser() as started, page(started) as (opened, _complaints):
            _login(opened, origin)
            for path in ("/console/actions/withdraw-key", "/console/logout", "/withdrawn-keys", "/console/login"):
                for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data"):
                    opened.goto(evil)
                    assert _form(opened, f"{origin}{path}", kind) == 403, (path, kind)
            opened.goto(evil)
            for options in ("{credentials: 'include'}", "{mode: 'no-cors', credentials: 'include'}"):
                for path in ("/", "/console/state.json", "/console/live?page=/", "/metrics", "/readyz"):
                    assert _fetched(opened, f"{origin}{path}", options) in ("nothing", ""), path
            assert _framed(opened, origin) == "nothing"
            opened.goto(f"{origin}/console/dependencies")
            assert opened.inner_text("h1") == "Issuers and backends"

    async def run() -> None:
        async with hostile_product(tmp_path, ACTING) as running:
            with another_site() as evil, structlog.testing.capture_logs() as lines:
                await asyncio.to_thread(attack, f"http://127.0.0.1:{running.management}", evil)
            assert [line for line in lines if line["event"] == "console_action"] == []

    asyncio.run(run())


def _framed(opened: Page, origin: str) -> str:
    """What can be seen in a frame of another site."""
    frame = "const frame = document.createElement('iframe'); frame.src = url; document.body.append(frame);"
    opened.evaluate(f"url => {{ {frame} }}", origin)
    opened.wait_for_timeout(500)
    shown = [frame.evaluate("document.body.innerText") for frame in opened.frames[1:]]
    return "a page" if any("Overview" in text for text in shown) else "nothing"


def test_a_button_in_a_real_browser(tmp_path: Path) -> None:
    """The same in good faith: log in, fill in the form, press the button, log out; no script sees the cookie."""

    def act(origin: str, running: Product) -> None:
        with browser() as started, page(started, 390) as (opened, complaints):
            _login(opened, origin)
            assert opened.evaluate("document.cookie") == ""
            opened.fill("input[name=kid]", "k1")
            opened.click("button:has-text('Withdraw the key')")
            assert "Withdrawn." in opened.inner_text("main")
            opened.click("text=Back")
            opened.click("button:has-text('Log out')")
            opened.goto(f"{origin}/")
            assert opened.inner_text("h1") == "Log in"
            assert complaints == []

    async def run() -> None:
        async with hostile_product(tmp_path, ACTING) as running:
            await asyncio.to_thread(act, f"http://127.0.0.1:{running.management}", running)

    asyncio.run(run())
