"""
How the Python interpreter was built, and whether a quicker one is at hand.

Profile-guided optimisation (PGO) and optimisation at link time (LTO) make Python's own code quicker; interpreters that
a tool compiles from source often have neither. An interpreter does not always say how it was built (Debian's does not),
so each also runs a short program, whose time decides.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

CLEARLY = 1.05  # times as quick: less is noise
_NAMES = ("python3", "python3.11", "python3.12", "python3.13", "python3.14")
_FOLDERS = ("/usr/bin", "/usr/local/bin")
_ASK = """
import json, sys, sysconfig, time
flags = " ".join(str(sysconfig.get_config_var(name) or "") for name in ("CONFIG_ARGS", "PY_CORE_CFLAGS", "CFLAGS"))
pgo, lto = "--enable-optimizations" in flags or "-fprofile-use" in flags, "-flto" in flags or "--with-lto" in flags

class Message:
    __slots__ = ("lines", "status")
    def __init__(self, status):
        self.status, self.lines = status, {}
    def put(self, name, value):
        self.lines[name.lower()] = f"{name}: {value}"
        return self

def turn():
    began = time.process_time()
    for number in range(5_000):
        message = Message(200).put("Host", "gateway").put("Number", number)
        "\\r\\n".join(message.lines.values()).encode("latin-1").split(b"\\r\\n")
    return (time.process_time() - began) / 5_000 * 1e6

print(json.dumps([sys.executable, list(sys.version_info[:3]), pgo, lto, min(turn() for _ in range(12))]))
"""


class Interpreter(NamedTuple):
    """
    A Python.

    Attributes:
        pgo, lto: Whether it says that it was built with them.
        turn_us: Processor time of a turn of the short program.
    """

    path: str
    version: tuple[int, ...]
    pgo: bool
    lto: bool
    turn_us: float

    @classmethod
    def at(cls, path: str) -> Self | None:
        """What the interpreter at *path* says of itself; None: it does not run."""
        try:
            done = subprocess.run([path, "-c", _ASK], check=True, capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            return None
        own_path, version, *rest = json.loads(done.stdout)
        return cls(own_path, tuple(version), *rest)

    def __str__(self) -> str:
        built = [name for name, used in (("PGO", self.pgo), ("LTO", self.lto)) if used]
        said = f"built with {' and '.join(built)}" if built else "says nothing of PGO or LTO"
        return f"{'.'.join(map(str, self.version))}, {said}, {self.turn_us:.2f} µs for a turn of the short program"


def better(mine: Interpreter, others: Iterable[str] | None = None) -> Interpreter | None:
    """The quickest of *others* (by default what is installed) that can run the gateway and is clearly quicker."""
    paths = dict.fromkeys(_installed() if others is None else others)
    usable = [other for other in map(Interpreter.at, paths) if other is not None and other.version >= (3, 11)]
    quickest = min(usable, key=lambda other: other.turn_us, default=mine)
    return quickest if mine.turn_us / quickest.turn_us > CLEARLY else None


def advice() -> str:
    """The interpreter that runs this, and which one would be better, for people."""
    mine = Interpreter.at(sys.executable)
    if mine is None:
        return f"Python {sys.version}"
    other = better(mine)
    if other is None:
        return f"Python {mine}"
    return f"Python {mine}\nQuicker: {other}\nUse it: rm -r .venv && make install PYTHON={other.path}"


def _installed() -> Iterator[str]:
    for name in _NAMES:
        candidates = [shutil.which(name), *(str(Path(folder) / name) for folder in _FOLDERS)]
        yield from (path for path in candidates if path and Path(path).exists())
