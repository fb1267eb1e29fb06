"""
The resources of a template, one after the other: loops, conditions, children, nested and linked templates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.arm import finding_templates, json_text
from gateway.commands.importing.sources.arm.template import ArmTemplate, section
from gateway.commands.importing.sources.template import names, values
from gateway.commands.importing.sources.template.collecting import Collector
from gateway.commands.importing.sources.template.limits import MAX_NESTED_TEMPLATES, EvaluationFault
from gateway.commands.importing.sources.template.local_files import without_query
from gateway.commands.importing.sources.template.syntax import EvaluationFrame, SymbolValue
from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

_DEPLOYMENT = "microsoft.resources/deployments"


@dataclass(frozen=True, slots=True)
class _Parent:
    """What a child resource is declared inside."""

    kind: str = ""
    name: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class _OpenTemplate:
    """A template inside a deployment: its JSON, and the scope of its expressions."""

    root: Mapping
    frame: EvaluationFrame
    template: ArmTemplate


class TemplateReader:
    """Reads one template and all that it nests and links."""

    def __init__(self, collector: Collector, files: tuple[str, ...] = (), depth: int = 0) -> None:
        """*files* are those whose reading has led here, *depth* deployments inside one another."""
        self._collector = collector
        self._files = files
        self._depth = depth
        self._nested: dict[tuple[int, tuple[tuple[str, int], ...]], _OpenTemplate | None] = {}

    def read(self, root: Mapping, given: dict[str, YamlNode]) -> None:
        """Collect the resources of the template *root*, which gets the parameters *given*."""
        self.read_template(ArmTemplate(root, given, self._collector))

    def read_template(self, template: ArmTemplate) -> None:
        """Collect the resources of *template*."""
        self._collector.effort.template(template.root.location)
        inner = TemplateReader(self._collector, (*self._files, template.file), self._depth)
        inner.walk(template.root, template, EvaluationFrame(template))

    def walk(self, root: Mapping, template: ArmTemplate, frame: EvaluationFrame) -> None:
        """Collect the resources of *root*, whose expressions are those of *template*."""
        before = template.outputs_of
        template.outputs_of = partial(self._outputs, root, template, frame)
        for node in _resources(root):
            self._looped(node, template, frame, _Parent())
        template.outputs_of = before

    # -- one resource
    def _looped(self, node: Mapping, template: ArmTemplate, frame: EvaluationFrame, parent: _Parent) -> None:
        copy = values.find_any_case(node, "copy")
        if not isinstance(copy, Mapping):
            self._guarded(node, template, frame, parent)
            return
        turns = self._turns(copy, template, frame)
        for turn in turns:
            self._guarded(node, template, turn, parent)

    def _turns(self, copy: Mapping, template: ArmTemplate, frame: EvaluationFrame) -> list[EvaluationFrame]:
        try:
            turns = template.turns(copy, frame)
        except EvaluationFault as fault:
            self._collector.fault(fault, "copy loop")
            return []
        if isinstance(turns, Unresolved):
            message = f"how often it is repeated depends on {', '.join(turns.names)}; nothing of it is imported"
            self._collector.needs_you(copy.location, "copy loop", message)
            return []
        return turns

    def _guarded(self, node: Mapping, template: ArmTemplate, frame: EvaluationFrame, parent: _Parent) -> None:
        try:
            self._resource(node, template, frame, parent)
        except EvaluationFault as fault:
            self._collector.fault(fault, "resource")

    def _resource(self, node: Mapping, template: ArmTemplate, frame: EvaluationFrame, parent: _Parent) -> None:
        written = template.resolve(values.find_any_case(node, "type") or values.null(node.location), frame)
        kind = names.below(parent.kind, values.as_text(written))
        if not self._is_wanted(node, template, frame, kind):
            return
        if kind.lower() == _DEPLOYMENT:
            self._deployment(node, template, frame)
        elif names.kind_in_service(kind) is None:
            self._collector.resource(kind, (), None, node.location)
        else:
            self._own(node, template, frame, _Parent(kind, self._name(node, template, frame, kind, parent)))

    def _own(self, node: Mapping, template: ArmTemplate, frame: EvaluationFrame, itself: _Parent) -> None:
        """A resource of the service, and those that are declared inside it."""
        exists = values.find_any_case(node, "existing")
        if not (isinstance(exists, Scalar) and exists.value == "true"):
            properties = values.find_any_case(node, "properties")
            value = None if properties is None else template.resolve(properties, frame)
            self._collector.resource(itself.kind, itself.name, value, node.location)
        for child in _resources(node):
            self._looped(child, template, frame, itself)

    def _name(
        self, node: Mapping, template: ArmTemplate, frame: EvaluationFrame, kind: str, parent: _Parent
    ) -> tuple[Scalar, ...]:
        value = template.resolve(values.find_any_case(node, "name") or names.unnamed(node.location), frame)
        scalar = value if isinstance(value, Scalar) else names.unnamed(value.location)
        return names.whole_name(scalar, kind, parent.name)

    def _is_wanted(self, node: Mapping, template: ArmTemplate, frame: EvaluationFrame, kind: str) -> bool:
        """Whether the resource is deployed; one whose condition is unknown is."""
        written = values.find_any_case(node, "condition")
        relevant = names.kind_in_service(kind) is not None or kind.lower() == _DEPLOYMENT
        if written is None or not relevant:
            return True
        condition = template.resolve(written, frame)
        what = f"condition of {kind}"
        if isinstance(condition, Unresolved):
            self._collector.unknown_condition(condition, what)
            return True
        if values.as_boolean(condition):
            return True
        self._collector.left_out(written.location, what, "it is false with these parameters", harmless=True)
        return False

    # -- deployments
    def _deployment(self, node: Mapping, template: ArmTemplate, frame: EvaluationFrame) -> None:
        nested = self._opened(node, template, frame)
        if nested is None:
            return
        self._collector.effort.template(node.location)
        reader = TemplateReader(self._collector, (*self._files, nested.root.location.file), self._depth + 1)
        reader.walk(nested.root, nested.template, nested.frame)

    def _opened(self, node: Mapping, template: ArmTemplate, frame: EvaluationFrame) -> _OpenTemplate | None:
        """The template of the deployment *node*; None, with a finding, where it cannot be had."""
        key = (id(node), tuple(sorted(frame.indices.items())))
        if key not in self._nested:
            self._nested[key] = None  # for a deployment whose parameters need its own outputs
            self._nested[key] = self._tried(node, template, frame)
        return self._nested[key]

    def _tried(self, node: Mapping, template: ArmTemplate, frame: EvaluationFrame) -> _OpenTemplate | None:
        try:
            return self._open(node, template, frame)
        except EvaluationFault as fault:
            self._collector.needs_you(fault.location, "template", fault.message, "import that template itself")
        except LoadError as error:
            problem = error.problems[0]
            self._collector.left_out(problem.location, "template", problem.message, problem.remedy)
        return None

    def _open(self, node: Mapping, template: ArmTemplate, frame: EvaluationFrame) -> _OpenTemplate | None:
        if self._depth >= MAX_NESTED_TEMPLATES:
            message = f"templates are nested more than {MAX_NESTED_TEMPLATES} deep"
            raise EvaluationFault(node.location, message)
        properties = section(node, "properties")
        root = values.find_any_case(properties, "template")
        if isinstance(root, Mapping):
            options = section(properties, "expressionEvaluationOptions")
            scope = options.find("scope")
            if not (isinstance(scope, Scalar) and scope.value.lower() == "inner"):
                return _OpenTemplate(root, frame, template)
        else:
            root = self._linked(properties, template, frame)
        inner = ArmTemplate(root, self._given(properties, template, frame), self._collector)
        return _OpenTemplate(root, EvaluationFrame(inner), inner)

    def _linked(self, properties: Mapping, template: ArmTemplate, frame: EvaluationFrame) -> Mapping:
        link = section(properties, "templateLink")
        root = self._read_link(link, template, frame)
        if not isinstance(root, Mapping):
            raise EvaluationFault(root.location, "a template is an object")
        if root.location.file in self._files:
            raise EvaluationFault(link.location, f"the templates link each other in a circle: {root.location.file}")
        return root

    def _read_link(self, link: Mapping, template: ArmTemplate, frame: EvaluationFrame) -> YamlNode:
        """
        The JSON that *link* leads to.

        Raises:
            EvaluationFault: There is no such file in the source.
            LoadError: It is not JSON.
        """
        files = self._collector.files
        relative = template.resolve(link.find("relativePath") or values.null(link.location), frame)
        if isinstance(relative, Scalar) and values.kind(relative) == "string":
            path = files.beside(relative.value, template.file, relative.location)
            return json_text.parse(files.data(path, link.location), str(path))
        return self._read_uri(template.resolve(link.find("uri") or values.null(link.location), frame), link.location)

    def _read_uri(self, uri: YamlNode, location: Location) -> YamlNode:
        files = self._collector.files
        link = uri.value if isinstance(uri, Scalar) else ""
        linked, shown = files.linked(link) if link else None, without_query(link)
        if linked is None:
            raise EvaluationFault(location, f"the linked template {shown or 'of this deployment'} is not here")
        self._collector.note(location, "template", f"the link {shown} is taken for the file {linked}")
        return json_text.parse(files.data(linked, location), str(linked))

    def _given(self, properties: Mapping, template: ArmTemplate, frame: EvaluationFrame) -> dict[str, YamlNode]:
        """The parameters that a deployment passes, evaluated where it stands."""
        given: dict[str, YamlNode] = {}
        link = section(properties, "parametersLink")
        if link.entries:
            given |= finding_templates.parameters_in(self._read_link(link, template, frame))
        for name, entry in section(properties, "parameters").entries:
            if isinstance(entry, Mapping) and (value := entry.find("value")) is not None:
                given[name.value] = template.resolve(value, frame)
            else:
                given[name.value] = values.unknown(name.value, entry.location, secret=isinstance(entry, Mapping))
        return given

    # -- outputs
    def _outputs(self, root: Mapping, template: ArmTemplate, frame: EvaluationFrame, name: str) -> YamlNode | None:
        """``reference(name)`` of a deployment among the resources of *root*; None where it is none of them."""
        effort = self._collector.effort
        effort.enter(root.location)
        try:
            node = self._deployment_called(root, template, frame, name)
            nested = None if node is None else self._opened(node, template, frame)
            if node is None or nested is None:
                return None
            outputs = SymbolValue((), node.location, f"{name}.outputs", partial(_output, nested))
            return SymbolValue(((Scalar("outputs", node.location), outputs),), node.location, label=name)
        finally:
            effort.leave()

    def _deployment_called(
        self, root: Mapping, template: ArmTemplate, frame: EvaluationFrame, name: str
    ) -> Mapping | None:
        symbolic = values.find_any_case(root, "resources")
        if isinstance(symbolic, Mapping):
            node = values.find_any_case(symbolic, name)
            return node if isinstance(node, Mapping) and _is_single_deployment(node) else None
        named = (node for node in _resources(root) if _is_single_deployment(node))
        return next((node for node in named if _name_of(node, template, frame) == name), None)


def _name_of(node: Mapping, template: ArmTemplate, frame: EvaluationFrame) -> str:
    value = template.resolve(values.find_any_case(node, "name") or names.unnamed(node.location), frame)
    return value.value if isinstance(value, Scalar) else ""


def output(template: ArmTemplate, name: str) -> YamlNode | None:
    """The value of an output; None where the template has none of that name."""
    return _output_in(template.root, template, EvaluationFrame(template), name)


def _output_in(root: Mapping, template: ArmTemplate, frame: EvaluationFrame, name: str) -> YamlNode | None:
    declared = values.find_any_case(section(root, "outputs"), name)
    value = declared.find("value") if isinstance(declared, Mapping) else None
    return None if value is None else template.resolve(value, frame)


def _output(nested: _OpenTemplate, name: str) -> YamlNode | None:
    """What ``reference(deployment).outputs`` has under *name*: the output in an object."""
    value = _output_in(nested.root, nested.template, nested.frame, name)
    return None if value is None else Mapping(((Scalar("value", value.location), value),), value.location)


def _is_single_deployment(node: Mapping) -> bool:
    kind = values.find_any_case(node, "type")
    is_deployment = isinstance(kind, Scalar) and kind.value.lower() == _DEPLOYMENT
    return is_deployment and values.find_any_case(node, "copy") is None


def _resources(root: Mapping) -> Iterator[Mapping]:
    """The resources of a template or inside a resource: a list, or an object by symbolic names (version 2.0)."""
    resources = values.find_any_case(root, "resources")
    if isinstance(resources, Sequence):
        yield from (item for item in resources.items if isinstance(item, Mapping))
    elif isinstance(resources, Mapping):
        yield from (value for _, value in resources.entries if isinstance(value, Mapping))
