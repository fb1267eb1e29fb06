"""The policy documents and the full example of a configuration that come with the package."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import GatewayError

_PACKAGE = Path(__file__).parents[1]
_NEEDS = {
    "named value": re.compile(r"{{\s*([\w.-]+)\s*}}"),
    "certificate": re.compile(r"""\bcertificate-id[:=]\s*["']?([\w.-]+)"""),
    "backend": re.compile(r"""\bbackend-id[:=]\s*["']?([\w.-]+)"""),
    "fragment": re.compile(r"""\bfragment-id[:=]\s*["']?([\w.-]+)"""),
}


def folder() -> Path:
    """Where the documents are: beside the package in a checkout, inside it when installed."""
    return _home() / "policies"


def full_example() -> Path:
    """The configuration that has every setting."""
    return _home() / "config.example.yaml"


def _home() -> Path:
    inside = _PACKAGE / "ready_made"
    return inside if inside.is_dir() else _PACKAGE.parent


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """
    One document.

    Attributes:
        files: Its forms by suffix, ``.yaml`` or ``.xml``; they mean the same.
    """

    name: str
    files: dict[str, Path]

    @property
    def file(self) -> Path:
        """The form that is shown unless another one is asked for."""
        return self.files.get(".yaml") or next(iter(self.files.values()))

    @property
    def tests(self) -> Path:
        """Its policy tests."""
        return self.file.parent / "tests" / f"{self.name}.policytest.yaml"

    @property
    def summary(self) -> str:
        """The first line of its comment."""
        lines = self.file.read_text("utf-8").replace("<!--", "").splitlines()
        return next(line for line in (line.strip("# ") for line in lines) if line)

    def needs(self) -> Iterator[tuple[str, list[str]]]:
        """What has to be configured for it: a kind, such as ``named value``, and their names."""
        text = self.file.read_text("utf-8")
        for kind, pattern in _NEEDS.items():
            names = list(dict.fromkeys(pattern.findall(text)))
            if names:
                yield kind, names


def documents() -> dict[str, ReadyMade]:
    """All of them by name, sorted."""
    files = [file for file in sorted(folder().iterdir()) if file.suffix in (".yaml", ".xml")]
    names = sorted({file.stem for file in files})
    return {name: ReadyMade(name, {file.suffix: file for file in files if file.stem == name}) for name in names}


def document(name: str) -> ReadyMade:
    """The document of this name. Raises GatewayError, with the nearest names."""
    known = documents()
    wanted = Path(name).stem if Path(name).suffix in (".yaml", ".xml") else name
    if wanted in known:
        return known[wanted]
    close = [has for has in known if wanted.lower() in has] or difflib.get_close_matches(wanted.lower(), known, 3, 0.5)
    remedy = f"did you mean {' or '.join(close)}?" if close else "gateway policies lists them"
    raise GatewayError(f"no ready-made policy is called {name!r} ({remedy})")


def write_new(files: dict[Path, str]) -> None:
    """
    Write *files*, all or none; folders are made.

    Raises:
        GatewayError: One of them is there already, or cannot be written.
    """
    there = [str(path) for path in files if path.exists() or path.is_symlink()]
    if there:
        raise GatewayError(
            f"nothing was written, because {', '.join(there)} {'is' if len(there) == 1 else 'are'} there already"
            " (move it away, or choose another folder)"
        )
    for path, text in files.items():
        try:
            _write(path, text)
        except OSError as error:
            raise GatewayError(f"{path} cannot be written: {error.strerror} (choose another folder)") from None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="\n") as file:  # x: whatever has appeared meanwhile stays, too
        file.write(text)
