"""
Bicep files → the resources of an API Management service, with their modules.

Source: "Resource declaration in Bicep"; "Bicep modules"; "Iterative loops in Bicep"; "Conditional deployments in
Bicep".
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.arm import json_text
from gateway.commands.importing.sources.arm.deployments import TemplateReader, output
from gateway.commands.importing.sources.arm.template import ArmTemplate
from gateway.commands.importing.sources.bicep.declarations import BicepFile, BicepResource, parse
from gateway.commands.importing.sources.bicep.scope import BicepScope, in_turn
from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.collecting import Collector
from gateway.commands.importing.sources.template.limits import MAX_NESTED_TEMPLATES, EvaluationFault, check_items
from gateway.commands.importing.sources.template.names import kind_in_service
from gateway.commands.importing.sources.template.syntax import EvaluationFrame, Repetition
from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Mapping, YamlNode

_REGISTRIES = ("br:", "br/", "ts:", "ts/")


Take: TypeAlias = Callable[[BicepResource, EvaluationFrame], None]
_Turn: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]  # a module's name, and the variables of its loop


class BicepReader:
    """Reads one file; those of its modules are read by readers of their own."""

    def __init__(
        self,
        content: BicepFile,
        given: dict[str, YamlNode],
        collector: Collector,
        above: tuple[str, ...] = (),
        prefix: str = "",
    ) -> None:
        """*above* are the files whose modules have led here; *prefix* is that of the names of what is unknown."""
        collector.effort.template(Location(content.file))
        self._collector = collector
        self._files = (*above, content.file)
        self.scope = BicepScope(content, given, collector, prefix)
        self.scope.output_of = self._output
        self.scope.imported = self._imported
        self._modules: dict[_Turn, BicepReader | ArmTemplate | None] = {}
        self._imports: dict[str, BicepScope | None] = {}
        for fault in content.faults:
            collector.fault(fault, "Bicep")

    def read(self) -> None:
        """Collect every resource of the file and of its modules."""
        for resource in self.scope.content.resources.values():
            if not resource.existing:
                self._looped(resource, self._resource)
        for module in self.scope.content.modules.values():
            self._looped(module, self._module)

    # -- loops and conditions
    def _looped(self, declared: BicepResource, take: Take) -> None:
        chain = self._chain(declared)
        try:
            turns = self._turns(declared, chain)
            for frame in (turn for turn in turns if all(self._is_wanted(link, turn) for link in chain)):
                take(declared, frame)
        except EvaluationFault as fault:
            self._collector.fault(fault, declared.name)

    def _chain(self, declared: BicepResource) -> list[BicepResource]:
        """The declarations that *declared* is inside of, and itself last."""
        chain = [declared]
        while chain[0].outer:
            chain.insert(0, self.scope.content.resources[chain[0].outer])
        return chain

    def _turns(self, declared: BicepResource, chain: list[BicepResource]) -> list[EvaluationFrame]:
        """A frame for each turn of the loops around *declared*; none, with a finding, where one is unknown."""
        frames = [EvaluationFrame(self.scope)]
        for loop in (link.loop for link in chain if link.loop is not None):
            frames = [turn for frame in frames for turn in self._known_turns(declared, loop, frame)]
            check_items(len(frames), declared.location)
        return frames

    def _known_turns(self, declared: BicepResource, loop: Repetition, frame: EvaluationFrame) -> list[EvaluationFrame]:
        turns = loop.turns(frame)
        if isinstance(turns, Unresolved):
            message = f"how often it is repeated depends on {', '.join(turns.names)}: nothing of it is imported"
            self._collector.needs_you(declared.location, declared.name, message)
            return []
        if not turns and self._is_relevant(declared):
            self._collector.left_out(declared.location, declared.name, "its list is empty here", harmless=True)
        return turns

    def _is_relevant(self, declared: BicepResource) -> bool:
        return kind_in_service(declared.kind) is not None or declared.name in self.scope.content.modules

    def _is_wanted(self, declared: BicepResource, frame: EvaluationFrame) -> bool:
        """Whether it is deployed; one whose condition is unknown is."""
        if declared.condition is None or not self._is_relevant(declared):
            return True
        condition = declared.condition.evaluate(frame)
        what = f"condition of {declared.name}"
        if isinstance(condition, Unresolved):
            if declared.name not in self.scope.content.modules:
                self._collector.unknown_condition(condition, what)
            return True
        if values.as_boolean(condition):
            return True
        message = "it is false with these parameters"
        self._collector.left_out(declared.condition.location, what, message, harmless=True)
        return False

    # -- resources
    def _resource(self, declared: BicepResource, frame: EvaluationFrame) -> None:
        if kind_in_service(declared.kind) is None:
            self._collector.resource(declared.kind, (), None, declared.location)
            return
        symbol = self.scope.resource_symbol(declared, frame)
        written = declared.body.entry("properties")
        properties = None if written is None else written.tolerant(frame)
        self._collector.resource(declared.kind, symbol.segments, properties, declared.location)

    # -- modules
    def _module(self, declared: BicepResource, frame: EvaluationFrame) -> None:
        opened = self._opened(declared, frame)
        before = len(self._collector.harvest.resources)
        if isinstance(opened, BicepReader):
            opened.read()
        elif opened is not None:
            TemplateReader(self._collector, self._files, len(self._files)).read_template(opened)
        condition = None if declared.condition is None else declared.condition.evaluate(frame)
        if isinstance(condition, Unresolved) and len(self._collector.harvest.resources) > before:
            self._collector.unknown_condition(condition, f"condition of {declared.name}")

    def _opened(self, declared: BicepResource, frame: EvaluationFrame) -> BicepReader | ArmTemplate | None:
        """The module with the parameters of this use; None, with a finding, where it cannot be had."""
        if declared.kind.startswith(_REGISTRIES):
            self._in_registry(declared)
            return None
        turn = (declared.name, tuple((key, repr(value)) for key, value in sorted(frame.local.items())))
        if turn not in self._modules:
            self._modules[turn] = None  # for a module whose parameters need its own outputs
            try:
                self._modules[turn] = self._open(declared, frame)
            except EvaluationFault as fault:
                remedy = "read the module by itself, or edit the result"
                self._collector.needs_you(fault.location, f"module {declared.name}", fault.message, remedy)
        return self._modules[turn]

    def _in_registry(self, declared: BicepResource) -> None:
        """A module that is not among the files; its name says whether it is about API Management."""
        message = f"{declared.kind} is in a registry, from which nothing is fetched"
        if "api-management" not in declared.kind.lower() and "apim" not in declared.kind.lower():
            self._collector.left_out(declared.location, f"module {declared.name}", message, harmless=True)
            return
        remedy = "build the file (bicep build) and import the JSON, or add what the module declares"
        self._collector.needs_you(declared.location, f"module {declared.name}", message, remedy)

    def _open(self, declared: BicepResource, frame: EvaluationFrame) -> BicepReader | ArmTemplate:
        path = self._path(declared)
        given = self._given(declared, frame)
        if path.suffix.lower() != ".json":
            content = read_file(path, self._collector, declared.location)
            return BicepReader(content, given, self._collector, self._files, self._prefix(declared, frame))
        try:
            root = json_text.parse(self._collector.files.data(path, declared.location), str(path))
        except LoadError as error:
            raise EvaluationFault(declared.location, f"{path} is not JSON: {error.problems[0].message}") from None
        if not isinstance(root, Mapping):
            raise EvaluationFault(declared.location, f"{path} is not a template")
        return ArmTemplate(root, given, self._collector)

    def _prefix(self, declared: BicepResource, frame: EvaluationFrame) -> str:
        """Where a module is used more than once, what its uses do not know is not the same."""
        uses = sum(module.kind == declared.kind for module in self.scope.content.modules.values())
        once = uses == 1 and declared.loop is None
        return self.scope.prefix if once else f"{self.scope.prefix}{in_turn(declared, frame)}."

    def _path(self, declared: BicepResource) -> Path:
        path = self._collector.files.beside(declared.kind, self.scope.content.file, declared.location)
        if str(path) in self._files:
            raise EvaluationFault(declared.location, f"the modules use each other in a circle: {path}")
        if len(self._files) > MAX_NESTED_TEMPLATES:
            raise EvaluationFault(declared.location, f"modules are nested more than {MAX_NESTED_TEMPLATES} deep")
        return path

    def _given(self, declared: BicepResource, frame: EvaluationFrame) -> dict[str, YamlNode]:
        written = declared.body.entry("params")
        value = None if written is None else written.tolerant(frame)
        return {key.value: part for key, part in value.entries} if isinstance(value, Mapping) else {}

    def _output(self, declared: BicepResource, frame: EvaluationFrame, name: str) -> YamlNode | None:
        effort = self._collector.effort
        effort.enter(declared.location)
        try:
            opened = self._opened(declared, frame)
            value = None if opened is None else _output_of(opened, name)
            inside = (
                isinstance(value, Unresolved) and values.is_opaque(value) and value.location.file not in self._files
            )
            if value is None or not inside:
                return value
            label = f"{self.scope.prefix}{in_turn(declared, frame)}.outputs.{name}"
            return values.unknown(label, value.location, [value])
        finally:
            effort.leave()

    # -- imports
    def _imported(self, path: str, location: Location) -> BicepScope | None:
        """The names of another file, which has no parameters then."""
        if path not in self._imports:
            self._imports[path] = None
            if not path.startswith(_REGISTRIES):
                file = self._collector.files.beside(path, self.scope.content.file, location)
                content = read_file(file, self._collector, location)
                self._imports[path] = BicepReader(content, {}, self._collector, self._files).scope
        return self._imports[path]


def _output_of(opened: BicepReader | ArmTemplate, name: str) -> YamlNode | None:
    if isinstance(opened, ArmTemplate):
        return output(opened, name)
    written = opened.scope.content.outputs.get(name)
    return None if written is None else written.tolerant(EvaluationFrame(opened.scope))


def read_file(path: Path, collector: Collector, location: Location) -> BicepFile:
    """
    The declarations in the file at *path*; each file is parsed once.

    Raises:
        EvaluationFault: It cannot be read.
    """
    text = collector.files.text(path, location)
    if path not in collector.parsed:
        collector.parsed[path] = parse(text, str(path))
    content = collector.parsed[path]
    if not isinstance(content, BicepFile):
        raise EvaluationFault(location, f"{path} is not Bicep")
    return content
