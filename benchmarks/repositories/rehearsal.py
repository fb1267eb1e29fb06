"""A new user's way to the first traced request: clone, check, serve --apim, the printed call, its trace."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

_GATEWAY = [sys.executable, "-m", "gateway"]


def rehearse(repository: Path) -> Iterator[tuple[str, float]]:
    """Each step as it would be typed, and the seconds that it took; the sum is last."""
    total = 0.0
    with tempfile.TemporaryDirectory(prefix="gateway-rehearsal-") as folder:
        for step, seconds in _steps(repository, Path(folder) / "clone"):
            total += seconds
            yield step, seconds
    yield "in all", total


def _steps(repository: Path, clone: Path) -> Iterator[tuple[str, float]]:
    began = time.perf_counter()
    subprocess.run(["git", "clone", "-q", str(repository), str(clone)], check=True)
    yield "`git clone` (from this machine)", time.perf_counter() - began
    began = time.perf_counter()
    checked = subprocess.run([*_GATEWAY, "check", str(clone)], capture_output=True, text=True, check=False)
    yield f"`gateway check CLONE`: {checked.stdout.splitlines()[-1]}", time.perf_counter() - began
    began = time.perf_counter()
    command = [*_GATEWAY, "serve", "--apim", str(clone), "--port", "18480"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            said = _until_listening(process)
            yield f"`gateway serve --apim CLONE`: {said.splitlines()[0]}", time.perf_counter() - began
            began = time.perf_counter()
            match = re.search(r"^ {2}(curl .*)$", said, re.MULTILINE)
            call = shlex.split(match[1] if match else "curl -i http://127.0.0.1:18480/")
            answer = subprocess.run([*call, "-s"], capture_output=True, text=True, check=True).stdout
            trace = re.search(r"^Apim-Trace-Id: (\S+)", answer, re.MULTILINE | re.IGNORECASE)
            yield f"the printed call: {answer.splitlines()[0]}", time.perf_counter() - began
            began = time.perf_counter()
            if trace:
                with urllib.request.urlopen(f"http://127.0.0.1:18481/traces/{trace[1]}") as page:
                    steps = sum(len(part) for part in json.load(page)["traceEntries"].values())
                yield f"its trace: {steps} steps", time.perf_counter() - began
        finally:
            process.terminate()


def _until_listening(process: subprocess.Popen[str]) -> str:
    said = ""
    for line in process.stdout or ():
        said += line
        if '"listening"' in line:
            return said
    raise RuntimeError(f"the gateway did not start: {said[-500:]}")
