"""The commands for writing policies run on Windows and macOS, too; those that serve say what they need."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from gateway.cli import main
from tests.processes import unmeasured

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "gateway"
MODULES = sorted(PACKAGE.rglob("*.py"))
# A locale that cannot write what documents and messages contain: whatever the code does not name is ASCII.
LOCALE = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}


@pytest.mark.parametrize(
    ("system", "steps"),
    [
        ("win32", ["check", "lsp"]),
        pytest.param("win32", [], marks=pytest.mark.slow),
        pytest.param("darwin", [], marks=pytest.mark.slow),
    ],
)
def test_they_run_elsewhere(system: str, steps: list[str]) -> None:
    """With what another system lacks hidden, each command runs on CRLF documents with letters that no code page has."""
    command = [sys.executable, "-m", "tests.elsewhere", system, *steps]
    done = subprocess.run(
        command, cwd=ROOT, env=unmeasured() | LOCALE, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"the commands for writing policies run on {system}\n")


@pytest.mark.parametrize(
    ("system", "needs"),
    [("win32", "this is Windows: run it in a container or in WSL 2;"), ("darwin", "this is macOS: run")],
)
@pytest.mark.parametrize("arguments", ["serve", "demo", "notifications serve -c config.yaml"])
def test_what_serves_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], system: str, needs: str, arguments: str
) -> None:
    """One line that names the system, what to use there, and a page that every reader has."""
    import_module("gateway.commands.notifications.configured")  # its libraries are this system's
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(SystemExit) as ended:
        main(arguments.split())
    assert ended.value.code == 1
    said = capsys.readouterr().err
    command = arguments.partition(" -c")[0]
    assert said.startswith(f"gateway: gateway {command} runs on Linux, and {needs}")
    assert (
        "https://github.com/apim-policy-gateway/apim-policy-gateway/blob/main/docs/install.md#windows-and-macos" in said
    )


# -- what the code must not do
POSIX = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty", "uvloop"}
SERVE = ("serving", "commands/demo/running.py")


_IMPORTED = re.compile(rf"^(?:import|from) (?:{'|'.join(POSIX)})\b", re.MULTILINE)


def test_nothing_posix_is_imported() -> None:
    """What only some systems have is imported where it is used, or by what serves."""
    elsewhere = [module for module in MODULES if not str(module.relative_to(PACKAGE)).startswith(SERVE)]
    assert [str(module) for module in elsewhere if _IMPORTED.search(module.read_text("utf-8"))] == []


_WITHOUT_ENCODING = re.compile(r"""\.read_text\(\)|\.write_text\([^,()]*(?:\([^()]*\))?\)|\.open\("[rwax]t?"\)""")


@pytest.mark.parametrize("text", ["p.read_text()", "p.write_text(a)", "p.write_text(f(a))", 'p.open("a")'])
def test_what_lacks_an_encoding_is_seen(text: str) -> None:
    """The next test can fail."""
    assert _WITHOUT_ENCODING.search(text)


def test_every_text_file_has_an_encoding() -> None:
    """Files are UTF-8 whatever the system's own encoding is."""
    assert [str(module) for module in MODULES if _WITHOUT_ENCODING.search(module.read_text("utf-8"))] == []
