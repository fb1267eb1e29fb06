"""``make mutate`` ends when it should, and reports what it did not reach."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import mutation

JUDGED = "gateway.tokens.claims.x_seconds__mutmut_1"
OPEN = "gateway.tokens.claims.x_seconds__mutmut_2"
SAMPLED = "gateway.tokens.urls.x_host__mutmut_1"

# Judges one mutant, then hangs with a test that hangs, and its file stays half written until it has been stopped once.
HANGING = f"""#!{sys.executable}
import pathlib, signal, subprocess, sys, time

file = pathlib.Path("mutants/claims.py.meta")
if sys.argv[1] == "results":
    print("    {JUDGED}: killed\\n    {OPEN}: not checked\\n    {SAMPLED}: not checked")
else:
    file.parent.mkdir()
    file.write_text('{{"exit_')
    signal.signal(signal.SIGCONT, lambda *_: file.write_text("{{}}"))
    test = subprocess.Popen(["sleep", "60"])
    pathlib.Path("pid").write_text(str(test.pid))
    pathlib.Path("started").touch()
    time.sleep(60)
    time.sleep(60)
"""
FAILING = f"#!{sys.executable}\nimport sys\nsys.exit(1)\n"


def use(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Let *script* be mutmut, working in *folder*."""
    program = folder / "mutmut"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setattr(mutation, "MUTMUT", str(program))
    monkeypatch.chdir(folder)


def has_ended(pid: int) -> bool:
    """Whether the process ends, patiently: a signal is delivered when the machine gets to it."""
    for _ in range(1000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


class OnceStarted(subprocess.Popen[bytes]):
    """A process whose time is up as soon as it has started its test."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the test first."""
        while timeout is not None and not Path("started").exists():
            time.sleep(0.01)
        return super().wait(timeout)


def test_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """However long mutmut takes, the run ends, leaves no process and no torn file, and lists what was not reached."""
    use(monkeypatch, tmp_path, HANGING)
    monkeypatch.setattr(mutation, "LIMIT_S", 0.0)
    monkeypatch.setattr(subprocess, "Popen", OnceStarted)
    mutation.main()
    shown = capfd.readouterr().out
    assert re.search(r"gateway.tokens.claims +1 killed +0 survived +0 other +1 not reached", shown)
    assert "Not reached: 1 in the modules that decide, 1 of the sample." in shown
    assert "before the mutants were made of: gateway.assembly.contracts" in shown
    assert (tmp_path / "mutants/claims.py.meta").read_text() == "{}"
    assert has_ended(int((tmp_path / "pid").read_text()))


def test_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutmut that fails, which knows nothing about any mutant, is never taken for one that found no survivor."""
    use(monkeypatch, tmp_path, FAILING)
    with pytest.raises(SystemExit, match="mutmut failed"):
        mutation.main()


def test_fresh_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier run found is gone, so that it cannot pass for what this one found."""
    use(monkeypatch, tmp_path, FAILING)
    (tmp_path / "mutants").mkdir()
    (tmp_path / "mutants/claims.py.meta").write_text("{}")
    with pytest.raises(SystemExit):
        mutation.main()
    assert not (tmp_path / "mutants/claims.py.meta").exists()
