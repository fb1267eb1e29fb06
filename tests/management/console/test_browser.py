"""The console in a real browser: it can be used by everyone, fits, and nothing hostile on it comes to life."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page

from tests.acceptance.rig import Product
from tests.management.console.browser import WIDTHS, browser, page, sideways, violations
from tests.management.console.rig import hostile_product
from tests.management.console.test_pages import PAGES, traffic

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]  # one browser at a time


def visit(directory: Path, look_around: Callable[[Browser, str, Product], None]) -> None:
    """Have some traffic, then look with a browser at the console's origin."""

    def look(origin: str, running: Product) -> None:
        with browser() as started:
            look_around(started, origin, running)

    async def run() -> None:
        async with hostile_product(directory) as running:
            await traffic(running)
            await asyncio.to_thread(look, f"http://127.0.0.1:{running.management}", running)

    asyncio.run(run())


def every_page(origin: str) -> list[str]:
    """The paths of all pages, those of the traces included."""
    traces = re.findall(r'href="(/console/traces/[^"]+)"', httpx2.get(f"{origin}/console/traces").text)
    requests = re.findall(r'href="(/console/requests/[^"]+)"', httpx2.get(f"{origin}/console/requests").text)
    assert (len(traces), len(requests) >= 3) == (2, True)
    forms = ["/console/try?path=/evil/one/1", "/console/token", "/console/login"]
    return [*PAGES, *traces, *requests[:2], *forms]


def test_the_overview_on_a_telephone(tmp_path: Path) -> None:
    """At 390 pixels the first page fits, breaks no rule of its own, passes axe, and shows news without a reload."""

    def look(started: Browser, origin: str, running: Product) -> None:
        with page(started, 390) as (opened, complaints):
            opened.goto(f"{origin}/")
            assert violations(opened) == []
            assert sideways(opened) == 0
            running.gateway.readiness.draining = True
            opened.wait_for_selector("#headline li:has-text('draining')", timeout=30_000)
            assert complaints == []

    visit(tmp_path, look)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page(tmp_path: Path, width: int, scheme: str) -> None:
    """No page scrolls sideways, breaks its own policy, or has anything that axe-core finds, in either scheme."""

    def look(started: Browser, origin: str, _: Product) -> None:
        with page(started, width, color_scheme=scheme) as (opened, complaints):
            for path in every_page(origin):
                opened.goto(f"{origin}{path}")
                assert (path, violations(opened)) == (path, [])
                assert (path, sideways(opened)) == (path, 0)
                assert opened.evaluate("document.querySelectorAll('script').length") == 1
                assert opened.evaluate("document.querySelectorAll('img, iframe, object').length") == 0
                assert opened.title().endswith("<script>document.title='owned'</script>")
            assert complaints == []

    visit(tmp_path, look)


@pytest.mark.slow
def test_with_the_keyboard(tmp_path: Path) -> None:
    """The first key leads past the navigation; every link and field can be reached, and one sees where one is."""

    def look(started: Browser, origin: str, _: Product) -> None:
        with page(started) as (opened, _complaints):
            opened.goto(f"{origin}/console/apis")
            opened.keyboard.press("Tab")
            assert _focused(opened, "textContent") == "Skip to content"
            opened.keyboard.press("Enter")
            assert _focused(opened, "id") == "main"
            opened.goto(f"{origin}/console/apis")
            reached = _walk(opened)
            everything = opened.evaluate("document.querySelectorAll('a[href], button, input, select, textarea').length")
            assert len(reached) == everything
            assert all(style == "solid" for style in reached)

    visit(tmp_path, look)


def _focused(opened: Page, name: str) -> object:
    return opened.evaluate(f"document.activeElement.{name}")


def _walk(opened: Page) -> list[str]:
    """The outline of each element that the tabulator key reaches, until it comes back to the page itself."""
    outlines: list[str] = []
    for _ in range(200):
        opened.keyboard.press("Tab")
        if _focused(opened, "tagName") == "BODY":
            break
        outlines.append(str(opened.evaluate("getComputedStyle(document.activeElement).outlineStyle")))
    return outlines


@pytest.mark.slow
def test_without_script(tmp_path: Path) -> None:
    """A browser that runs no script shows the same pages."""

    def look(started: Browser, origin: str, _: Product) -> None:
        with page(started, java_script_enabled=False) as (opened, _complaints):
            for path in every_page(origin):
                opened.goto(f"{origin}{path}")
                assert opened.inner_text("h1")
                assert len(opened.inner_text("main")) > 20, path

    visit(tmp_path, look)


@pytest.mark.slow
def test_the_policy_is_what_stops_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a script slipped through the escaping, the browser would refuse to run it: a second line of defence."""
    monkeypatch.setattr("gateway.management.console.markup.escape", lambda text: text)

    def look(started: Browser, origin: str, _: Product) -> None:
        with page(started) as (opened, complaints):
            opened.goto(f"{origin}/console/apis")
            assert opened.evaluate("document.querySelectorAll('img').length") > 0
            assert opened.title() != "owned"
            assert any("Content Security Policy" in complaint for complaint in complaints)

    visit(tmp_path, look)
