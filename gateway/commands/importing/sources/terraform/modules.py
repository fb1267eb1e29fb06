"""
A module: the configuration of one folder, sorted by what its blocks declare.

Source: Terraform's documentation, "Files and Configuration Structure", "Override Files".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gateway.commands.importing.sources.terraform.folder import read_limited
from gateway.commands.importing.sources.terraform.json_syntax import json_body
from gateway.commands.importing.sources.terraform.parsing import ParsedFile
from gateway.commands.importing.sources.terraform.syntax import BlockBody, BodyArgument, ConfigurationBlock
from gateway.errors import LoadError, Location, Problem

MOST_CONFIGURATION_FILES = 2_000


@dataclass(slots=True)
class TerraformModule:
    """
    Attributes:
        resources: By type and name, as ``data`` is.
        problems: What could not be read, with places.
    """

    folder: Path
    variables: dict[str, ConfigurationBlock] = field(default_factory=dict)
    locals: dict[str, BodyArgument] = field(default_factory=dict)
    outputs: dict[str, ConfigurationBlock] = field(default_factory=dict)
    calls: dict[str, ConfigurationBlock] = field(default_factory=dict)
    resources: dict[tuple[str, str], ConfigurationBlock] = field(default_factory=dict)
    data: dict[tuple[str, str], ConfigurationBlock] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def configuration_files(folder: Path) -> list[Path]:
    """The files of the module in *folder*, in Terraform's order: override files come last."""
    try:
        names = [path for path in folder.iterdir() if path.name.endswith((".tf", ".tf.json")) and path.is_file()]
    except OSError:
        return []
    shown = [path for path in names if not path.name.startswith((".", "#")) and not path.name.endswith("~")]
    return sorted(shown, key=lambda path: (_overrides(path), path.name))[:MOST_CONFIGURATION_FILES]


def _overrides(path: Path) -> bool:
    stem = path.name.removesuffix(".json").removesuffix(".tf")
    return stem == "override" or stem.endswith("_override")


def load_module(folder: Path) -> TerraformModule:
    """The module in *folder*; it has no file where *folder* is not one."""
    module = TerraformModule(folder)
    for path in configuration_files(folder):
        body = _read(path, module.problems)
        for block in body.blocks:
            _declare(module, block)
    return module


def _read(path: Path, problems: list[Problem]) -> BlockBody:
    try:
        content = read_limited(path)
        if path.name.endswith(".json"):
            return json_body(content, str(path))
    except OSError as error:
        message = f"this file cannot be read: {error.strerror or error}"
        problems.append(Problem(Location(str(path)), "unreadable-file", message))
        return BlockBody()
    except LoadError as error:
        problems += error.problems
        return BlockBody()
    parsed = ParsedFile(content, str(path))
    problems += parsed.problems
    return parsed.body


def _declare(module: TerraformModule, block: ConfigurationBlock) -> None:
    if block.kind == "locals":
        module.locals.update(block.body.arguments)
    elif block.kind in ("resource", "data") and len(block.labels) == 2:
        declared = module.resources if block.kind == "resource" else module.data
        kind, name = block.labels
        declared[kind, name] = _merged(declared.get((kind, name)), block)
    elif block.labels and block.kind in ("variable", "output", "module"):
        named = {"variable": module.variables, "output": module.outputs, "module": module.calls}[block.kind]
        named[block.labels[0]] = _merged(named.get(block.labels[0]), block)


def _merged(known: ConfigurationBlock | None, block: ConfigurationBlock) -> ConfigurationBlock:
    """An override file changes single arguments of a block; nested blocks of one kind are replaced together."""
    if known is None:
        return block
    kinds = {inner.kind for inner in block.body.blocks}
    kept = [inner for inner in known.body.blocks if inner.kind not in kinds]
    body = BlockBody({**known.body.arguments, **block.body.arguments}, kept + block.body.blocks)
    return ConfigurationBlock(known.kind, known.labels, body, known.location)
