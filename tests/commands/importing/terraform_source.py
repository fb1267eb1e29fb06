"""Small Terraform sources, and what the import reads of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.commands.importing.resources import ArmResource, Harvest, Unresolved
from gateway.commands.importing.sources.inputs import Inputs
from gateway.commands.importing.sources.terraform import read
from gateway.commands.importing.sources.terraform.values import plain
from gateway.reading.yaml_nodes import YamlNode


def harvest(folder: Path, **files: str) -> Harvest:
    """What is read of *folder* with *files*, whose names have ``__`` for a slash and ``_`` before the suffix."""
    for name, text in files.items():
        stem, _, suffix = name.replace("__", "/").rpartition("_")
        path = folder / f"{stem}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read(folder, Inputs())


def evaluated(folder: Path, expression: str, declared: str = "") -> YamlNode | None:
    """The value of *expression*, as the property of a resource; None where it has none."""
    resource = f'resource "azurerm_api_management_named_value" "x" {{\n  name = "x"\n  probe = {expression}\n}}\n'
    found = harvest(folder, main_tf=resource + declared)
    return found.resources[0].properties.find("probe") if found.resources else None


def value(folder: Path, expression: str, declared: str = "") -> Any:
    """The same as a Python value; of what is not known, its text."""
    return shown(evaluated(folder, expression, declared))


def shown(node: YamlNode | None) -> Any:
    """*node* as a Python value; of what is not known, its text."""
    return None if node is None else _known(plain(node))


def _known(result: Any) -> Any:
    match result:
        case Unresolved():
            return result.value
        case list():
            return [_known(item) for item in result]
        case dict():
            return {key: _known(item) for key, item in result.items()}
        case _:
            return result


def properties(found: Harvest, kind: str, *name: str) -> Any:
    """The properties of one resource as Python values."""
    return shown(only(found, kind, *name).properties)


def only(found: Harvest, kind: str, *name: str) -> ArmResource:
    """The one resource of that kind and name."""
    (resource,) = [resource for resource in found.of(kind) if not name or resource.name == name]
    return resource
