"""
Print a package of uv.lock as a requirement with hashes, for pip: ``locked.py uv``.

It runs before anything is installed, on Python 3.11 or newer.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def requirement(lock: str, name: str) -> str:
    """``name==version --hash=…`` for every wheel of *name* in a uv.lock. Raises LookupError: it has none."""
    for package in tomllib.loads(lock)["package"]:
        if package["name"] == name:
            hashes = (f"--hash={wheel['hash']}" for wheel in package["wheels"])
            return " \\\n    ".join([f"{name}=={package['version']}", *hashes])
    raise LookupError(f"uv.lock has no {name}")


if __name__ == "__main__":
    print(requirement(Path("uv.lock").read_text("utf-8"), sys.argv[1]))
