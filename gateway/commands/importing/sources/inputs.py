"""
What the command line gives to a source besides its files: parameters, in files or one by one.

JSON and YAML files are read here: ARM's deployment parameters, or plain names and values. Files in a form of one source
alone (``.tfvars``, ``.bicepparam``, ``.env``) are kept for it in ``files``.

Source: "Create ArmResource Manager parameter file", Azure's documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.commands.importing.json_nodes import read_optional
from gateway.commands.importing.resources import Unresolved
from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Mapping as NodeMapping
from gateway.reading.yaml_nodes import Scalar, YamlNode

_HERE = (".json", ".jsonc", ".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Inputs:
    """
    Parameters by name, and the files that a source may read in its own way.

    Attributes:
        values: From JSON and YAML files, then from ``--set``, which wins; a later file wins over an earlier one.
        given: Those of ``--set`` alone, which win over what a source reads from *files* itself.
        files: Every file of ``--parameters``, in order.
    """

    values: Mapping[str, YamlNode] = field(default_factory=dict)
    given: Mapping[str, YamlNode] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def find(self, name: str) -> YamlNode | None:
        """The parameter's value, or None. Names have no case, as in ARM."""
        wanted = name.casefold()
        return next((value for key, value in self.values.items() if key.casefold() == wanted), None)


NO_INPUTS = Inputs()


def read_inputs(files: Iterable[Path] = (), settings: Iterable[str] = ()) -> Inputs:
    """
    What ``--parameters FILE`` and ``--set name=value`` mean.

    Raises:
        LoadError: A file cannot be read, or a setting has no name.
    """
    kept = tuple(files)
    values = dict(pair for file in kept if file.suffix.lower() in _HERE for pair in _parameters(file))
    for file in kept:
        if not file.is_file():
            raise LoadError.at(Location(str(file)), "unreadable-file", "no such file", "check --parameters")
    given = dict(_setting(setting) for setting in settings)
    return Inputs({**values, **given}, given, kept)


def _setting(text: str) -> tuple[str, YamlNode]:
    name, equals, value = text.partition("=")
    location = Location("--set")
    if not equals or not name.strip():
        raise LoadError.at(location, "bad-value", f"{name!r} sets nothing", "write --set name=value")
    return name.strip(), Scalar(value, location, plain=True)


def _parameters(file: Path) -> Iterator[tuple[str, YamlNode]]:
    root = read_optional(file)
    if root is None:
        return
    if not isinstance(root, NodeMapping):
        raise LoadError.at(root.location, "expected-mapping", "parameters are names and values", "write name: value")
    inner = root.find("parameters")
    entries = inner.entries if isinstance(inner, NodeMapping) else root.entries
    for name, node in entries:
        yield name.value, _value(name.value, node)


def _value(name: str, node: YamlNode) -> YamlNode:
    """The value in ARM's ``{"value": …}``; one in a Key Vault is known to the deployment alone."""
    if not isinstance(node, NodeMapping):
        return node
    if node.find("reference") is not None:
        return Unresolved(f"{{{name}}}", node.location, names=(name,), secret=True)
    value = node.find("value")
    return node if value is None else value
