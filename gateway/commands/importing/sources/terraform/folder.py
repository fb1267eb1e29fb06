"""
The files that a Terraform source may read: those of the repository around it, and no others.

Paths are relative to the root module's folder, where Terraform runs.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from gateway.commands.importing.sources.terraform.values import EvaluationError
from gateway.errors import Location
from gateway.reading.yaml_nodes import Scalar

LARGEST_FILE = 1 << 22
MOST_FILES = 20_000  # that a folder may have to be looked through
_UPWARDS = 12  # folders above the source in which a repository may begin


def repository(folder: Path) -> Path:
    """The repository that *folder* is in; *folder* itself where there is none."""
    for candidate in [folder, *list(folder.parents)[:_UPWARDS]]:
        if (candidate / ".git").exists():
            return candidate
    return folder


class SourceFolder:
    """
    Args:
        root: The root module's folder.
        boundary: The folder outside of which nothing is read.
    """

    def __init__(self, root: Path, boundary: Path) -> None:
        self.root = root
        self._boundary = Path(os.path.realpath(boundary))

    def path(self, text: str, location: Location) -> Path:
        """Where *text* leads. Raises EvaluationError outside the repository."""
        if "\0" in text or len(text) > 4096:
            raise EvaluationError(location, "this is not a path")
        path = Path(os.path.normpath(self.root / text))
        if not Path(os.path.realpath(path)).is_relative_to(self._boundary):
            message = f"{text[:100]} is outside of {self._boundary.name}: it is not read"
            raise EvaluationError(location, message)
        return path

    def relative(self, path: Path) -> str:
        """*path* as Terraform writes it: relative to the root module."""
        return Path(os.path.relpath(path, self.root)).as_posix()

    def content(self, text: str, location: Location) -> bytes:
        """The bytes of a file. Raises EvaluationError."""
        path = self.path(text, location)
        try:
            return read_limited(path)
        except OSError as error:
            raise EvaluationError(location, f"{text[:100]} cannot be read: {error.strerror or error}") from None

    def text(self, text: str, location: Location) -> Scalar:
        """The characters of a file, with the place of the first one. Raises EvaluationError."""
        content = self.content(text, location)
        try:
            decoded = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise EvaluationError(location, f"{text[:100]} is not UTF-8") from None
        return Scalar(decoded, Location(str(self.path(text, location))))

    def exists(self, text: str, location: Location) -> bool:
        """Whether there is such a file. Raises EvaluationError outside the repository."""
        return self.path(text, location).is_file()

    def matching(self, folder: str, pattern: str, location: Location) -> list[str]:
        """The files below *folder* whose relative path matches *pattern*, in order. Raises EvaluationError."""
        start = self.path(folder, location)
        matcher = _glob(os.path.normpath(pattern).replace(os.sep, "/"), location)
        deep = "**" in pattern or "/" in pattern
        names = [name for name in _files(start, deep, location) if matcher.fullmatch(name)]
        return sorted(names)


def read_limited(path: Path) -> bytes:
    """A regular file's bytes. Raises OSError: there is none, or it is too large."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(0, "not a regular file")
    if path.stat().st_size > LARGEST_FILE:
        raise OSError(0, f"larger than {LARGEST_FILE >> 20} MiB")
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise OSError(0, f"larger than {LARGEST_FILE >> 20} MiB")
    return content


def _files(start: Path, deep: bool, location: Location) -> Iterator[str]:
    seen = 0
    for parent, folders, files in os.walk(start):
        folders[:] = sorted(set(folders) - {".git", ".terraform"}) if deep else []
        seen += len(files) + 1
        if seen > MOST_FILES:
            raise EvaluationError(location, f"more than {MOST_FILES} files are in {start.name}")
        yield from (Path(parent, name).relative_to(start).as_posix() for name in files)


_TOKENS = re.compile(r"\*\*/|\*\*|\*|\?|\{[^{}]*\}|\[[^\]]+\]|.", re.DOTALL)
_FIXED = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_MOST_STARS = 12  # in one pattern: what matching costs grows with each


def _glob(pattern: str, location: Location) -> re.Pattern[str]:
    """A pattern of Terraform's fileset as a regular expression."""
    if len(pattern) > 500 or pattern.count("*") > _MOST_STARS:
        raise EvaluationError(location, "the pattern is too long")
    try:
        return re.compile("".join(_glob_token(token) for token in _TOKENS.findall(pattern)))
    except re.error:
        raise EvaluationError(location, "this is not a pattern for files") from None


def _glob_token(token: str) -> str:
    if token in _FIXED:
        return _FIXED[token]
    if token[0] == "{" and token[-1] == "}":
        return f"(?:{'|'.join(_glob_text(part) for part in token[1:-1].split(','))})"
    if token[0] == "[" and token[-1] == "]" and len(token) > 2:
        return f"[{re.escape(token[1:-1]).replace(chr(92) + '-', '-').replace(chr(92) + '^', '^')}]"
    return re.escape(token)


def _glob_text(text: str) -> str:
    return "".join(_FIXED.get(token, re.escape(token)) for token in re.findall(r"\*\*|\*|\?|.", text))
