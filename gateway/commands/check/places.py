"""Where a file is, in the terms of what shows a finding beside its line: a code host, or a SARIF viewer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath, PureWindowsPath
from urllib.parse import quote

# Where GitHub Actions, Azure Pipelines and GitLab CI have checked out the repository.
ROOTS = ("GITHUB_WORKSPACE", "BUILD_SOURCESDIRECTORY", "CI_PROJECT_DIR")


def checkout(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder to which code hosts relate paths: the checkout, or the current folder where none is named."""
    named = next((environ[name] for name in ROOTS if environ.get(name)), "")
    return Path(named).resolve() if named else Path.cwd()


def within(file: str, root: PurePath, here: PurePath) -> PurePath:
    """
    *file* relative to *root*, or absolute if it is elsewhere; ``..`` is resolved by name.

    Args:
        here: What a relative *file* starts at; absolute, of the same kind as *root*.
    """
    kind = type(root)
    absolute = kind(os.path.normpath(here / file)) if not isinstance(root, PureWindowsPath) else _windows(here / file)
    return absolute.relative_to(root) if absolute.is_relative_to(root) else absolute


def _windows(path: PurePath) -> PureWindowsPath:
    import ntpath  # the rules of Windows, wherever this runs

    return PureWindowsPath(ntpath.normpath(path))


def uri(path: PurePath) -> str:
    """A relative reference, or ``file:///…``; RFC 3986, RFC 8089."""
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
