"""
One ARM template: its parameters, variables and functions, evaluated when they are asked for.

Source: "Parameters in ARM templates", "Variables in ARM templates", "User-defined functions in ARM template".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.arm import expressions
from gateway.commands.importing.sources.template import functions, values
from gateway.commands.importing.sources.template.collecting import Collector
from gateway.commands.importing.sources.template.declared import given_value, is_secure
from gateway.commands.importing.sources.template.limits import EvaluationFault, check_items
from gateway.commands.importing.sources.template.syntax import (
    EvaluationFrame,
    Invocation,
    TemplateExpression,
    TemplateFunction,
    TemplateScope,
)
from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

_NOTHING = Mapping((), Location(""))


def section(template: Mapping, name: str) -> Mapping:
    """The object *name* of a template; empty where it is missing."""
    value = values.find_any_case(template, name)
    return value if isinstance(value, Mapping) else _NOTHING


@dataclass(slots=True)
class _Memo:
    """Values that have been asked for; one that is asked for while it is made depends on itself."""

    made: dict[str, YamlNode] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def value(self, name: str, location: Location, make: Callable[[], YamlNode]) -> YamlNode:
        key = name.lower()
        if key in self.open:
            raise EvaluationFault(location, f"{name} depends on itself")
        if key not in self.made:
            self.open.add(key)
            try:
                self.made[key] = make()
            finally:
                self.open.discard(key)
        return self.made[key]


class ArmTemplate(TemplateScope):
    """
    A template and what it was given.

    Attributes:
        root: The template's JSON.
        collector: The import that it is part of.
        outputs_of: For ``reference``: the outputs of a deployment in this template, by its name or symbolic name.
    """

    def __init__(self, root: Mapping, given: dict[str, YamlNode], collector: Collector) -> None:
        super().__init__(collector.effort)
        self.root = root
        self.collector = collector
        self.outputs_of: Callable[[str], YamlNode | None] = lambda name: None
        self._given = {name.lower(): value for name, value in given.items()}
        self._parameters = _Memo()
        self._variables = _Memo()
        self._repeated_variables = dict(self._variable_copies())
        self._own: dict[str, TemplateFunction] = {
            "parameters": self._call_parameter,
            "variables": self._call_variable,
            "copyindex": _copy_index,
            "reference": self._call_reference,
            **{name: _own_function(member, self) for name, member in _members(root)},
        }

    @property
    def file(self) -> str:
        """The file that the template is in."""
        return self.root.location.file

    # -- names
    def look_up(self, name: str, location: Location) -> YamlNode:
        raise EvaluationFault(location, f"{name} is not a variable of a lambda here")

    def function(self, name: str) -> TemplateFunction | None:
        return self._own.get(name) or functions.general(name)

    def fault(self, fault: EvaluationFault) -> None:
        self.collector.fault(fault)

    def parameter(self, name: str, location: Location) -> YamlNode:
        """The value that was given, else the default; unknown where there is neither, or it is a secret."""
        return self._parameters.value(name, location, lambda: self._parameter(name, location))

    def _parameter(self, name: str, location: Location) -> YamlNode:
        declared = values.find_any_case(section(self.root, "parameters"), name)
        if not isinstance(declared, Mapping):
            raise EvaluationFault(location, f"the template has no parameter {name}")
        kind = values.find_any_case(declared, "type")
        wanted = kind.value.lower() if isinstance(kind, Scalar) else ""
        value = self._given.get(name.lower())
        if value is None:
            default = values.find_any_case(declared, "defaultValue")
            value = None if default is None else self.resolve(default, EvaluationFrame(self))
        return given_value(name, value, wanted, is_secure(wanted), declared.location)

    def variable(self, name: str, location: Location) -> YamlNode:
        """The value of a variable."""
        return self._variables.value(name, location, lambda: self._variable(name, location))

    def _variable(self, name: str, location: Location) -> YamlNode:
        repeated = self._repeated_variables.get(name.lower())
        if repeated is not None:
            return self._repeated(repeated, EvaluationFrame(self))
        declared = values.find_any_case(section(self.root, "variables"), name)
        if declared is None:
            raise EvaluationFault(location, f"the template has no variable {name}")
        return self.resolve(declared, EvaluationFrame(self))

    def _variable_copies(self) -> Iterator[tuple[str, Mapping]]:
        """``variables.copy``: each makes a list of its name."""
        for copy in _copies(section(self.root, "variables")):
            name = copy.find("name")
            if isinstance(name, Scalar):
                yield name.value.lower(), copy

    # -- functions of the template
    def _call_parameter(self, call: Invocation, frame: EvaluationFrame) -> YamlNode:
        return self.parameter(_named(call, frame), call.location)

    def _call_variable(self, call: Invocation, frame: EvaluationFrame) -> YamlNode:
        return self.variable(_named(call, frame), call.location)

    def _call_reference(self, call: Invocation, frame: EvaluationFrame) -> YamlNode:
        """The outputs of a deployment in this template; else only the deployment knows."""
        name = call.arguments[0].evaluate(frame) if call.arguments else None
        if isinstance(name, Scalar):
            outputs = self.outputs_of(name.value.rpartition("/")[2])
            if outputs is not None:
                return outputs
        shown = name.value.rpartition("/")[2] if isinstance(name, Scalar) else call.label
        return values.unknown(f"reference({shown})", call.location)

    # -- values of the template
    def resolve(self, node: YamlNode, frame: EvaluationFrame) -> YamlNode:
        """
        *node* with every expression in it evaluated; where one has no value, its place is unknown.

        Raises:
            TooMuch: The whole import costs too much.
        """
        if isinstance(node, Scalar):
            return self._text(node, frame)
        if isinstance(node, Sequence):
            return Sequence(tuple(self._inner(item, frame) for item in node.items), node.location)
        return self._object(node, frame)

    def _inner(self, node: YamlNode, frame: EvaluationFrame) -> YamlNode:
        self.effort.enter(node.location)
        try:
            return self.resolve(node, frame)
        finally:
            self.effort.leave()

    def _text(self, scalar: Scalar, frame: EvaluationFrame) -> YamlNode:
        self.effort.step(scalar.location)
        if scalar.plain or not expressions.is_expression(scalar.value):
            return expressions.literal(scalar)
        expression: TemplateExpression | None = None
        try:
            expression = expressions.parse(scalar)
            return expression.evaluate(frame)
        except EvaluationFault as fault:
            self.fault(EvaluationFault(scalar.location, fault.message))
            return values.unknown(scalar.value[1:-1] if expression is None else expression.label, scalar.location)

    def _object(self, node: Mapping, frame: EvaluationFrame) -> YamlNode:
        """``copy`` inside an object makes lists."""
        copies = _copies(node)
        entries = [(key, value) for key, value in node.entries if not (copies and key.value.lower() == "copy")]
        done = [(self._key(key, frame), self._inner(value, frame)) for key, value in entries]
        for copy in copies:
            name = copy.find("name")
            if isinstance(name, Scalar):
                done.append((Scalar(name.value, name.location), self._repeated(copy, frame)))
        return Mapping(tuple(done), node.location)

    def _key(self, key: Scalar, frame: EvaluationFrame) -> Scalar:
        value = self._text(key, frame)
        return value if isinstance(value, Scalar) else key

    def _repeated(self, copy: Mapping, frame: EvaluationFrame) -> YamlNode:
        name, body = copy.find("name"), copy.find("input")
        if not isinstance(name, Scalar) or body is None:
            raise EvaluationFault(copy.location, "a copy needs name, count and input")
        turns = self.turns(copy, frame)
        if isinstance(turns, Unresolved):
            return turns
        return Sequence(tuple(self._inner(body, turn) for turn in turns), copy.location)

    def turns(self, copy: Mapping, frame: EvaluationFrame) -> list[EvaluationFrame] | Unresolved:
        """A frame for each turn of the loop *copy*; unknown when its count is."""
        name = copy.find("name")
        label = name.value if isinstance(name, Scalar) else ""
        count = self.resolve(copy.find("count") or values.null(copy.location), frame)
        if isinstance(count, Unresolved):
            return count
        number = values.as_integer(count)
        check_items(number, count.location)
        indices = [{**frame.indices, "": index, label.lower(): index} for index in range(number)]
        return [EvaluationFrame(frame.scope, frame.local, own) for own in indices]


def _copies(node: Mapping) -> list[Mapping]:
    """The loops that ``copy`` of an object holds; an object's own property of that name is none."""
    value = node.find("copy")
    items = value.items if isinstance(value, Sequence) else ()
    loops = [item for item in items if isinstance(item, Mapping) and item.find("count") is not None]
    return loops if loops and len(loops) == len(items) else []


def _named(call: Invocation, frame: EvaluationFrame) -> str:
    if len(call.arguments) != 1:
        raise EvaluationFault(call.location, f"{call.name} takes one name")
    name = call.arguments[0].evaluate(frame)
    if isinstance(name, Unresolved):
        raise EvaluationFault(call.location, f"which of the {call.name} is meant is not known here")
    return values.as_text(name)


def _copy_index(call: Invocation, frame: EvaluationFrame) -> YamlNode:
    """``copyIndex()``, ``copyIndex(1)``, ``copyIndex('loop', 1)``."""
    loop, offset = "", 0
    for argument in call.arguments:
        value = argument.evaluate(frame)
        if values.kind(value) == "int":
            offset = values.as_integer(value)
        else:
            loop = values.as_text(value).lower()
    if loop not in frame.indices:
        raise EvaluationFault(call.location, "copyIndex outside of its copy loop")
    return values.number(frame.indices[loop] + offset, call.location)


def _members(template: Mapping) -> Iterator[tuple[str, Mapping]]:
    """The template's own functions, as ``namespace.name`` in lower case."""
    spaces = values.find_any_case(template, "functions")
    for space in _mappings(spaces):
        name = space.find("namespace")
        prefix = name.value if isinstance(name, Scalar) else ""
        members = ((key.value, member) for key, member in section(space, "members").entries)
        yield from ((f"{prefix}.{key}".lower(), member) for key, member in members if isinstance(member, Mapping))


def _mappings(value: YamlNode | None) -> Iterator[Mapping]:
    items = value.items if isinstance(value, Sequence) else ()
    return (item for item in items if isinstance(item, Mapping))


def _own_function(member: Mapping, template: ArmTemplate) -> TemplateFunction:
    """A function that the template declares: it sees its parameters alone."""
    written = (parameter.find("name") for parameter in _mappings(member.find("parameters")))
    names = [name.value if isinstance(name, Scalar) else "" for name in written]

    def run(call: Invocation, frame: EvaluationFrame) -> YamlNode:
        given = dict(zip(names, (argument.evaluate(frame) for argument in call.arguments), strict=False))
        parameters = Mapping(
            tuple((Scalar(name, call.location), Mapping((), call.location)) for name in names), call.location
        )
        functions_of = values.find_any_case(template.root, "functions") or values.null(call.location)
        root = Mapping(
            ((Scalar("parameters", call.location), parameters), (Scalar("functions", call.location), functions_of)),
            member.location,
        )
        inner = ArmTemplate(root, given, template.collector)
        value = section(member, "output").find("value") or values.null(call.location)
        return inner.resolve(value, EvaluationFrame(inner))

    return run
