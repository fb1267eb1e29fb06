"""
Which folders of a source Terraform would run in: those with files that no other module calls.

Source: Terraform's documentation, "Modules Overview".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from gateway.commands.importing.sources.terraform.modules import configuration_files

_MOST_FOLDERS = 5_000
_DEEPEST_FOLDER = 12
_SEEN = 1 << 18  # bytes of a file that are looked through
_LEFT = frozenset((".git", ".terraform", "node_modules", ".venv"))
_WANTED = re.compile(rb"azurerm_api_management|Microsoft\.ApiManagement/service", re.IGNORECASE)
_SOURCE = re.compile(rb'"?source"?\s*[=:]\s*"(\.\.?/[^"$\0]{0,1000})"')
_EXAMPLES = frozenset(("example", "examples", "test", "tests"))


def root_folders(source: Path) -> list[Path]:
    """The root modules of *source*: itself, or those below it that lead to API Management."""
    folder = source if source.is_dir() else source.parent
    if source.is_file() or _WANTED.search(_text(folder)):
        return [folder]
    texts = {path: _text(path) for path in _folders(folder)}
    called = {path: _called(path, text) for path, text in texts.items()}
    below = [] if _leads(folder, texts, called) else _below(folder, texts, called)
    return below or [folder]


def _below(folder: Path, texts: dict[Path, bytes], called: dict[Path, set[Path]]) -> list[Path]:
    below = set().union(*called.values())
    chosen = [path for path in texts if _real(path) not in below and _leads(path, texts, called)]
    shown = [path for path in chosen if not _EXAMPLES & set(path.relative_to(folder).parts)]
    return shown or chosen


def _folders(start: Path) -> Iterator[Path]:
    for seen, (parent, folders, files) in enumerate(os.walk(start)):
        depth = len(Path(parent).relative_to(start).parts)
        folders[:] = sorted(set(folders) - _LEFT) if depth < _DEEPEST_FOLDER else []
        if seen >= _MOST_FOLDERS:
            return
        if any(name.endswith((".tf", ".tf.json")) for name in files):
            yield Path(parent)


def _text(folder: Path) -> bytes:
    """The beginnings of a module's files."""
    return b"\n".join(_beginning(path) for path in configuration_files(folder))


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_SEEN)
    except OSError:
        return b""


def _called(folder: Path, text: bytes) -> set[Path]:
    """The folders of the local modules that *text* calls."""
    sources = [match[1].decode("utf-8", "replace") for match in _SOURCE.finditer(text)]
    return {_real(Path(os.path.normpath(folder / source))) for source in sources}


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises for symlinks in a circle


def _leads(start: Path, texts: dict[Path, bytes], called: dict[Path, set[Path]]) -> bool:
    """Whether *start*, or a module that it calls, has resources of API Management."""
    by_place = {_real(path): path for path in texts}
    waiting, seen = [_real(start)], set()
    while waiting:
        place = waiting.pop()
        path = by_place.get(place)
        if place in seen or path is None:
            continue
        seen.add(place)
        if _WANTED.search(texts[path]):
            return True
        waiting += called[path]
    return False


def has_configuration(path: Path) -> bool:
    """Whether Terraform's files for API Management are at *path*."""
    if path.is_file():
        return path.name.endswith((".tf", ".tf.json"))
    if configuration_files(path):
        return True
    return path.is_dir() and any(_WANTED.search(_text(folder)) for folder in _folders(path))
