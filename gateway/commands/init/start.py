"""What ``gateway init`` writes, and what to run next."""

from __future__ import annotations

import shlex
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from gateway.commands import ready_made

CONFIG = "config.yaml"
SMALL = (CONFIG, "policies/hello.yaml", "tests/hello.policytest.yaml")


def begin(folder: Path, full: bool = False) -> str:
    """
    Write the files into *folder*; what to tell about them.

    Raises:
        GatewayError: One of them is there already, or cannot be written; none is overwritten.
    """
    texts = _full() if full else _small()
    ready_made.write_new({folder / name: text for name, text in texts.items()})
    where = f" in {folder}" if folder != Path() else ""
    return "\n".join([f"Wrote {', '.join(texts)}{where}.", "", "Next:", *(f"  {line}" for line in _next(folder))])


def _small() -> dict[str, str]:
    start = files("gateway.commands.init") / "files"
    return {name: start.joinpath(name).read_text("utf-8") for name in SMALL}


def _full() -> dict[str, str]:
    """The full example, and the document that it names with its other form and its tests."""
    document = ready_made.document("caller-objectid")
    sources = {f"policies/{file.name}": file for file in document.files.values()}
    sources[f"policies/tests/{document.tests.name}"] = document.tests
    example = ready_made.full_example().read_text("utf-8")
    return {CONFIG: example, **{name: file.read_text("utf-8") for name, file in sources.items()}}


def _next(folder: Path) -> list[str]:
    config = _quoted(str(folder / CONFIG))
    tests = "" if folder == Path() else f" {_quoted(str(folder))}"
    serve = f"gateway serve -c {config}"
    return [
        f"gateway check -c {config}",
        f"gateway test{tests}",
        serve if sys.platform == "linux" else f"{serve}   (on Linux: in a container or WSL 2)",
    ]


def _quoted(path: str) -> str:
    return subprocess.list2cmdline([path]) if sys.platform == "win32" else shlex.quote(path)
