"""
Named values: plain ones with their text; of a secret one only that it is one.

A publisher skips a secret without a text; ``configuration.example.yaml`` has a token for each, which a pipeline fills
in (Azure/apiops, "token substitution"). With the URL of a Key Vault, secrets are references into it instead.
"""

from __future__ import annotations

from typing import Any

from gateway.commands.exporting.folder import ExportFolder
from gateway.commands.exporting.source import ExportSource
from gateway.documents.placeholders import NAMED_VALUE


class ExportedValues:
    """Writes named values, and finds those that stand for secrets of backends."""

    def __init__(self, source: ExportSource, folder: ExportFolder, vault: str = "") -> None:
        self._source = source
        self._folder = folder
        self._vault = vault.rstrip("/")
        self._by_variable: dict[str, str] = {}
        self._names: set[str] = set(source.section("named-values"))

    def write(self) -> None:
        """Every named value of the configuration."""
        for name, value in self._source.section("named-values").items():
            written = value if isinstance(value, dict) else {"value": value}
            secret = self._source.config.named_values[name].secret
            if "env" in written:
                self._by_variable.setdefault(str(written["env"]), name)
            if "value" in written and not secret:
                self._plain(name, written["value"])
            else:
                self._unknown(name, str(written.get("env", "")) or _variable(name), secret)

    def _plain(self, name: str, value: Any) -> None:
        properties = {"displayName": name, "secret": False, "value": "" if value is None else str(value)}
        self._folder.information(properties, "namedValues", name)

    def _unknown(self, name: str, variable: str, secret: bool) -> None:
        """A value that is not written: a Key Vault has it, or a pipeline fills it in."""
        properties: dict[str, Any] = {"displayName": name, "secret": secret}
        if self._vault and secret:
            properties["keyVault"] = {"secretIdentifier": f"{self._vault}/secrets/{_vault_name(name)}"}
        else:
            self._folder.tokens[name] = {**properties, "value": f"{{#[{variable}]#}}"}
        self._folder.information(properties, "namedValues", name)

    def reference(self, value: Any, wanted: str, *path: object) -> str:
        """``{{name}}`` for a secret of a backend; one that has no named value yet gets one called *wanted*."""
        if isinstance(value, str) and NAMED_VALUE.fullmatch(value):
            return value
        variable = str(value["env"]) if isinstance(value, dict) and "env" in value else _variable(wanted)
        name = self._by_variable.get(variable) or self._added(variable, wanted, *path)
        return f"{{{{{name}}}}}"

    def _added(self, variable: str, wanted: str, *path: object) -> str:
        """A new named value for what *variable* holds."""
        name = wanted
        while name in self._names:
            name += "-2"
        self._names.add(name)
        self._by_variable[variable] = name
        self._unknown(name, variable, secret=True)
        message = f"a secret that is not a named value: it is the named value {name} in Azure"
        self._folder.changed(self._source.at(*path), f"named value {name}", message)
        return name


def _variable(name: str) -> str:
    """The name of an environment variable for a named value."""
    return "".join(character if character.isalnum() else "_" for character in name).upper()


def _vault_name(name: str) -> str:
    """*name* as a Key Vault takes it: letters, digits and dashes."""
    return "".join(character if character.isalnum() else "-" for character in name)
