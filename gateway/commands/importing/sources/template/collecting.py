"""
What the readers of templates find on their way: the service's resources, in today's names, and findings.

Source: "Microsoft.ApiManagement resource types", of which older versions call some properties otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gateway.commands.importing.findings import ImportFinding, ImportOutcome
from gateway.commands.importing.resources import ArmResource, Harvest, Unresolved
from gateway.commands.importing.sources.template.limits import MAX_RESOURCES, Effort, EvaluationFault, TooMuch
from gateway.commands.importing.sources.template.local_files import SourceFiles, without_query
from gateway.commands.importing.sources.template.names import kind_in_service, without_service
from gateway.commands.importing.sources.template.values import as_json, parts_of, with_entries
from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

_OLD_KINDS = {"properties": "namedValues", "api-version-sets": "apiVersionSets"}
_OLD_PROPERTIES = {"policyContent": "value", "contentValue": "value", "contentFormat": "format"}
_GIVE_IT = "give the parameter with --set NAME=VALUE or --parameters FILE, or edit the result"


@dataclass(slots=True)
class Collector:
    """
    One import while it reads.

    Attributes:
        files: What may be read.
        effort: What it has cost.
        harvest: What has been found.
        parsed: Files that have been parsed, by their path.
    """

    files: SourceFiles
    effort: Effort = field(default_factory=Effort)
    harvest: Harvest = field(default_factory=Harvest)
    parsed: dict[Path, object] = field(default_factory=dict)
    _faults: set[tuple[Location, str]] = field(default_factory=set)
    _reported: set[ImportFinding] = field(default_factory=set)
    _unknown_names: set[tuple[Location, str]] = field(default_factory=set)
    _content: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _foreign: dict[str, list[Location]] = field(default_factory=dict)

    # -- findings
    def needs_you(self, location: Location, what: str, message: str, remedy: str = _GIVE_IT) -> None:
        """Report what only a person can complete."""
        self._report(ImportFinding(ImportOutcome.NEEDS_YOU, location, what, message, remedy))

    def unknown_condition(self, condition: Unresolved, what: str) -> None:
        """Report a condition that only a deployment knows; what it guards is imported."""
        message = f"it depends on {', '.join(condition.names)}; what it guards is imported"
        self.needs_you(condition.location, what, message)

    def left_out(self, location: Location, what: str, message: str, remedy: str = "", harmless: bool = False) -> None:
        """Report what is not imported."""
        self._report(ImportFinding(ImportOutcome.LEFT_OUT, location, what, message, remedy, harmless))

    def note(self, location: Location, what: str, message: str) -> None:
        """Report how the source was read."""
        self._report(ImportFinding(ImportOutcome.MAPPED, location, what, message, harmless=True))

    def changed(self, location: Location, what: str, message: str) -> None:
        """Report what is imported in another form."""
        self._report(ImportFinding(ImportOutcome.CHANGED, location, what, message))

    def fault(self, fault: EvaluationFault, what: str = "expression") -> None:
        """Report an expression that has no value, once."""
        if (fault.location, fault.message) not in self._faults:
            self._faults.add((fault.location, fault.message))
            self.needs_you(fault.location, what, fault.message, "correct the expression, or edit the result")

    def _report(self, finding: ImportFinding) -> None:
        """Each is reported once, however often its module is used."""
        if finding not in self._reported:
            self._reported.add(finding)
            self.harvest.findings.append(finding)

    # -- resources
    def resource(self, kind: str, name: tuple[Scalar, ...], properties: YamlNode | None, location: Location) -> None:
        """
        Take a resource of the type *kind*; one of another service is counted.

        Raises:
            TooMuch: More than MAX_RESOURCES.
        """
        inside = kind_in_service(kind)
        if inside is None:
            self._foreign.setdefault(kind, []).append(location)
            return
        steps = inside.split("/") if inside else []
        what = f"{inside or 'service'} {'/'.join(segment.value for segment in name[1:])}".strip()
        if len(name) != len(steps) + 1:
            message = f"its name has {len(name)} parts, but its type {kind} needs {len(steps) + 1}"
            self.left_out(location, what, message, "correct the name")
            return
        self._named(name[1:], what)
        self._add(steps, name[1:], self._adapted(properties, location, what), location)

    def _named(self, name: tuple[Scalar, ...], what: str) -> None:
        for segment in name:
            if isinstance(segment, Unresolved) and (segment.location, segment.value) not in self._unknown_names:
                self._unknown_names.add((segment.location, segment.value))
                message = f"its name depends on {', '.join(segment.names)}, which has no value here"
                self.needs_you(segment.location, what, message)

    def _add(self, steps: list[str], name: tuple[Scalar, ...], properties: Mapping, location: Location) -> None:
        if len(self.harvest.resources) >= MAX_RESOURCES:
            raise TooMuch(location, f"more than {MAX_RESOURCES:,} resources")
        segments = tuple(segment.value for segment in name)
        workspace = ""
        if steps[:1] == ["workspaces"] and len(steps) > 1:
            workspace, segments, steps = segments[0], segments[1:], steps[1:]
        kind = "/".join(_OLD_KINDS.get(step, step) for step in steps)
        key = (workspace, kind, "/".join(segments).lower())
        if key in self._content and self._content[key] == as_json(properties):  # as exports of the portal have it
            self.left_out(
                location, f"{kind} {'/'.join(segments)}", "it is declared again, with the same", harmless=True
            )
            return
        self._content.setdefault(key, as_json(properties))
        self.harvest.resources.append(ArmResource(kind, segments, properties, location, workspace))

    # -- properties
    def _adapted(self, properties: YamlNode | None, location: Location, what: str) -> Mapping:
        """*properties* in today's names, with files instead of links to them."""
        if not isinstance(properties, Mapping):
            if properties is not None:
                self.needs_you(properties.location, what, "its properties are not known here")
            return Mapping((), location)
        entries = ((_renamed(key), value) for key, value in properties.entries)
        own = Mapping(tuple(entries), properties.location)
        self.effort.step(location, sum(1 for _ in parts_of(own)))  # before its parts are copied
        own = _with_short_ids(own)
        form, value = own.find("format"), own.find("value")
        if isinstance(form, Scalar) and isinstance(value, Scalar) and "-link" in form.value:
            return self._read_link(own, form, value, what)
        return own

    def _read_link(self, properties: Mapping, form: Scalar, value: Scalar, what: str) -> Mapping:
        """*properties* with the text of the local file that a link names; unchanged where there is none."""
        path = self.files.linked(value.value)
        if path is None:
            return properties
        try:
            text = self.files.text(path, value.location)
        except EvaluationFault as fault:
            self.fault(fault, what)
            return properties
        self.note(value.location, what, f"the link {without_query(value.value)} is taken for the file {path}")
        plain = form.value.replace("-link", "")
        read = Scalar("swagger-json" if plain == "swagger" else plain, form.location)
        return with_entries(properties, {"format": read, "value": Scalar(text, Location(str(path)))})

    def finish(self) -> Harvest:
        """All that was collected; resources of other services are named together."""
        if self._foreign:
            count = sum(map(len, self._foreign.values()))
            kinds = sorted(self._foreign)
            shown = ", ".join(kinds[:5]) + (f" and {len(kinds) - 5} more types" if len(kinds) > 5 else "")
            first = min(place for places in self._foreign.values() for place in places)
            message = f"{count} resources of other services: {shown}"
            self.left_out(first, "other resources", message, harmless=True)
        return self.harvest


def _renamed(key: Scalar) -> Scalar:
    today = _OLD_PROPERTIES.get(key.value)
    return key if today is None else Scalar(today, key.location)


def _with_short_ids(value: Mapping) -> Mapping:
    """*value* with the ids of things in the service as the service has them."""
    return Mapping(tuple((key, _short(entry)) for key, entry in value.entries), value.location)


def _short(value: YamlNode) -> YamlNode:
    if isinstance(value, Unresolved):
        return without_service(value)
    if isinstance(value, Mapping):
        return _with_short_ids(value)
    return Sequence(tuple(map(_short, value.items)), value.location) if isinstance(value, Sequence) else value
