"""The labs' policy documents, out of git: a work tree is not needed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_DOCUMENT = re.compile(rb"<policies\b")


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its path in the repository, and its text as it is there."""

    path: str
    content: bytes

    @property
    def text(self) -> str:
        """As characters."""
        return self.content.decode("utf-8-sig", "replace")

    def filled(self, values: Mapping[str, str]) -> str:
        """The text, with what the labs' notebooks fill in before they deploy it, and Azure's hosts on loopback."""
        text = self.text
        for written, value in values.items():
            text = text.replace(written, value)
        return text


def commit(repository: Path) -> str:
    """The commit of the clone."""
    return _git(repository, "rev-parse", "HEAD").decode().strip()


def documents(repository: Path) -> Iterator[Document]:
    """Every policy document of the commit."""
    listing = _git(repository, "ls-tree", "-r", "-z", "HEAD").decode()
    for entry in filter(None, listing.split("\0")):
        facts, _, path = entry.partition("\t")
        if path.endswith(".xml"):
            content = _git(repository, "cat-file", "blob", facts.split()[2])
            if _DOCUMENT.search(content):
                yield Document(path, content)


def _git(repository: Path, *command: str) -> bytes:
    return subprocess.run(["git", "-C", str(repository), *command], check=True, capture_output=True).stdout
