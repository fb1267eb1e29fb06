"""The frame of every page: navigation, heading, and when it was made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.management.console import figures
from gateway.management.console.forms import posted
from gateway.management.console.markup import Html, element, joined, link
from gateway.management.logins import Person

_HEAD = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark">'
    '<link rel="stylesheet" href="/console/style.css"><script src="/console/script.js" defer></script>{title}</head>'
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
    pages: tuple[tuple[str, str], ...] = ()

    def bare(self) -> Frame:
        """The same without navigation, for those who are not logged in."""
        return Frame(self.service, self.version)

    def has(self, path: str) -> bool:
        """Whether there is such a page."""
        return path in dict(self.pages)

    def page(
        self,
        path: str,
        title: str,
        content: Iterable[object],
        now: float,
        live: bool = False,
        person: Person | None = None,
    ) -> Html:
        """A whole page. *path*: the page in the navigation that it belongs to; *live*: it is kept up to date."""
        head = _HEAD.format(title=element("title", f"{title} · {self.service}"))
        main = element(
            "main", element("h1", title), *content, id="main", tabindex="-1", data_live_page="" if live else None
        )
        skip = link("#main", "Skip to content", class_="skip")
        return joined(
            (
                Html(head),
                element("body", skip, self._header(path), main, self._footer(now, live, person)),
                Html("</html>"),
            )
        )

    def _header(self, path: str) -> Html:
        links = (link(target, name, aria_current="page" if target == path else None) for target, name in self.pages)
        nav = [element("nav", *links, aria_label="Console")] if self.pages else []
        return element("header", element("strong", self.service), *nav)

    def _footer(self, now: float, live: bool, person: Person | None) -> Html:
        made = element("p", f"gateway {self.version} · {figures.moment(now)} UTC", id="made", data_live="")
        control = [element("p", "", id="live-control")] if live else []
        leave = [_logout(person)] if person is not None and person.way == "session" else []
        return element("footer", made, *control, *leave)


def _logout(person: Person) -> Html:
    return posted("/console/logout", person, element("button", "Log out", type="submit"))
