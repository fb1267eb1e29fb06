"""The console in a real browser: it looks as meant, fits, and nothing hostile on it comes to life."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx2
import pytest

from tests.management.console.browser import Page, browser
from tests.management.console.rig import hostile_product
from tests.management.console.test_pages import PAGES, traffic

WIDTH = 1000
GROUND = "getComputedStyle(document.body).backgroundColor"

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]  # one browser at a time


def _look(page: Page, origin: str) -> None:
    """Every page of the console."""
    traces = re.findall(r'href="(/console/traces/[^"]+)"', httpx2.get(f"{origin}/console/traces").text)
    assert len(traces) == 2
    for path in [*PAGES, *traces]:
        page.open(f"{origin}{path}")
        assert page.value("document.querySelector('h1').textContent")
        assert page.value("document.documentElement.scrollWidth") <= WIDTH, path
        assert page.value("document.querySelectorAll('script, img, iframe, object').length") == 0
        assert page.value("document.title").endswith("<script>document.title='owned'</script>")
        assert page.value("getComputedStyle(document.body).margin") == "0px"
    assert page.complaints == []
    page.open(f"{origin}/")
    assert page.value("document.querySelectorAll('svg polyline').length") == 4
    grounds = []
    for scheme in ("light", "dark"):
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        grounds.append(page.value(GROUND))
    assert grounds == ["rgb(246, 247, 249)", "rgb(18, 21, 27)"]


def test_in_a_browser(tmp_path: Path) -> None:
    """All pages fit 1000 pixels, have their style in both colour schemes, and break no rule of their own policy."""

    async def run() -> None:
        async with hostile_product(tmp_path) as running:
            await traffic(running)
            origin = f"http://127.0.0.1:{running.management}"
            await asyncio.to_thread(_visit, origin)

    def _visit(origin: str) -> None:
        with browser(tmp_path / "profile", WIDTH) as page:
            _look(page, origin)

    asyncio.run(run())


def test_the_policy_is_what_stops_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a script slipped through the escaping, the browser would refuse to run it: a second line of defence."""
    monkeypatch.setattr("gateway.management.console.markup.escape", lambda text: text)

    async def run() -> None:
        async with hostile_product(tmp_path) as running:
            origin = f"http://127.0.0.1:{running.management}"
            await asyncio.to_thread(_visit, origin)

    def _visit(origin: str) -> None:
        with browser(tmp_path / "profile", WIDTH) as page:
            page.open(f"{origin}/console/apis")
            assert page.value("document.querySelectorAll('script, img').length") > 0
            assert page.value("document.title") != "owned"
            assert any("Content Security Policy" in complaint for complaint in page.complaints)

    asyncio.run(run())
