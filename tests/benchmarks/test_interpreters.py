"""The benchmark says how its Python was built, and which one would be quicker."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.interpreters import Interpreter, better

MINE = Interpreter("/mine", (3, 11, 7), False, False, 0.7)


def installed(folder: Path, name: str, said: str) -> str:
    """A program that says *said* of itself."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{said}'\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_the_clearly_quickest_that_can_run_the_gateway_is_named(tmp_path: Path) -> None:
    """Too old, a little quicker, not runnable: none of these is a reason to build the environment anew."""
    others = {
        "old": '["/old", [3, 10, 1], true, true, 0.1]',
        "alike": '["/alike", [3, 11, 2], true, true, 0.68]',
        "quick": '["/quick", [3, 12, 2], true, false, 0.6]',
        "quicker": '["/quicker", [3, 11, 2], false, false, 0.5]',
    }
    paths = [installed(tmp_path, name, said) for name, said in others.items()]
    found = better(MINE, [*paths, str(tmp_path / "missing")])
    assert found == Interpreter("/quicker", (3, 11, 2), False, False, 0.5)
    assert better(MINE, paths[:2]) is None


def test_an_interpreter_says_what_it_is() -> None:
    """The one that runs the tests has this version, and the short program takes it time."""
    mine = Interpreter.at(sys.executable)
    assert mine is not None
    assert mine.version == sys.version_info[:3]
    assert mine.turn_us > 0
    assert str(mine).startswith(".".join(map(str, mine.version)))
