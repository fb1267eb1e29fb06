"""The frame of every page: navigation, heading, and when it was made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.management.console import figures
from gateway.management.console.markup import Html, element, joined, link

_HEAD = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
    '<link rel="stylesheet" href="/console/style.css">{refresh}{title}</head>'
)


@dataclass(frozen=True, slots=True)
class Frame:
    """
    What all pages have in common.

    Attributes:
        pages: Path and name of the pages that this gateway has.
    """

    service: str
    version: str
    pages: tuple[tuple[str, str], ...]

    def has(self, path: str) -> bool:
        """Whether there is such a page."""
        return path in dict(self.pages)

    def page(self, path: str, title: str, content: Iterable[object], now: float, refresh_s: int | None = None) -> Html:
        """A whole page. *path*: the page in the navigation that it belongs to; *refresh_s*: how often it refreshes."""
        refresh = "" if refresh_s is None else f'<meta http-equiv="refresh" content="{refresh_s}">'
        head = _HEAD.format(refresh=refresh, title=element("title", f"{title} · {self.service}"))
        main = element("main", element("h1", title), *content)
        return joined(
            (Html(head), element("body", self._header(path), main, self._footer(now, refresh_s)), Html("</html>"))
        )

    def _header(self, path: str) -> Html:
        links = (link(target, name, aria_current="page" if target == path else None) for target, name in self.pages)
        return element("header", element("strong", self.service), element("nav", *links))

    def _footer(self, now: float, refresh_s: int | None) -> Html:
        often = f" · refreshes every {refresh_s} s" if refresh_s else ""
        return element("footer", f"gateway {self.version} · {figures.moment(now)} UTC{often}")
