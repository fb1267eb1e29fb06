"""The command line dispatches: one module per command, loaded when it is named."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from cyclopts import App

from gateway.cli import COMMANDS, app

COMMAND_FILES = Path(__file__).parents[1] / "gateway" / "commands"
SHARED = {"asking", "options", "outcomes", "platforms", "ready_made"}
LIGHT = ["serve", "demo", "check", "convert", "explain", "test", "schema", "init", "policies", "report"]
LOADED = "import sys, gateway.cli\ntry: gateway.cli.main(sys.argv[1:])\nfinally: print(*sys.modules, file=sys.stderr)"


def _room(name: str) -> str:
    return COMMANDS[name][0].partition(":")[0].partition(".")[0]


def test_one_file_per_command() -> None:
    """Each file and folder of commands/ belongs to one command, and each command to one of them."""
    found = {path.stem for path in COMMAND_FILES.iterdir() if not path.name.startswith("__")}
    assert sorted(found - SHARED) == sorted(_room(name) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_describes_the_command(name: str) -> None:
    """What `gateway --help` shows beside a command is the first paragraph of the command's own docstring."""
    place, summary = COMMANDS[name]
    module, _, attribute = place.partition(":")
    command = getattr(import_module(f"gateway.commands.{module}"), attribute)
    assert app[name].help == summary
    if not isinstance(command, App):
        assert " ".join(command.__doc__.split("\n\n")[0].split()) == summary


@pytest.mark.parametrize("name", LIGHT)
def test_help_loads_nothing_that_runs(name: str) -> None:
    """A command's help, or a mistyped option, does not wait for what the command would run."""
    command = [sys.executable, "-c", LOADED, name, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f" {name} " in done.stdout.splitlines()[0]
    assert {"yaml", "pydantic", "tree_sitter", "httpx2", "gateway.policies"}.isdisjoint(done.stderr.split())


def test_no_command_loads_another() -> None:
    """Dispatching imports no command but the one that is named."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, "schema", "--help"], capture_output=True, text=True, check=True
    )
    rooms = {module.split(".")[2] for module in done.stderr.split() if module.startswith("gateway.commands.")}
    assert rooms - SHARED == {"schema"}
