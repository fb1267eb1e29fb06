"""
An artifacts folder → resources.

Each file is understood on its own, by its path; what one file lacks keeps no other from being read.

Source: Azure/apiops, "Supported resources"; Azure/apiops-cli, docs/reference/artifact-format.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.commands.importing.findings import ImportFinding, ImportOutcome
from gateway.commands.importing.resources import ArmResource, Harvest, mapping
from gateway.commands.importing.sources.apiops.files import json_of, text_of
from gateway.commands.importing.sources.apiops.folders import files_in
from gateway.commands.importing.sources.apiops.layout import Artifact, Role, artifact_of
from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence

# What apiops-cli writes in place of a secret.
REDACTED = "*** REDACTED ***"
# In the order in which the publisher looks for a definition.
_DEFINITIONS = (".yaml", ".yml", ".json", ".graphql", ".wsdl", ".wadl")
_SWAGGER = re.compile(r'^\s*"?swagger"?\s*:', re.MULTILINE)
_START = 4_096  # characters in which a definition says what it is


@dataclass(slots=True)
class _Api:
    """What belongs together and is in two files: the properties of an API and its definition."""

    resource: ArmResource | None = None
    definitions: list[Path] = field(default_factory=list)


class FolderReader:
    """Reads the files of one artifacts folder into *harvest*."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.harvest = Harvest()
        self._taken: set[tuple[str, str, tuple[str, ...]]] = set()
        self._apis: dict[tuple[str, str], _Api] = {}
        self._fragments: dict[tuple[str, str], tuple[Mapping, Location]] = {}

    def read(self) -> Harvest:
        """Everything in the folder. Raises LoadError: only for a folder that is too large."""
        fragments: list[tuple[Path, Artifact]] = []
        for path, parts in files_in(self._root):
            artifact = artifact_of(parts)
            if artifact is None and path.is_symlink():
                self._link(path, parts)
            elif artifact is None:
                self._unknown(path)
            elif artifact.role is Role.FRAGMENT:
                fragments.append((path, artifact))
            else:
                self._try(path, artifact)
        for path, artifact in fragments:  # behind their information, wherever that is
            self._try(path, artifact)
        self._finish_apis()
        self._report_lonely_fragments()
        self._drop_doubled_revisions()
        return self.harvest

    def _try(self, path: Path, artifact: Artifact) -> None:
        """Read one file; what is wrong with it is reported."""
        take = {
            Role.INFORMATION: self._information,
            Role.POLICY: self._policy,
            Role.FRAGMENT: self._fragment,
            Role.DEFINITION: self._definition,
            Role.LINKS: self._links,
        }[artifact.role]
        try:
            take(path, artifact)
        except LoadError as error:
            for problem in error.problems:
                message = f"cannot be read: {problem.message}"
                self._tell(ImportOutcome.NEEDS_YOU, problem.location, _titled(artifact), message, problem.remedy)
            if artifact.role in (Role.POLICY, Role.FRAGMENT):
                self._add_missing_document(path, artifact)

    def _add_missing_document(self, path: Path, artifact: Artifact) -> None:
        """A document that is there and cannot be read is not the same as none: what needs it is refused."""
        self.harvest.resources.append(_resource(artifact, mapping(Location(str(path))), Location(str(path))))

    # -- one kind of file each
    def _information(self, path: Path, artifact: Artifact) -> None:
        root = json_of(path)
        if not isinstance(root, Mapping):
            raise LoadError.at(root.location, "expected-mapping", "the information of a resource is an object")
        resource = _resource(artifact, _without_redacted(_properties(root)), root.location)
        key = (artifact.workspace, artifact.name[0])
        if artifact.kind == "apis":
            self._apis.setdefault(key, _Api()).resource = resource
        elif artifact.kind == "policyFragments":
            self._fragments[key] = (resource.properties, resource.location)
        else:
            self._take(resource)

    def _policy(self, path: Path, artifact: Artifact) -> None:
        self.harvest.resources.append(_resource(artifact, self._document(path, artifact), Location(str(path))))

    def _fragment(self, path: Path, artifact: Artifact) -> None:
        known, location = self._fragments.pop((artifact.workspace, artifact.name[0]), (None, Location(str(path))))
        properties = self._document(path, artifact)
        if known is not None:
            properties = with_entries(known, properties)
        self.harvest.resources.append(_resource(artifact, properties, location))

    def _definition(self, path: Path, artifact: Artifact) -> None:
        self._apis.setdefault((artifact.workspace, artifact.name[0]), _Api()).definitions.append(path)

    def _links(self, path: Path, artifact: Artifact) -> None:
        root = json_of(path)
        if not isinstance(root, Sequence):
            raise LoadError.at(root.location, "expected-list", 'a list of links is written [{"name": "…"}]')
        for item in root.items:
            name = item.find("name") if isinstance(item, Mapping) else item
            if not isinstance(name, Scalar):
                raise LoadError.at(item.location, "missing-name", "a link without a name")
            linked = replace(artifact, name=(*artifact.name, name.value))
            self._take(_resource(linked, mapping(name.location), name.location))

    def _take(self, resource: ArmResource) -> None:
        """Add *resource*, once: old and new versions of the tools have written links side by side."""
        key = (resource.workspace, resource.kind, resource.name)
        if key not in self._taken:
            self._taken.add(key)
            self.harvest.resources.append(resource)

    def _document(self, path: Path, artifact: Artifact) -> Mapping:
        text, location = text_of(path), Location(str(path))
        for line, written in enumerate(text.split("\n"), 1):
            if (column := written.find(REDACTED)) >= 0:
                place = Location(str(path), line, column + 1)
                message = f"{REDACTED} is in place of a secret"
                remedy = "write a named value there, and its value in the configuration"
                self._tell(ImportOutcome.NEEDS_YOU, place, _titled(artifact), message, remedy)
        return mapping(location, format=Scalar("rawxml", location), value=Scalar(text, location))

    # -- what several files say together
    def _finish_apis(self) -> None:
        for (workspace, name), api in self._apis.items():
            artifact = Artifact(Role.INFORMATION, "apis", (name,), workspace)
            chosen = self._chosen(api.definitions, artifact)
            resource = api.resource
            if resource is None and chosen is not None:
                resource = _resource(artifact, mapping(Location(str(chosen))), Location(str(chosen)))
            if resource is not None:
                properties = resource.properties if chosen is None else self._defined(resource.properties, chosen)
                self.harvest.resources.append(replace(resource, properties=properties))

    def _chosen(self, definitions: Iterable[Path], artifact: Artifact) -> Path | None:
        """The definition that the publisher takes; others are reported."""
        ordered = sorted(definitions, key=lambda path: _DEFINITIONS.index(path.suffix.lower()))
        for other in ordered[1:]:
            message = f"the API has another definition, {ordered[0].name}, which takes precedence"
            self._tell(ImportOutcome.LEFT_OUT, Location(str(other)), _titled(artifact), message, harmless=True)
        return ordered[0] if ordered else None

    def _defined(self, properties: Mapping, path: Path) -> Mapping:
        """*properties* with the definition at *path*."""
        location = Location(str(path))
        try:
            text = text_of(path)
        except LoadError as error:
            for problem in error.problems:
                message = f"cannot be read: {problem.message}"
                self._tell(ImportOutcome.NEEDS_YOU, problem.location, "definition", message, problem.remedy)
            return properties
        told = mapping(location, format=Scalar(_format(path, text), location), value=Scalar(text, location))
        return with_entries(properties, told)

    def _report_lonely_fragments(self) -> None:
        for (_, name), (_, location) in self._fragments.items():
            message = "there is no policy.xml beside it"
            self._tell(
                ImportOutcome.NEEDS_YOU, location, f"policy fragment {name}", message, "add the fragment's policy.xml"
            )

    def _drop_doubled_revisions(self) -> None:
        """apiops-cli writes the current revision twice: as NAME, and as ``NAME;rev=N``."""
        apis = list(self.harvest.of("apis"))
        current = {(api.workspace, api.name[0], _text(api, "apiRevision")) for api in apis}
        doubled = {(api.workspace, api.name[0]) for api in apis if (api.workspace, *_revision(api)) in current}
        for api in self._within(apis, doubled):
            message = "the same revision as the current one, with which it is joined"
            self._tell(ImportOutcome.LEFT_OUT, api.location, f"API {api.name[0]}", message, harmless=True)
        dropped = {id(resource): resource for resource in self._within(self.harvest.resources, doubled)}
        kept = [known for known in self.harvest.resources if id(known) not in dropped]
        self.harvest.resources = [*kept, *_only_in_a_double(dropped.values(), kept)]

    @staticmethod
    def _within(resources: Iterable[ArmResource], apis: set[tuple[str, str]]) -> list[ArmResource]:
        """Those of *resources* that are one of *apis* or belong to one."""
        below = (resource for resource in resources if resource.kind.partition("/")[0] == "apis")
        return [resource for resource in below if (resource.workspace, resource.name[0]) in apis]

    # -- findings
    def _link(self, path: Path, parts: tuple[str, ...]) -> None:
        """A link is not followed; a folder behind it may hold policies of the scope that it is in."""
        message = "a link, which may lead out of the folder: it is not followed"
        self._tell(ImportOutcome.LEFT_OUT, Location(str(path)), f"link {path.name}", message, "put the folder there")
        scopes = (artifact_of((*parts[:length], "policy.xml")) for length in range(len(parts), 0, -1))
        nearest = next((artifact for artifact in scopes if artifact is not None), None)
        if nearest is not None and path.is_dir():
            self._add_missing_document(path, nearest)

    def _unknown(self, path: Path) -> None:
        overrides = path.name.startswith("configuration.") and path.parent == self._root
        harmless = overrides or path.suffix.lower() not in (".json", ".xml", ".yaml", ".yml")
        message = "give it with --parameters to use it" if overrides else "not a file of the extractor's; not read"
        self._tell(ImportOutcome.LEFT_OUT, Location(str(path)), f"file {path.name}", message, harmless=harmless)

    def _tell(
        self,
        outcome: ImportOutcome,
        location: Location,
        what: str,
        message: str,
        remedy: str = "",
        *,
        harmless: bool = False,
    ) -> None:
        self.harvest.findings.append(ImportFinding(outcome, location, what, message, remedy, harmless))


_TITLES = {
    "apis": "API",
    "apiVersionSets": "version set",
    "backends": "backend",
    "namedValues": "named value",
    "policyFragments": "policy fragment",
    "products": "product",
    "subscriptions": "subscription",
}


def _titled(artifact: Artifact) -> str:
    """*artifact* as its users call it: ``API orders``, ``policy document of apis/orders``."""
    if artifact.role is Role.POLICY:
        scope = "/".join(artifact.name[:-1])
        return f"policy document of {artifact.kind.removesuffix('/policies')} {scope}" if scope else "global policy"
    kind = artifact.kind.partition("/")[0]
    return f"{_TITLES.get(artifact.kind) or _TITLES.get(kind, kind)} {'/'.join(artifact.name)}"


def _resource(artifact: Artifact, properties: Mapping, location: Location) -> ArmResource:
    return ArmResource(artifact.kind, artifact.name, properties, location, artifact.workspace)


def _properties(root: Mapping) -> Mapping:
    """What is under ``properties``; nothing for links, which are empty objects."""
    properties = root.find("properties")
    return properties if isinstance(properties, Mapping) else Mapping((), root.location)


def _without_redacted(properties: Mapping) -> Mapping:
    """*properties* without the mark that stands for a secret: what is not known is absent."""
    entries = (pair for pair in properties.entries if getattr(pair[1], "value", None) != REDACTED)
    return Mapping(tuple(entries), properties.location)


def with_entries(properties: Mapping, others: Mapping) -> Mapping:
    """*properties* with *others*, which replace entries of the same name."""
    replaced = {key.value for key, _ in others.entries}
    kept = (pair for pair in properties.entries if pair[0].value not in replaced)
    return Mapping((*kept, *others.entries), properties.location)


def _format(path: Path, text: str) -> str:
    """ARM's name of a definition's form."""
    suffix = path.suffix.lower()
    if suffix in (".yaml", ".yml"):
        return "openapi"
    if suffix == ".json":
        return "swagger-json" if _SWAGGER.search(text[:_START].replace("{", "\n")) else "openapi+json"
    return {".graphql": "graphql", ".wsdl": "wsdl"}.get(suffix, "wadl-xml")


def _revision(api: ArmResource) -> tuple[str, str]:
    """The API and the number in ``NAME;rev=N``."""
    base, _, number = api.name[0].partition(";rev=")
    return base, number


def _only_in_a_double(doubles: Iterable[ArmResource], kept: Iterable[ArmResource]) -> list[ArmResource]:
    """What of a revision that is there twice is in its second folder alone: other policies of the same API."""
    known = {(own.workspace, own.kind, own.name, _text(own, "value")) for own in kept}
    single = (replace(own, name=(_revision(own)[0], *own.name[1:])) for own in doubles if own.kind != "apis")
    return [own for own in single if (own.workspace, own.kind, own.name, _text(own, "value")) not in known]


def _text(resource: ArmResource, name: str) -> str | None:
    value = resource.properties.find(name)
    return value.value if isinstance(value, Scalar) else None
