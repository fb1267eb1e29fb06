"""A real browser for the console's pages, and what axe-core finds on one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests import tools

WIDTHS = (390, 768, 1280)
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
# WCAG 2.2 AA, and what axe-core calls best practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """rules => axe.run(document, {resultTypes: ["violations"], runOnly: rules})
.then(found => found.violations.map(rule => rule.id + ": " + rule.nodes.map(node => node.html).join()))"""


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=tools.need("chromium"), args=options)
        try:
            yield started
        finally:
            started.close()


@contextmanager
def page(browser: Browser, width: int = 1000, **settings: Any) -> Iterator[tuple[Page, list[str]]]:
    """A page of a fresh profile, and what the browser complains about: broken rules of the page's policy, failures."""
    context = browser.new_context(viewport={"width": width, "height": 800}, **settings)
    complaints: list[str] = []
    opened = context.new_page()
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield opened, complaints
    finally:
        context.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds: rule and elements."""
    page.evaluate(AXE)  # evaluated by the debugger, which the page's policy does not bind
    found: list[str] = page.evaluate(RUN, RULES)
    return found


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider
