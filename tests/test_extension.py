"""editors/vscode: the extension is consistent with itself and with the server that it starts."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from gateway import __version__
from gateway.cli import COMMANDS
from gateway.commands.lsp.session import EditorSettings

FOLDER = Path(__file__).parent.parent / "editors" / "vscode"
PACKAGE: dict[str, Any] = json.loads((FOLDER / "package.json").read_text())
SCRIPT = (FOLDER / "extension.js").read_text()
PROPERTIES: dict[str, Any] = PACKAGE["contributes"]["configuration"]["properties"]
SETTINGS = {name.removeprefix("gateway."): rule for name, rule in PROPERTIES.items()}


def test_versions_agree() -> None:
    """The extension has the version of the gateway, and the lock that of the extension."""
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    assert PACKAGE["version"] == __version__ == lock["version"]
    assert lock["packages"][""]["devDependencies"] == PACKAGE["devDependencies"]


def test_it_starts_the_server() -> None:
    """It starts ``gateway lsp``, which is a command of the gateway."""
    (command,) = re.findall(r'args: \["(\w+)"\]', SCRIPT)
    assert command in COMMANDS
    assert SETTINGS["command"]["default"] == "gateway"


def test_settings_are_those_of_the_server() -> None:
    """Each setting of the server can be set, with the same default, and is sent; no other one is."""
    sent = set(re.findall(r'chosen\.get\("(\w+)"\)', SCRIPT))
    assert sent == {name for name in SETTINGS if name != "command"}
    defaults = EditorSettings.of({name: SETTINGS[name]["default"] for name in sent})
    assert defaults == EditorSettings()
    assert len(dataclasses.asdict(defaults)) == len(sent)


def test_every_file_is_there_and_packaged() -> None:
    """What the manifest names exists, or is what the scripts make, and is not left out of the package."""
    contributes = PACKAGE["contributes"]
    named = [language["configuration"] for language in contributes["languages"]]
    named += [grammar["path"] for grammar in contributes["grammars"]]
    made = {PACKAGE["main"], *(schema["url"] for schema in contributes["yamlValidation"])}
    kept = {line[1:] for line in (FOLDER / ".vscodeignore").read_text().split() if line.startswith("!")}
    assert all((FOLDER / name).is_file() for name in named)
    assert f"--outfile={PACKAGE['main'].removeprefix('./')}" in PACKAGE["scripts"]["bundle"]
    for name in [*named, *made]:
        assert any(Path(name.removeprefix("./")).match(pattern) for pattern in kept), name


def test_commands_are_registered() -> None:
    """Each command that the editor lists is one that the script registers."""
    listed = {command["command"] for command in PACKAGE["contributes"]["commands"]}
    assert listed == set(re.findall(r'registerCommand\("([\w.]+)"', SCRIPT))


def test_languages_are_served() -> None:
    """Each language that the extension adds is among those that the server is asked about."""
    for language in PACKAGE["contributes"]["languages"]:
        assert f'"{language["id"]}"' in SCRIPT
        assert re.match(language["firstLine"], "<policies>")
