"""Finding artifacts folders and the files in them, within bounds: a repository may hold anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gateway.commands.importing.sources.apiops.layout import artifact_of, collection_of
from gateway.errors import LoadError, Location

MAX_FILES = 50_000
_MAX_DEPTH = 8  # a workspace, two collections with names, the file: seven
_SEARCH_DEPTH = 3  # folders between a repository's root and its artifacts
_MAX_FOLDERS = 5_000  # looked at in the search
_NEVER = frozenset({"node_modules", "__pycache__", "venv"})


def artifact_folders(path: Path) -> list[Path]:
    """The artifacts folders at or below *path*, in the order of their names; none for other sources."""
    if not path.is_dir():
        return []
    roots: list[Path] = []
    waiting = [(path, 0)]
    for folder, depth in waiting:
        if _is_artifacts(folder):
            roots.append(folder)
        elif depth < _SEARCH_DEPTH and len(waiting) < _MAX_FOLDERS:
            waiting += ((below, depth + 1) for below in _folders(folder))
    return sorted(roots)


def folder_of(file: Path) -> Path | None:
    """The artifacts folder that *file* belongs to, or None."""
    for depth, parent in enumerate(file.parents[:_MAX_DEPTH], 1):
        if artifact_of(file.parts[-depth:]) is not None and _is_artifacts(parent):
            return parent
    return None


def _is_artifacts(folder: Path) -> bool:
    """Whether *folder* has a collection with a resource that the tools wrote, or at least a policy and the name."""
    if any(_holds_a_resource(below) for below in _folders(folder) if collection_of(below.name)):
        return True
    return "artifacts" in folder.name.lower() and (folder / "policy.xml").is_file()


def _holds_a_resource(collection: Path) -> bool:
    """Whether a folder in *collection* has a file that is a resource's; unlike any folder that is called ``apis``."""
    for named in _folders(collection):
        names = (entry.name for entry in _entries(named) if entry.is_file(follow_symlinks=False))
        if any(name.endswith(".json") and artifact_of([collection.name, named.name, name]) for name in names):
            return True
    return False


def _folders(path: Path) -> list[Path]:
    """The folders in *path*, by name; not hidden ones, links and those that only tools fill."""
    return [folder for folder in _named_folders(path) if not folder.name.startswith(".") and folder.name not in _NEVER]


def _below(folder: Path, parts: tuple[str, ...]) -> list[Path]:
    """The folders in *folder* that are read; in a collection, each name is a resource's."""
    return _named_folders(folder) if parts and collection_of(parts[-1]) else _folders(folder)


def _named_folders(path: Path) -> list[Path]:
    """Every folder in *path*, by name; not links."""
    return [Path(entry.path) for entry in _entries(path) if entry.is_dir(follow_symlinks=False)]


def _entries(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def files_in(root: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """
    Every file in *root* and its path from there, by name; links are not followed.

    Raises:
        LoadError: More than *MAX_FILES* files, or folders that are too deep.
    """
    for count, (folder, parts, entry) in enumerate(_walked(root)):
        if count == MAX_FILES:
            raise LoadError.at(Location(str(root)), "too-large", f"more than {MAX_FILES} files", "import a part of it")
        yield folder / entry.name, (*parts, entry.name)


def _walked(root: Path) -> Iterator[tuple[Path, tuple[str, ...], os.DirEntry[str]]]:
    """Folder, its path from *root*, and file; also links, which are told from files later."""
    waiting: list[tuple[Path, tuple[str, ...]]] = [(root, ())]
    while waiting:
        folder, parts = waiting.pop()
        if len(parts) > _MAX_DEPTH:
            raise LoadError.at(Location(str(folder)), "too-deep", f"folders are nested more than {_MAX_DEPTH} deep")
        waiting += ((below, (*parts, below.name)) for below in reversed(_below(folder, parts)))
        yield from ((folder, parts, entry) for entry in _entries(folder) if entry.is_symlink() or entry.is_file())
