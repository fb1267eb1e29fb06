"""
Artifacts folders: what the extractor of Azure/apiops and apiops-cli write, and their publishers take.

    folder ─► folders (which files) ─► layout (what each is) ─► reading (resources) ─► overrides (one environment)

Source: https://github.com/Azure/apiops, https://github.com/Azure/apiops-cli.
"""

from __future__ import annotations

from pathlib import Path

from gateway.commands.importing.json_nodes import read_optional
from gateway.commands.importing.resources import Harvest
from gateway.commands.importing.sources.apiops.folders import artifact_folders
from gateway.commands.importing.sources.apiops.overrides import overridden
from gateway.commands.importing.sources.apiops.reading import REDACTED, FolderReader
from gateway.commands.importing.sources.inputs import Inputs
from gateway.errors import LoadError, Location

__all__ = ["REDACTED", "read", "read_folder", "recognises", "the_folder"]


def recognises(path: Path) -> bool:
    """Whether *path* is an artifacts folder, or a repository with one."""
    return bool(artifact_folders(path))


def read(path: Path, inputs: Inputs) -> Harvest:
    """
    What the artifacts folder at or below *path* holds, with the overrides in the YAML files of *inputs*.

    Raises:
        LoadError: There are several artifacts folders, it is too large, or an override cannot be read.
    """
    harvest = read_folder(the_folder(path))
    for file in inputs.files:
        overrides = read_optional(file)
        harvest = harvest if overrides is None else overridden(harvest, overrides)
    return harvest


def read_folder(root: Path) -> Harvest:
    """What the artifacts folder *root* itself holds. Raises LoadError: it is too large."""
    return FolderReader(root).read()


def the_folder(path: Path) -> Path:
    """The one artifacts folder at or below *path*. Raises LoadError: there are several, or none."""
    roots = artifact_folders(path)
    if len(roots) == 1:
        return roots[0]
    if not roots:
        raise LoadError.at(Location(str(path)), "unknown-source", "there is no artifacts folder", "check the path")
    few = ", ".join(str(folder) for folder in roots[:5])
    raise LoadError.at(Location(str(path)), "several-sources", f"{len(roots)} artifacts folders", f"name one: {few}")
