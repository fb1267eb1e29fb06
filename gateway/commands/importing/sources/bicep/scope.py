"""
What the names in one Bicep file stand for: parameters, variables, resources, modules, imports, and its functions.

Source: "Parameters in Bicep", "Existing resources in Bicep", "Bicep modules", "File functions for Bicep".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import partial

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.arm import json_text
from gateway.commands.importing.sources.bicep.declarations import BicepFile, BicepFunction, BicepImport, BicepResource
from gateway.commands.importing.sources.template import functions, names, values
from gateway.commands.importing.sources.template.collecting import Collector
from gateway.commands.importing.sources.template.declared import given_value
from gateway.commands.importing.sources.template.functions.deployment import resource_id
from gateway.commands.importing.sources.template.limits import EvaluationFault
from gateway.commands.importing.sources.template.syntax import (
    EvaluationFrame,
    Invocation,
    SymbolValue,
    TemplateFunction,
    TemplateScope,
)
from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode, compose

_JSON_STEP = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\['([^']*)'\]")
Outputs = Callable[[BicepResource, EvaluationFrame, str], YamlNode | None]


class BicepScope(TemplateScope):
    """
    A Bicep file and what it was given.

    Attributes:
        content: Its declarations.
        collector: The import that it is part of.
        output_of: An output of one of its modules, in the turn of a loop; None where only the deployment knows it.
        imported: The scope of a file that it imports from, by the path that it names.
    """

    def __init__(self, content: BicepFile, given: dict[str, YamlNode], collector: Collector, prefix: str = "") -> None:
        """*prefix* tells uses of a module apart: what two of them do not know has two names."""
        super().__init__(collector.effort)
        self.prefix = prefix
        self.content = content
        self.collector = collector
        self.output_of: Outputs = lambda module, frame, name: None
        self.imported: Callable[[str, Location], BicepScope | None] = lambda path, location: None
        self._given = {name.lower(): value for name, value in given.items()}
        self._values: dict[str, YamlNode] = {}
        self._open: set[str] = set()
        self._own: dict[str, TemplateFunction] = {
            "loadtextcontent": self._load_text,
            "loadjsoncontent": self._load_json,
            "loadyamlcontent": self._load_yaml,
            "loadfileasbase64": self._load_base64,
            "readenvironmentvariable": _read_variable,
            "any": _any,
            "nameof": _name_of,
        }

    # -- names
    def look_up(self, name: str, location: Location) -> YamlNode:
        if name in self._open:
            raise EvaluationFault(location, f"{name} depends on itself")
        if name not in self._values:
            self._open.add(name)
            try:
                self._values[name] = self._value(name, location)
            finally:
                self._open.discard(name)
        return self._values[name]

    def _value(self, name: str, location: Location) -> YamlNode:
        frame = EvaluationFrame(self)
        if name in self.content.parameters:
            return self._parameter(name, frame)
        if name in self.content.variables:
            return self.content.variables[name].evaluate(frame)
        declared = self.content.resources.get(name) or self._nested(name)
        if declared is not None:
            return self._symbols(declared, frame, self.resource_symbol)
        if name in self.content.modules:
            return self._symbols(self.content.modules[name], frame, self._module_symbol)
        return self._from_import(name, location)

    def _parameter(self, name: str, frame: EvaluationFrame) -> YamlNode:
        declared = self.content.parameters[name]
        value = self._given.get(name.lower())
        if value is None and declared.default is not None:
            value = declared.default.tolerant(frame)
        if value is None and declared.type.endswith("?"):
            return values.null(declared.location)
        return given_value(name, value, declared.type, declared.secure, declared.location)

    def _nested(self, name: str) -> BicepResource | None:
        """A resource declared inside another, by its own name alone."""
        inner = [one for key, one in self.content.resources.items() if key.rpartition("::")[2] == name]
        return inner[0] if len(inner) == 1 else None

    def _from_import(self, name: str, location: Location) -> YamlNode:
        for imported in self.content.imports:
            if name in imported.names:
                scope = self.imported(imported.path, imported.location)
                return (
                    values.unknown(name, location) if scope is None else scope.look_up(imported.names[name], location)
                )
            if imported.space == name:
                scope = self.imported(imported.path, imported.location)
                more = partial(_exported, scope, location) if scope is not None else lambda key: None
                return SymbolValue((), location, name, more)
        raise EvaluationFault(location, f"{name} is not declared")

    # -- resources and modules
    def _symbols(
        self,
        declared: BicepResource,
        frame: EvaluationFrame,
        symbol: Callable[[BicepResource, EvaluationFrame], YamlNode],
    ) -> YamlNode:
        """What a symbol stands for: one thing, or a list of them where it is declared in a loop."""
        if declared.loop is None:
            return symbol(declared, frame)
        turns = declared.loop.turns(frame)
        if isinstance(turns, Unresolved):
            return values.unknown(declared.name, declared.location, [turns])
        return Sequence(tuple(symbol(declared, turn) for turn in turns), declared.location)

    def resource_symbol(self, declared: BicepResource, frame: EvaluationFrame) -> SymbolValue:
        """A resource: its name and id are known as far as its declaration says them."""
        written = declared.body.entry("name")
        value = names.unnamed(declared.location) if written is None else written.tolerant(frame)
        name = value if isinstance(value, Scalar) else names.unnamed(declared.location)
        segments = self._whole_name(declared, name, frame)
        own = {
            "name": name,
            "id": resource_id(declared.kind, segments, declared.location),
            "type": values.text(declared.kind, declared.location),
        }
        entries = tuple((Scalar(key, declared.location), part) for key, part in own.items())
        more = partial(self._declared_entry, declared, frame)
        return SymbolValue(entries, declared.location, self.prefix + declared.name, more, segments)

    def _whole_name(self, declared: BicepResource, name: Scalar, frame: EvaluationFrame) -> tuple[Scalar, ...]:
        """The parts of a resource's name: those of its parent come first."""
        parent: YamlNode | None = None
        written = declared.body.entry("parent")
        if declared.outer:
            parent = self.resource_symbol(self.content.resources[declared.outer], frame)
        elif written is not None:
            parent = written.tolerant(frame)
        if parent is None:
            return names.segments_of(name)
        if isinstance(parent, SymbolValue):
            return names.whole_name(name, declared.kind, parent.segments)
        missing = declared.kind.count("/") - 1
        return (*(names.unnamed(parent.location) for _ in range(missing)), name)

    def _declared_entry(self, declared: BicepResource, frame: EvaluationFrame, key: str) -> YamlNode | None:
        """Another entry of a resource: what the declaration has; the deployment may know more of its properties."""
        written = declared.body.entry(key)
        if written is None or declared.existing:
            return None
        label = f"{declared.name}.{key}"
        if label in self._open:
            raise EvaluationFault(written.location, f"{label} depends on itself")
        self._open.add(label)
        try:
            value = written.tolerant(frame)
        finally:
            self._open.discard(label)
        return value

    def _module_symbol(self, declared: BicepResource, frame: EvaluationFrame) -> SymbolValue:
        written = declared.body.entry("name")
        name = values.text(declared.name, declared.location) if written is None else written.tolerant(frame)
        label = self.prefix + in_turn(declared, frame)
        outputs = SymbolValue((), declared.location, f"{label}.outputs", partial(self.output_of, declared, frame))
        entries = ((Scalar("name", declared.location), name), (Scalar("outputs", declared.location), outputs))
        return SymbolValue(entries, declared.location, label)

    # -- functions
    def function(self, name: str) -> TemplateFunction | None:
        return self._own.get(name) or self._declared_function(name) or functions.general(name)

    def fault(self, fault: EvaluationFault) -> None:
        self.collector.fault(fault)

    def _declared_function(self, name: str) -> TemplateFunction | None:
        """A function of the file or of one that it imports; *name* is in lower case."""
        own = {key.lower(): function for key, function in self.content.functions.items()}
        if name in own:
            return partial(self._run, own[name])
        for imported in self.content.imports:
            there = _name_there(imported, name)
            scope = self.imported(imported.path, imported.location) if there else None
            if scope is not None:
                return scope.function(there.lower())
        return None

    def _run(self, function: BicepFunction, call: Invocation, frame: EvaluationFrame) -> YamlNode:
        if len(call.arguments) != len(function.parameters):
            raise EvaluationFault(call.location, f"{call.name} takes {len(function.parameters)} arguments")
        arguments = [argument.evaluate(frame) for argument in call.arguments]
        given = dict(zip(function.parameters, arguments, strict=True))
        return function.body.evaluate(EvaluationFrame(self, given))

    # -- files
    def _path(self, call: Invocation, frame: EvaluationFrame) -> tuple[str, Callable[[], bytes]]:
        """The file that the first argument names, and how to read it."""
        if not call.arguments:
            raise EvaluationFault(call.location, f"{call.name} needs the name of a file")
        written = call.arguments[0].evaluate(frame)
        if isinstance(written, Unresolved):
            raise EvaluationFault(call.location, f"the file that {call.name} reads is not known here")
        files = self.collector.files
        path = files.beside(values.as_text(written), self.content.file, call.location)
        return str(path), lambda: files.data(path, call.location)

    def _load_text(self, call: Invocation, frame: EvaluationFrame) -> YamlNode:
        path, read = self._path(call, frame)
        encoding = call.arguments[1].label if len(call.arguments) > 1 else "utf-8"
        data = read()
        try:
            text = data.decode("utf-8-sig" if encoding.lower() in ("utf-8", "us-ascii") else encoding)
        except (UnicodeDecodeError, LookupError):
            raise EvaluationFault(call.location, f"{path} is not text in {encoding}") from None
        return values.text(text, Location(path))

    def _load_json(self, call: Invocation, frame: EvaluationFrame) -> YamlNode:
        path, read = self._path(call, frame)
        try:
            return _at(json_text.parse(read(), path), call, frame)
        except LoadError as error:
            raise EvaluationFault(call.location, f"{path} is not JSON: {error.problems[0].message}") from None

    def _load_yaml(self, call: Invocation, frame: EvaluationFrame) -> YamlNode:
        path, read = self._path(call, frame)
        try:
            root = compose(read(), path)
        except LoadError:  # with anchors, for example, which configurations do not have
            root = values.from_yaml(read(), Location(path))
        return _at(root, call, frame)

    def _load_base64(self, call: Invocation, frame: EvaluationFrame) -> YamlNode:
        return values.text(base64.b64encode(self._path(call, frame)[1]()).decode(), call.location)


def in_turn(declared: BicepResource, frame: EvaluationFrame) -> str:
    """The symbol of *declared*, with the turn of its loop."""
    index = frame.local.get(declared.loop.index) if declared.loop is not None else None
    return f"{declared.name}[{index.value}]" if isinstance(index, Scalar) else declared.name


def _name_there(imported: BicepImport, name: str) -> str:
    """What the function *name* (lower case) is called in the file that *imported* names; empty if it is not there."""
    if imported.space and name.startswith(f"{imported.space.lower()}."):
        return name.partition(".")[2]
    return next((original for local, original in imported.names.items() if local.lower() == name), "")


def _exported(scope: BicepScope, location: Location, key: str) -> YamlNode | None:
    return scope.look_up(key, location)


def _at(root: YamlNode, call: Invocation, frame: EvaluationFrame) -> YamlNode:
    """The part of a file that the second argument, a simple JSON path, leads to."""
    path = call.arguments[1].evaluate(frame) if len(call.arguments) > 1 else values.text("", call.location)
    steps = values.as_text(path).removeprefix("$")
    if _JSON_STEP.sub("", steps):
        raise EvaluationFault(call.location, f"the path {steps} is not known here")
    value: YamlNode | None = root
    for name, index, quoted in _JSON_STEP.findall(steps):
        value = _step(value, name or quoted, index)
    if value is None:
        raise EvaluationFault(call.location, f"there is nothing at {steps}")
    return value


def _step(value: YamlNode | None, name: str, index: str) -> YamlNode | None:
    if isinstance(value, Mapping) and name:
        return value.find(name)
    if isinstance(value, Sequence) and index and int(index) < len(value.items):
        return value.items[int(index)]
    return None


def _read_variable(call: Invocation, frame: EvaluationFrame) -> YamlNode:
    """``readEnvironmentVariable(name, default)``: the default, for an import depends on its files alone."""
    if not call.arguments:
        raise EvaluationFault(call.location, "readEnvironmentVariable needs a name")
    if len(call.arguments) > 1:
        return call.arguments[1].evaluate(frame)
    return values.unknown(call.arguments[0].label, call.location)


def _any(call: Invocation, frame: EvaluationFrame) -> YamlNode:
    if len(call.arguments) != 1:
        raise EvaluationFault(call.location, "any takes one argument")
    return call.arguments[0].evaluate(frame)


def _name_of(call: Invocation, frame: EvaluationFrame) -> YamlNode:
    label = call.arguments[0].label if call.arguments else ""
    return values.text(label.rpartition(".")[2], call.location)
