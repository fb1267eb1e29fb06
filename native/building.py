"""
Compiles the listed modules, in ``build/native``: only what has changed since the last time.

``source`` there is what Cython reads, ``compiled`` what it makes. The package's own files are read and left alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from native.listed import FIELDS, MODULES
from native.rewriting import Natives, Rewriter

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build" / "native"
# Annotations stand for types where ``rewriting`` has left them. A call on None raises, as in Python, and never crashes.
DIRECTIVES = {"language_level": 3, "annotation_typing": True, "binding": False, "nonecheck": True}


def sources() -> dict[str, str]:
    """The text of every listed module, by name. Raises FileNotFoundError: there is no such module."""
    return {name: _path(ROOT, name, ".py").read_text(encoding="utf-8") for name in MODULES}


def write_sources() -> Path:
    """Write what Cython reads; the folder."""
    texts, folder = sources(), WORK / "source"
    natives = Natives.of(texts, MODULES, FIELDS)
    for name, text in texts.items():
        rewritten = Rewriter(name, text, natives).rewritten()
        _write(_path(folder, name, ".py"), rewritten.text)
        _write(_path(folder, name, ".pxd"), rewritten.declarations)
    for package in {parent for name in MODULES for parent in _packages(name)}:
        _write(folder / package / "__init__.py", "")
        _write(folder / package / "__init__.pxd", "")
    return folder


def compiled() -> dict[str, Path]:
    """Compile; where each file lies, by its path in a wheel. Raises SystemExit: Cython or the compiler fails."""
    folder, target = write_sources(), WORK / "compiled"
    # Without the search path that some interpreters put into every extension: the folder of their own libraries.
    environment = {**os.environ, "LDSHARED": f"{os.environ.get('CC', 'cc')} -shared"}
    arguments = ["build_ext", "--build-lib", str(target), "--build-temp", str(WORK / "objects")]
    arguments += ["--parallel", str(os.cpu_count() or 1)]
    command = [sys.executable, "-m", "native.extensions", *arguments]
    with (WORK / "log.txt").open("w", encoding="utf-8") as log:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**(environment if sys.platform == "linux" else os.environ), "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        end = (WORK / "log.txt").read_text(encoding="utf-8")[-4000:]
        raise SystemExit(f"{end}\nNothing was compiled; the whole output is in {WORK / 'log.txt'}")
    return {file.relative_to(target).as_posix(): file for file in sorted(target.rglob("*.*")) if file.is_file()}


def tree() -> Path:
    """A copy of the repository whose package is compiled: for tests and benchmarks. The sources stay beside it."""
    folder = WORK / "tree"
    shutil.rmtree(folder, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for name, file in compiled().items():
        shutil.copy2(file, folder / name)
    return folder


def _path(folder: Path, module: str, suffix: str) -> Path:
    return folder.joinpath(*module.split(".")).with_suffix(suffix)


def _packages(module: str) -> Iterator[Path]:
    yield from (parent for parent in Path(*module.split(".")).parents if parent != Path())


def _write(path: Path, text: str) -> None:
    """Unless it is there already: Cython goes by times."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
