"""
Files that templates name: read only inside the folder that holds the whole source, each up to a size.

A template is somebody else's text: ``loadTextContent('../../../etc/passwd')`` must not bring that file into a
configuration. Links (``https://…/policies/orders.xml``) are never fetched: they are looked for among the files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

from gateway.commands.importing.sources.template.limits import EvaluationFault
from gateway.errors import Location

MAX_BYTES = 1 << 22
MAX_FILES = 20_000
_COMMON_NAMES = {f"{stem}.{suffix}" for stem in ("swagger", "openapi") for suffix in ("json", "yaml", "yml")}
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_SKIPPED = {".git", "node_modules", ".venv", "bin", "obj"}


@dataclass(slots=True)
class SourceFiles:
    """
    The files of one source.

    Attributes:
        root: Nothing outside this folder is read.
    """

    root: Path
    _texts: dict[Path, str] = field(default_factory=dict)
    _by_name: dict[str, list[Path]] | None = None

    @classmethod
    def around(cls, source: Path) -> SourceFiles:
        """The files of *source*: those of its repository, or else of its folder."""
        folder = source if source.is_dir() else source.parent
        repository = next((at for at in (folder, *folder.absolute().parents) if (at / ".git").exists()), None)
        return cls(repository or folder)

    def beside(self, name: str, file: str, location: Location) -> Path:
        """
        The file that *file* calls *name*.

        Raises:
            EvaluationFault: It is not there, or outside the source.
        """
        path = Path(os.path.normpath(Path(file).parent / name.replace("\\", "/")))
        try:
            if not path.resolve().is_relative_to(self.root.resolve()):
                raise EvaluationFault(location, f"{name} is outside {self.root} and is not read")
            if path.is_file():
                return path
        except (OSError, ValueError, RuntimeError):
            pass
        raise EvaluationFault(location, f"the file {name} is not there")

    def text(self, path: Path, location: Location) -> str:
        """
        The text of *path*, which `beside` or `linked` gave.

        Raises:
            EvaluationFault: Not readable, not UTF-8, or too large.
        """
        if path not in self._texts:
            self._texts[path] = self._decoded(path, location)
        return self._texts[path]

    def data(self, path: Path, location: Location) -> bytes:
        """
        The bytes of *path*, which `beside` gave.

        Raises:
            EvaluationFault: Not readable, or too large.
        """
        try:
            if not path.is_file():
                raise EvaluationFault(location, f"{path.name} is not a regular file")
            if path.stat().st_size > MAX_BYTES:
                raise EvaluationFault(location, f"{path.name} is larger than {MAX_BYTES:,} bytes")
            return path.read_bytes()
        except OSError as error:
            raise EvaluationFault(location, f"{path.name} cannot be read: {error.strerror}") from None

    def _decoded(self, path: Path, location: Location) -> str:
        data = self.data(path, location)
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            raise EvaluationFault(location, f"{path.name} is not UTF-8") from None

    def linked(self, link: str) -> Path | None:
        """
        The one file of the source that the end of *link* names; None if none does, or several do equally well.

        A link to ``https://host/repository/main/policies/orders.xml`` means the file with the longest common end. One
        to ``https://host/v2/swagger.json`` may be to anything: a name that every project has needs its folder as well.
        """
        steps = _steps(link)
        scores = {path: _common_end(path, self.root, steps) for path in self._named(steps[-1] if steps else "")}
        most = max(scores.values(), default=0)
        best = [path for path in scores if scores[path] == most]
        return best[0] if len(best) == 1 and most >= _enough(link, steps[-1]) else None

    def _named(self, name: str) -> list[Path]:
        if self._by_name is None:
            self._by_name = {}
            for path in walk(self.root):
                self._by_name.setdefault(path.name.lower(), []).append(path)
        return self._by_name.get(name.lower(), [])


def without_query(link: str) -> str:
    """*link* as reports show it: the query may hold a token (SAS)."""
    return link.partition("?")[0]


def _enough(link: str, name: str) -> int:
    """How many steps of a link must be those of a file."""
    return 1 if link.startswith("{") or name.lower() not in _COMMON_NAMES else 2


def _steps(link: str) -> list[str]:
    """The path in *link*; what is unknown in it (a base, a token behind the path) divides it."""
    path = unquote(_PLACEHOLDER.sub("/", link.partition("?")[0].partition("#")[0]))
    return [step for step in path.replace("\\", "/").split("/") if step.strip(".")]


def _common_end(path: Path, root: Path, steps: list[str]) -> int:
    own = path.relative_to(root).parts
    count = 0
    for mine, theirs in zip(reversed(own), reversed(steps), strict=False):
        if mine.lower() != theirs.lower():
            break
        count += 1
    return count


def walk(folder: Path) -> Iterator[Path]:
    """
    The files below *folder*, sorted by folder; links are not followed, MAX_FILES at most.

    What is not a regular file is left out: a pipe would never end.
    """
    return islice((path for path in _everything(folder) if path.is_file() and not path.is_symlink()), MAX_FILES)


def _everything(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        yield from (Path(base) / name for name in sorted(names))
