"""
The publisher's ``configuration.ENVIRONMENT.yaml``: other properties for single resources, in one environment.

A section for each kind holds entries with a name, properties and sections of what is below it. Properties are merged
into those of the folder; names and keys have no case. A token (``{#[NAME]#}``) is filled in by a pipeline.

Source: Azure/apiops, configuration.prod.yaml; Azure/apiops-cli, docs/guides/environment-overrides.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.commands.importing.findings import ImportFinding, ImportOutcome
from gateway.commands.importing.resources import ArmResource, Harvest, Unresolved
from gateway.commands.importing.sources.apiops.layout import collection_of
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

_TOKEN = re.compile(r"\{#\[?\s*([^\[\]{}#]+?)\s*\]?#\}")
# What one environment cannot have otherwise than another: the publisher leaves it alone.
_FIXED = {"apis": frozenset({"apirevision", "iscurrent"})}
_POLICIES = "policies"


@dataclass(frozen=True, slots=True)
class _Override:
    """The properties of one entry, and whose they are."""

    workspace: str
    kind: str
    name: tuple[str, ...]
    properties: Mapping

    @property
    def key(self) -> tuple[str, str, tuple[str, ...]]:
        return self.workspace.lower(), self.kind, tuple(part.lower() for part in self.name)


def overridden(harvest: Harvest, root: YamlNode) -> Harvest:
    """*harvest* with what the file with *root* says; entries for what is not there are reported."""
    overrides = {override.key: override for override in _overrides(root)}
    used: set[tuple[str, str, tuple[str, ...]]] = set()
    resources = []
    for resource in harvest.resources:
        override = overrides.get(_key(resource))
        if override is not None:
            used.add(override.key)
            resource = replace(resource, properties=merged(resource.properties, override.properties))
        resources.append(resource)
    unused = [_unused(override) for key, override in overrides.items() if key not in used]
    return Harvest(resources, [*harvest.findings, *unused])


def _key(resource: ArmResource) -> tuple[str, str, tuple[str, ...]]:
    return resource.workspace.lower(), resource.kind, tuple(part.lower() for part in resource.name)


def _unused(override: _Override) -> ImportFinding:
    what = f"override of {override.kind} {'/'.join(override.name)}"
    message = "the folder has no such resource: the publisher ignores it, too"
    return ImportFinding(ImportOutcome.LEFT_OUT, override.properties.location, what, message, harmless=True)


def _overrides(root: YamlNode) -> Iterator[_Override]:
    """Every entry of the file, workspaces' too."""
    for entry, name in _entries(root.find("workspaces") if isinstance(root, Mapping) else None):
        yield from _below(entry, name, "", ())
    yield from _below(root, "", "", ())


def _below(node: YamlNode, workspace: str, kind: str, name: tuple[str, ...]) -> Iterator[_Override]:
    """The entries in the sections of *node*, which is the file or the entry called *name*."""
    for collection, entry, own in _sections(node):
        whose = f"{kind}/{collection}".lstrip("/"), (*name, own)
        properties = entry.find("properties")
        if isinstance(properties, Mapping):
            yield _Override(workspace, *whose, _free(properties, whose[0]))
        yield from _below(entry, workspace, *whose)


def _sections(node: YamlNode) -> Iterator[tuple[str, Mapping, str]]:
    """Collection, entry and name of everything in the sections of *node*."""
    for key, section in node.entries if isinstance(node, Mapping) else ():
        collection = _POLICIES if key.value.lower() == _POLICIES else collection_of(key.value)
        if collection is not None:
            yield from ((collection, entry, name) for entry, name in _entries(section))


def _entries(section: YamlNode | None) -> Iterator[tuple[Mapping, str]]:
    for item in section.items if isinstance(section, Sequence) else ():
        name = item.find("name") if isinstance(item, Mapping) else None
        if isinstance(item, Mapping) and isinstance(name, Scalar):
            yield item, name.value


def _free(properties: Mapping, kind: str) -> Mapping:
    """*properties* that may differ, with tokens marked as unknown."""
    fixed = _FIXED.get(kind, frozenset())
    entries = ((key, _filled(value)) for key, value in properties.entries if key.value.lower() not in fixed)
    return Mapping(tuple(entries), properties.location)


def _filled(node: YamlNode) -> YamlNode:
    """*node* with each token as what only a deployment knows, and keeps secret."""
    if isinstance(node, Mapping):
        return Mapping(tuple((key, _filled(value)) for key, value in node.entries), node.location)
    if isinstance(node, Sequence):
        return Sequence(tuple(_filled(item) for item in node.items), node.location)
    names = tuple(_TOKEN.findall(node.value))
    if not names:
        return node
    return Unresolved(_TOKEN.sub(r"{\1}", node.value), node.location, names=names, secret=True)


def merged(properties: Mapping, others: Mapping) -> Mapping:
    """*properties* with *others*: mappings are merged, everything else is replaced; keys have no case."""
    new = {key.value.lower(): (key, value) for key, value in others.entries}
    entries = [
        (key, _merged(value, new.pop(key.value.lower())[1]) if key.value.lower() in new else value)
        for key, value in properties.entries
    ]
    return Mapping((*entries, *new.values()), properties.location)


def _merged(value: YamlNode, other: YamlNode) -> YamlNode:
    return merged(value, other) if isinstance(value, Mapping) and isinstance(other, Mapping) else other
