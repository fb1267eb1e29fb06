"""A fresh machine passes: what is missing is named, what can be found is found, and no process outlives the tests."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import tools
from tests.processes import started

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "tests").rglob("*.py"))
NEED = re.compile(r"(?:mark\.needs|tools\.need)\(\"([\w-]+)\"")

SESSION = """
import subprocess, sys
import pytest

@pytest.mark.needs("tinyproxy")
def test_that_needs_a_program(): ...

def test_that_leaves_a_process():
    if {leave}:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
"""


def session(folder: Path, monkeypatch: pytest.MonkeyPatch, ci: str, leave: bool = False) -> tuple[int, str]:
    """Exit status and output of a run of its own, on a machine where no program can be found."""
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the plugins of this environment take a second to load
    (folder / "test_it.py").write_text(SESSION.format(leave=leave))
    (folder / "conftest.py").write_text(
        "from tests import tools\ntools.find = lambda package: None\nfrom tests.conftest import *\n"
    )
    options = ["-p", "no:cacheprovider", "-o", "markers=needs(program)", "-rs", "-p", "xdist", "-n", "0", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def is_gone(command: Path) -> bool:
    """Whether a process has ended; one that nobody has waited for yet is there without a command line."""
    deadline = time.monotonic() + 10
    while (alive := command.exists() and command.read_bytes() != b"") and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive


def test_a_missing_program_skips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test is skipped with its reason, one line says what installs the program, and the run passes."""
    status, output = session(tmp_path, monkeypatch, ci="")
    assert status == 0
    assert "test_it.py:5: tinyproxy is not installed: make tools" in output
    assert "Skipped because a program is missing: tinyproxy (1). `make tools` installs them." in output.splitlines()


def test_a_missing_program_fails_in_ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CI never reports success for tests that it did not run."""
    status, output = session(tmp_path, monkeypatch, ci="true")
    assert status == 1
    assert "1 passed, 1 error" in output
    assert "tinyproxy is not installed: make tools" in output


def test_a_process_left_behind_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run names the process and the test that started it, ends it, and fails."""
    status, output = session(tmp_path, monkeypatch, ci="", leave=True)
    found = re.search(r"left behind: (\d+): .*time\.sleep.*, started by .*test_that_leaves_a_process", output)
    assert status == 1
    assert found
    assert is_gone(Path(f"/proc/{found[1]}/cmdline"))


def test_a_started_program_ends_with_its_children() -> None:
    """Workers of a killed supervisor are ended with it."""
    code = "import subprocess, sys; print(subprocess.Popen(['sleep', '300']).pid, flush=True); sys.stdin.read()"
    with started([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = Path("/proc") / process.stdout.readline().strip() / "cmdline"
        assert child.exists()
    assert is_gone(child)


def test_programs_are_found_where_no_path_leads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An ordinary user's PATH lacks /usr/sbin; the program is found all the same."""
    program = tmp_path / "tinyproxy"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(tools, "_PLACES", [str(tmp_path)])
    assert tools.find("tinyproxy") == str(program)


def test_tests_find_programs_in_one_place() -> None:
    """No test looks for a program by itself, so none depends on what the PATH happens to be."""
    judge = ROOT / "tests" / "expressions" / "judge" / "dotnet.py"  # `make judge` is no test, and says what it lacks
    own = {ROOT / "tests" / "tools.py", judge, Path(__file__)}
    assert [str(path) for path in SOURCES if path not in own and "shutil.which" in path.read_text()] == []


def test_needs_are_in_the_list() -> None:
    """What a test needs, `make tools` installs."""
    listed = subprocess.run([ROOT / ".ci" / "tools", "--list"], capture_output=True, text=True, check=True).stdout
    packages = {line.split()[2] for line in listed.splitlines()}
    needed = {name for path in SOURCES for name in NEED.findall(path.read_text())}
    assert needed <= packages
    assert {"nginx", "redis-server", "postgresql", "curl"} <= needed
