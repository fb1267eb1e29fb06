"""The version names the build, and costs no more than looking at a file."""

from __future__ import annotations

import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec

import pytest

from gateway import __version__
from gateway.telemetry import version


@pytest.mark.parametrize(
    ("origin", "build"),
    [
        ("/site/gateway/wire/pending.py", "pure Python"),
        (f"/site/gateway/wire/pending{EXTENSION_SUFFIXES[0]}", "compiled"),
    ],
)
def test_the_build_is_that_of_the_modules(origin: str, build: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the interpreter would load decides, not what some installer has written down."""
    monkeypatch.setattr(version, "find_spec", lambda name: ModuleSpec(name, None, origin=origin))
    assert version.version() == f"{__version__} ({build})"


def test_the_command_shows_it() -> None:
    """``gateway --version`` is one line with release and build, and loads neither the wire nor a policy."""
    script = (
        "import sys; from gateway.cli import main\n"
        "try: main(['--version'])\n"
        "finally: print([name for name in sys.modules if name.startswith(('gateway.wire.', 'gateway.policies'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, loaded = done.stdout.splitlines()
    assert first == version.version()
    assert loaded == "[]"
