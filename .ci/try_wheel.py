"""Runs, in an environment with nothing but the wheel, away from the repository, the commands that a newcomer tries."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import gateway

INSTALLED = Path(gateway.__file__).parent
READY_MADE = INSTALLED / "ready_made"
COMMAND = str(Path(sys.executable).with_name("gateway"))


def run(*arguments: str) -> None:
    """A command that has to succeed."""
    print("$ gateway", *arguments, flush=True)
    subprocess.run([COMMAND, *arguments], check=True, stdout=subprocess.DEVNULL)


def demo() -> None:
    """The demo serves: its first two printed calls are made, and Ctrl-C ends it."""
    print("$ gateway demo", flush=True)
    with subprocess.Popen([COMMAND, "demo"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines += [line.strip()] if line.startswith("     ") else []
                if line.strip().endswith("/deliveries") and lines:
                    break
            status = first_call(*lines[:2])
            assert status == 200, status
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


def first_call(token_line: str, call_line: str) -> int:
    """What the printed curl commands do, without curl."""
    words = shlex.split(token_line.removeprefix("TOKEN=$(").partition(" | ")[0])
    form = "&".join(value for option, value in zip(words, words[1:], strict=False) if option == "-d")
    with urllib.request.urlopen(_url(words), form.encode()) as answer:
        token = json.load(answer)["access_token"]
    request = urllib.request.Request(_url(shlex.split(call_line)), headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        return int(answer.status)


def _url(words: list[str]) -> str:
    return next(word for word in words if re.match("https?://", word))


def main() -> None:
    """Refuse a wheel that lacks something."""
    assert "site-packages" in INSTALLED.parts, INSTALLED
    assert (INSTALLED / "py.typed").exists()
    assert all((READY_MADE / name).exists() for name in ("config.example.yaml", "policies"))
    run("--version")
    run("check", "-c", str(READY_MADE / "config.example.yaml"))
    run("check", str(READY_MADE / "policies"))
    run("test", *map(str, sorted((READY_MADE / "policies" / "tests").glob("*.yaml"))))
    run("schema", "config")
    run("init", "new")
    run("check", "-c", "new/config.yaml")
    run("test", "new")
    run("init", "--full", "full")
    run("check", "-c", "full/config.yaml")
    run("policies", "cors", "--copy", "copied", "--xml")
    run("test", "copied")
    demo()


if __name__ == "__main__":
    main()
