"""
The expressions of templates, and how each is evaluated.

Evaluation never stops at what only a deployment knows: the value is then `Unresolved`, named like the expression, and
the text around it stays. What has no value at all (no such function, a circle) raises `EvaluationFault`.

Source: "Syntax and expressions in ARM templates"; "Bicep language specification".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.limits import Effort, EvaluationFault, check_items
from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode


@dataclass(frozen=True, slots=True)
class SymbolValue(Mapping):
    """
    A resource or module under its symbolic name: what its declaration says, and what only the deployment knows.

    Attributes:
        label: How the source calls it.
        more: An entry that is made when it is asked for; None where only the deployment knows it.
        segments: The parts of a resource's whole name, one for each part of its type behind the provider.
    """

    label: str = ""
    more: Callable[[str], YamlNode | None] = field(default=lambda key: None, compare=False)
    segments: tuple[Scalar, ...] = ()


class TemplateScope(ABC):
    """What the names in one template or Bicep file stand for."""

    def __init__(self, effort: Effort) -> None:
        self.effort = effort

    @abstractmethod
    def look_up(self, name: str, location: Location) -> YamlNode:
        """
        The value of an identifier of Bicep.

        Raises:
            EvaluationFault: Nothing has that name.
        """

    @abstractmethod
    def fault(self, fault: EvaluationFault) -> None:
        """Take note that a part of a value has none; the rest is evaluated."""

    @abstractmethod
    def function(self, name: str) -> TemplateFunction | None:
        """The function *name* (lower case), or None where there is no such function."""


@dataclass(frozen=True, slots=True)
class EvaluationFrame:
    """
    Where an expression is evaluated.

    Attributes:
        scope: The template.
        local: Variables of loops and lambdas.
        indices: ``copyIndex`` of the copy loops around it; the innermost has the name ``""`` as well.
    """

    scope: TemplateScope
    local: dict[str, YamlNode] = field(default_factory=dict)
    indices: dict[str, int] = field(default_factory=dict)

    def with_local(self, variables: dict[str, YamlNode]) -> EvaluationFrame:
        """This frame inside a loop or lambda."""
        return replace(self, local={**self.local, **variables})


@dataclass(frozen=True, slots=True)
class TemplateExpression(ABC):
    """An expression of either language."""

    location: Location

    def evaluate(self, frame: EvaluationFrame) -> YamlNode:
        """
        The value in *frame*; unknown where only the deployment knows it.

        Raises:
            EvaluationFault: It has no value.
            TooMuch: The whole import costs too much.
        """
        effort = frame.scope.effort
        effort.enter(self.location)
        try:
            return self._value(frame)
        finally:
            effort.leave()

    def tolerant(self, frame: EvaluationFrame) -> YamlNode:
        """The value in *frame*; unknown, with a note, where it has none. Raises TooMuch."""
        try:
            return self.evaluate(frame)
        except EvaluationFault as fault:
            frame.scope.fault(fault)
            return values.unknown(self.label, self.location)

    @abstractmethod
    def _value(self, frame: EvaluationFrame) -> YamlNode: ...

    @property
    @abstractmethod
    def label(self) -> str:
        """The expression as a person would name its value."""


TemplateFunction: TypeAlias = Callable[["Invocation", EvaluationFrame], YamlNode]


@dataclass(frozen=True, slots=True)
class WrittenOut(TemplateExpression):
    """A literal."""

    value: YamlNode

    def _value(self, frame: EvaluationFrame) -> YamlNode:
        return self.value

    @property
    def label(self) -> str:
        if isinstance(self.value, Scalar):
            return "null" if self.value.null else self.value.value
        return "…"


@dataclass(frozen=True, slots=True)
class Interpolation(TemplateExpression):
    """``'${a}-b'``; *location* is that of the first character of the text."""

    parts: tuple[TemplateExpression, ...]

    def _value(self, frame: EvaluationFrame) -> YamlNode:
        return values.joined([part.evaluate(frame) for part in self.parts], self.location)

    @property
    def label(self) -> str:
        return "".join(part.label for part in self.parts)


@dataclass(frozen=True, slots=True)
class Identifier(TemplateExpression):
    """A name in Bicep: of a loop's variable, a parameter, a variable, a resource, a module."""

    name: str

    def _value(self, frame: EvaluationFrame) -> YamlNode:
        local = frame.local.get(self.name)
        return frame.scope.look_up(self.name, self.location) if local is None else local

    @property
    def label(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class PropertyAccess(TemplateExpression):
    """``a.b``, ``a['b']``, ``a[0]``, ``a.?b``, ``a[^1]``, ``a!``-less."""

    base: TemplateExpression
    key: TemplateExpression
    safe: bool = False
    from_end: bool = False

    def _value(self, frame: EvaluationFrame) -> YamlNode:
        base, key = self.base.evaluate(frame), self.key.evaluate(frame)
        if isinstance(base, Unresolved) or isinstance(key, Unresolved):
            return values.unknown(self._unknown_label(base, key), self.location, [base, key])
        if isinstance(base, SymbolValue):
            return _of_symbol(base, values.as_text(key), self.location)
        value = _member(base, key, self.from_end)
        if value is None and not self.safe:
            message = f"{self.base.label} has nothing under {values.displayed(key)!r}"
            raise EvaluationFault(self.location, message)
        return values.null(self.location) if value is None else value

    def _unknown_label(self, base: YamlNode, key: YamlNode) -> str:
        """The name of an unknown whole, which says more than that of the expression, and the key."""
        known_key = isinstance(key, Scalar) and not isinstance(key, Unresolved)
        if known_key and isinstance(base, Unresolved) and len(base.names) == 1 and values.is_opaque(base):
            return _keyed(base.names[0], values.displayed(key))
        return self.label

    @property
    def label(self) -> str:
        return _keyed(self.base.label, self.key.label)


def _keyed(base: str, key: str) -> str:
    return f"{base}.{key}" if key.isidentifier() else f"{base}[{key}]"


def _of_symbol(symbol: SymbolValue, key: str, location: Location) -> YamlNode:
    value = values.find_any_case(symbol, key) or symbol.more(key)
    label = f"{symbol.label}.{key}"
    if value is None:
        return values.unknown(label, location)
    if isinstance(value, Mapping) and not isinstance(value, SymbolValue):
        return SymbolValue(value.entries, value.location, label)  # the deployment may know more of it
    return value


def _member(base: YamlNode, key: YamlNode, from_end: bool) -> YamlNode | None:
    if isinstance(base, Mapping):
        return values.find_any_case(base, values.as_text(key))
    if isinstance(base, Sequence):
        index = values.as_integer(key)
        index = len(base.items) - index if from_end else index
        return base.items[index] if 0 <= index < len(base.items) else None
    if values.kind(base) == "null":
        return None
    raise EvaluationFault(base.location, f"{values.article(base)} has no members")


@dataclass(frozen=True, slots=True)
class ArrayExpression(TemplateExpression):
    """``[a, ...b]``."""

    items: tuple[TemplateExpression, ...]

    def _value(self, frame: EvaluationFrame) -> YamlNode:
        items: list[YamlNode] = []
        for item in self.items:
            value = item.tolerant(frame)
            items.extend(value.items if isinstance(item, Spread) and isinstance(value, Sequence) else (value,))
            check_items(len(items), self.location)
        return Sequence(tuple(items), self.location)

    @property
    def label(self) -> str:
        return "[…]"


@dataclass(frozen=True, slots=True)
class ObjectExpression(TemplateExpression):
    """``{a: b, ...c}``; the key of a `Spread` is not used."""

    entries: tuple[tuple[TemplateExpression, TemplateExpression], ...]

    def _value(self, frame: EvaluationFrame) -> YamlNode:
        entries: dict[str, tuple[Scalar, YamlNode]] = {}
        for key, part in self.entries:
            value = part.tolerant(frame)
            if isinstance(part, Spread) and isinstance(value, Mapping):
                entries |= {name.value: (name, entry) for name, entry in value.entries}
                continue
            name = Scalar(values.as_text(key.evaluate(frame)), key.location)
            entries[name.value] = (name, value)
        return Mapping(tuple(entries.values()), self.location)

    @property
    def label(self) -> str:
        return "{…}"

    def entry(self, name: str) -> TemplateExpression | None:
        """The expression under the literal key *name*."""
        return next((value for key, value in self.entries if key.label == name), None)


@dataclass(frozen=True, slots=True)
class Spread(TemplateExpression):
    """``...a`` inside an array or object."""

    inner: TemplateExpression

    def _value(self, frame: EvaluationFrame) -> YamlNode:
        return self.inner.evaluate(frame)

    @property
    def label(self) -> str:
        return f"...{self.inner.label}"


@dataclass(frozen=True, slots=True)
class LambdaExpression(TemplateExpression):
    """``x => …``; only functions such as `map` evaluate its *body*."""

    parameters: tuple[str, ...]
    body: TemplateExpression

    def _value(self, frame: EvaluationFrame) -> YamlNode:
        raise EvaluationFault(self.location, "a lambda is not a value")

    @property
    def label(self) -> str:
        return f"{', '.join(self.parameters)} => {self.body.label}"


@dataclass(frozen=True, slots=True)
class Repetition(TemplateExpression):
    """``[for (item, index) in source: if (condition) body]``."""

    item: str
    index: str
    source: TemplateExpression
    condition: TemplateExpression | None
    body: TemplateExpression

    def _value(self, frame: EvaluationFrame) -> YamlNode:
        turns = self.turns(frame)
        if isinstance(turns, Unresolved):
            return turns
        return Sequence(tuple(self.body.tolerant(turn) for turn in turns), self.location)

    def turns(self, frame: EvaluationFrame) -> list[EvaluationFrame] | Unresolved:
        """A frame for each turn of the loop; unknown when its source or one of its conditions is."""
        source = self.source.evaluate(frame)
        if isinstance(source, Unresolved):
            return values.unknown(self.label, self.location, [source])
        items = values.as_items(source)
        check_items(len(items), self.location)
        turns = []
        for position, item in enumerate(items):
            turn = frame.with_local({self.item: item, self.index: values.number(position, self.location)})
            wanted = self._wanted(turn)
            if isinstance(wanted, Unresolved):
                return values.unknown(self.label, self.location, [wanted])
            if values.as_boolean(wanted):
                turns.append(turn)
        return turns

    def _wanted(self, turn: EvaluationFrame) -> YamlNode:
        return values.boolean(True, self.location) if self.condition is None else self.condition.evaluate(turn)

    @property
    def label(self) -> str:
        return f"for {self.item} in {self.source.label}"


@dataclass(frozen=True, slots=True)
class Invocation(TemplateExpression):
    """``name(arguments)``, and each operator of Bicep under its function's name."""

    name: str
    arguments: tuple[TemplateExpression, ...]

    def _value(self, frame: EvaluationFrame) -> YamlNode:
        name = self.name.lower().removeprefix("sys.").removeprefix("az.")
        function = frame.scope.function(name)
        if function is None:
            raise EvaluationFault(self.location, f"the function {self.name} is not known here")
        value = function(self, frame)
        if isinstance(value, Scalar):
            frame.scope.effort.step(self.location, len(value.value) >> 8)
        return value

    @property
    def label(self) -> str:
        if self.name.lower() in ("parameters", "variables", "resourceid") and self.arguments:
            return self.arguments[-1].label
        if self.name.lower() == "reference" and self.arguments:
            return f"reference({self.arguments[0].label})"
        return f"{self.name}({', '.join(argument.label for argument in self.arguments)})"
