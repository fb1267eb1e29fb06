"""Source trees that are compared: this one, a folder's, another commit's in a worktree that is removed afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Tree:
    """A gateway's sources; *name* is for people."""

    name: str
    path: Path


def this_tree() -> Tree:
    """The one that this file is in, as it is on disk."""
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        changed = _git("status", "--porcelain", "--", "gateway")
    except (OSError, subprocess.CalledProcessError):
        return Tree("this tree", ROOT)  # not from a repository
    return Tree(f"{commit} as it is here" if changed else commit, ROOT)


@contextmanager
def checked_out(revision: str) -> Iterator[Tree]:
    """The tree of *revision*, or in that folder, while the context lasts. Raises SystemExit: there is neither."""
    if (Path(revision) / "gateway").is_dir():
        yield Tree(Path(revision).name, Path(revision).resolve())
        return
    try:
        commit = _git("rev-parse", "--short", "--verify", f"{revision}^{{commit}}")
    except subprocess.CalledProcessError:
        raise SystemExit(
            f"{revision} is no folder with a gateway, and no commit of this repository: see git log"
        ) from None
    with TemporaryDirectory(prefix="gateway-tree-") as folder:
        path = Path(folder).resolve() / "tree"
        _git("worktree", "add", "--detach", "--force", str(path), commit)
        try:
            yield Tree(commit if commit.startswith(revision) else f"{revision} ({commit})", path)
        finally:
            _git("worktree", "remove", "--force", str(path))


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()
