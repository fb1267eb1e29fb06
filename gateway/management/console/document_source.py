"""Policy documents as they are written, with line numbers that steps and problems lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.management.console.markup import Html, badge, code, element, link

MOST_BYTES = 256 * 1024
MOST_DOCUMENTS = 20


@dataclass(frozen=True, slots=True)
class DocumentSources:
    """
    The documents of one API.

    Attributes:
        files: As the places in them name them.
        loaded: When they were loaded, seconds since the epoch.
        masked: A line without secrets of the configuration.
    """

    files: tuple[str, ...] = ()
    loaded: float = 0.0
    masked: Callable[[str], str] = str

    def anchor(self, position: str) -> str | None:
        """The address on the page of ``file:line``; None: it is of no document here."""
        file, _, line = position.rpartition(":")
        shown = self.files[:MOST_DOCUMENTS]
        return f"#source-{shown.index(file)}-{line}" if file in shown else None

    def shown(self) -> Iterable[Html]:
        """Each document, to be opened."""
        return (self._document(number, file) for number, file in enumerate(self.files[:MOST_DOCUMENTS]))

    def _document(self, number: int, file: str) -> Html:
        try:
            path = Path(file)
            text, changed = path.read_text("utf-8", "replace")[:MOST_BYTES], path.stat().st_mtime > self.loaded
        except OSError:
            return element("p", code(file), " cannot be read any more.")
        note = [" ", badge("changed since it was loaded", "warn")] if changed else []
        lines = (
            element("li", self.masked(line) or " ", id=f"source-{number}-{index}")
            for index, line in enumerate(text.splitlines(), 1)
        )
        return element("details", element("summary", code(file), *note), element("ol", *lines, class_="source"))


def placed(sources: DocumentSources, position: str) -> Html:
    """``line 7``, as a link to that line where it can be shown."""
    file, _, line = position.rpartition(":")
    anchor = sources.anchor(position)
    name = f"{Path(file).name}:{line}"
    return element("small", name) if anchor is None else link(anchor, name)
