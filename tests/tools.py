"""Programs that are not part of the gateway: where they are, and what becomes of a test whose program is missing."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

REMEDY = "make tools"

_LIST = (Path(__file__).parents[1] / ".ci" / "tools").read_text()
_ROWS = re.findall(r"^(\S+) +\w+ +(\S+)$", _LIST, re.MULTILINE)
_COMMANDS = {package: tuple(names.split(",")) for names, package in _ROWS}
# An ordinary user's PATH lacks the first three; Debian keeps PostgreSQL's programs where no PATH leads.
_NEWEST_FIRST = sorted(
    Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: float(found.parent.name), reverse=True
)
_PLACES = ["/usr/local/sbin", "/usr/sbin", "/sbin", *map(str, _NEWEST_FIRST)]


def find(package: str) -> str | None:
    """Path of a program, by its package in ``.ci/tools``; None when it is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_PLACES])
    return next(filter(None, (_find(name, path) for name in _COMMANDS[package])), None)


def _find(name: str, path: str) -> str | None:
    """A program on *path*, or a file."""
    if name.startswith("/"):
        return name if Path(name).exists() else None
    return shutil.which(name, path=path)


def need(package: str) -> str:
    """
    Path of a program that the running test cannot do without.

    A test also carries ``@pytest.mark.needs(package)``: then nothing of it runs where the program is missing.

    Raises:
        pytest.skip.Exception: It is not installed.
        pytest.fail.Exception: It is not installed, and this is CI, where every test has to run.
    """
    if path := find(package):
        return path
    if required():
        pytest.fail(reason(package), pytrace=False)
    pytest.skip(reason(package))


def reason(package: str) -> str:
    """Why a test is skipped."""
    return f"{package} is not installed: {REMEDY}"


def lacking(text: str) -> str | None:
    """The program that `reason` named in *text*."""
    found = re.search(rf"(\S+) is not installed: {REMEDY}", text)
    return found and found[1]


def required() -> bool:
    """Whether a missing program is a failure: CI has no excuse (GitHub, GitLab and others set the variable)."""
    return os.environ.get("CI", "").lower() in {"1", "true"}
