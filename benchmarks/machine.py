"""The machine: which cores, which versions, and the programs that have to be there."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.interpreters import Interpreter

PROGRAMS = {"haproxy": "haproxy", "nginx": "nginx", "wrk": "wrk", "taskset": "util-linux"}


def find(program: str) -> str | None:
    """Where *program* is; administrators' folders are not always on the path."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def install_missing() -> None:
    """Install with apt what is missing. Raises SystemExit with the command to run where that fails."""
    missing = [package for program, package in PROGRAMS.items() if find(program) is None]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        command.insert(0, "sudo")
    print("Installing:", *missing)
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"Install these first: {' '.join(command)}")


def pinned(core: int, command: list[str]) -> list[str]:
    """*command* on one core; on a machine with a single core, as it is."""
    if (os.cpu_count() or 1) < 2:
        return command
    return [find("taskset") or "taskset", "-c", str(core), *command]


def describe() -> dict[str, str]:
    """What the numbers depend on."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": platform.platform(),
        "python": str(Interpreter.at(sys.executable) or platform.python_version()),
        "haproxy": _first_line([find("haproxy") or "haproxy", "-v"]),
        "nginx": _first_line([find("nginx") or "nginx", "-v"]),
        "envoy": _first_line([find("envoy") or "true", "--version"]),
        **{name: version(name) for name in ("uvicorn", "uvloop", "starlette", "pyjwt", "httpx2")},
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().splitlines()[0]
