"""ARM templates and Bicep files for tests of ``gateway import``, and what has been read of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway.commands.importing.resources import ArmResource, Harvest
from gateway.commands.importing.sources import arm, bicep
from gateway.commands.importing.sources.inputs import Inputs, read_inputs
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

APIM = "Microsoft.ApiManagement/service"
POLICY = "<policies>\n  <inbound><base /></inbound>\n</policies>\n"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def template(*resources: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """A template with *resources*."""
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", **sections, "resources": list(resources)}


def resource(kind: str, name: str, /, **properties: Any) -> dict[str, Any]:
    """A resource of the service's type *kind*."""
    return {
        "type": f"{APIM}/{kind}".rstrip("/"),
        "apiVersion": "2023-05-01-preview",
        "name": name,
        "properties": properties,
    }


def save(folder: Path, files: dict[str, Any]) -> Path:
    """Write *files* (text, or JSON) below *folder*; returns the path of the first one."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
    return folder / next(iter(files))


def read_arm(folder: Path, files: dict[str, Any], *settings: str, whole: bool = False) -> Harvest:
    """What is read of the first of *files*, or of the *whole* folder, with ``--set`` *settings*."""
    path = save(folder, files)
    return arm.read(folder if whole else path, given(*settings))


def read_bicep(folder: Path, files: dict[str, Any], *settings: str) -> Harvest:
    """The same for Bicep."""
    return bicep.read(save(folder, files), given(*settings))


def given(*settings: str) -> Inputs:
    """The inputs that ``--set`` makes of *settings*."""
    return read_inputs(settings=settings)


def plain(node: YamlNode | None) -> Any:
    """A node as Python's own values; numbers and booleans as they are written."""
    match node:
        case Scalar():
            return None if node.null else node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key.value: plain(value) for key, value in node.entries}
    return None


def only(harvest: Harvest, kind: str) -> ArmResource:
    """The one resource of *kind*."""
    (found,) = harvest.of(kind)
    return found


def told(harvest: Harvest, outcome: str) -> list[str]:
    """What the findings of one *outcome* say, without those that matter to nobody."""
    findings = (finding for finding in harvest.findings if finding.outcome == outcome and not finding.harmless)
    return [f"{finding.what}: {finding.message}" for finding in findings]
