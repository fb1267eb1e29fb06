"""The artifacts folder that is being made: its files, and what the configuration has that it cannot hold."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.commands.importing.findings import ImportFinding, ImportOutcome
from gateway.errors import Location

# The name of an information file, by the last part of its kind.
_INFORMATION = {
    "apis": "api",
    "apiVersionSets": "versionSet",
    "backends": "backend",
    "groups": "group",
    "loggers": "logger",
    "namedValues": "namedValue",
    "operations": "operation",
    "resolvers": "resolver",
    "policyFragments": "policyFragment",
    "products": "product",
    "subscriptions": "subscription",
}


class Tool(StrEnum):
    """Whose publisher takes the folder: they differ in folders' names and in how links are kept."""

    APIOPS = "apiops"
    APIOPS_CLI = "apiops-cli"


_FOLDERS = {
    Tool.APIOPS: {
        "apiVersionSets": "version sets",
        "namedValues": "named values",
        "policyFragments": "policy fragments",
    },
    Tool.APIOPS_CLI: {"apiVersionSets": "versionSets"},
}


@dataclass(slots=True)
class ExportFolder:
    """
    Attributes:
        tool: Whose publisher is to take it.
        files: Texts by path, with ``/``.
        findings: What was changed, needs a person or was left out, with the place in the configuration.
        tokens: Overrides of named values whose text is not known: their names, and what to fill in.
    """

    tool: Tool
    files: dict[str, str] = field(default_factory=dict)
    findings: list[ImportFinding] = field(default_factory=list)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)

    # -- files
    def place(self, kind: str, *name: str) -> str:
        """The folder of a resource: ``apis/orders/operations/create``."""
        renamed = _FOLDERS[self.tool]
        collections = [renamed.get(part, part) for part in kind.split("/")]
        return "/".join(part for pair in zip(collections, name, strict=True) for part in pair)

    def information(self, properties: Mapping[str, Any], kind: str, *name: str) -> None:
        """The information file of a resource; properties without a value are left out."""
        known = {key: value for key, value in properties.items() if value is not None}
        file = f"{_INFORMATION[kind.rpartition('/')[2]]}Information.json"
        self._json(f"{self.place(kind, *name)}/{file}", {"properties": known})

    def links(self, kind: str, of: str, names: Collection[str]) -> None:
        """What *of* (a product) is linked to: *kind* is ``products/apis``."""
        parent, _, linked = kind.partition("/")
        if self.tool is Tool.APIOPS_CLI:
            if names:
                self._json(f"{self.place(parent, of)}/{linked}.json", [{"name": name} for name in names])
            return
        singular = "".join((_INFORMATION[parent], _INFORMATION[linked].capitalize()))
        for name in names:
            self._json(f"{self.place(kind, of, name)}/{singular}Information.json", {})

    def text(self, path: str, content: str) -> None:
        """A file with *content*."""
        self.files[path] = content

    def _json(self, path: str, content: object) -> None:
        self.files[path] = json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    # -- findings
    def changed(self, location: Location, what: str, message: str) -> None:
        """Report that *what* is written in another way."""
        self.findings.append(ImportFinding(ImportOutcome.CHANGED, location, what, message))

    def needs_you(self, location: Location, what: str, message: str, remedy: str) -> None:
        """Report what a person has to do."""
        self.findings.append(ImportFinding(ImportOutcome.NEEDS_YOU, location, what, message, remedy))

    def left_out(
        self, location: Location, what: str, message: str, remedy: str = "", *, harmless: bool = False
    ) -> None:
        """Report what Azure does not have."""
        self.findings.append(ImportFinding(ImportOutcome.LEFT_OUT, location, what, message, remedy, harmless))
