"""How a function of templates is declared: its name, how many arguments, and what it does when some are unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.limits import EvaluationFault
from gateway.commands.importing.sources.template.syntax import EvaluationFrame, Invocation, TemplateFunction
from gateway.errors import Location
from gateway.reading.yaml_nodes import YamlNode

OfValues: TypeAlias = Callable[[Location, list[YamlNode]], YamlNode]
MANY = 10_000


@dataclass(frozen=True, slots=True)
class FunctionTable:
    """The functions of one group, by their names in lower case."""

    functions: dict[str, TemplateFunction] = field(default_factory=dict)

    def known(self, name: str, least: int, most: int) -> Callable[[OfValues], OfValues]:
        """A function that needs the whole of each argument: one unknown part makes the result unknown."""
        return self._add(name, least, most, values.is_known)

    def outer(self, name: str, least: int, most: int) -> Callable[[OfValues], OfValues]:
        """A function that works on arrays and objects with unknown parts, but not on an unknown argument."""
        return self._add(name, least, most, lambda value: not isinstance(value, Unresolved))

    def lenient(self, name: str, least: int, most: int) -> Callable[[OfValues], OfValues]:
        """A function that makes something of unknown arguments as well."""
        return self._add(name, least, most, lambda value: True)

    def lazy(self, name: str, least: int, most: int) -> Callable[[TemplateFunction], TemplateFunction]:
        """A function that evaluates its arguments itself."""

        def register(function: TemplateFunction) -> TemplateFunction:
            def checked(call: Invocation, frame: EvaluationFrame) -> YamlNode:
                _count(call, least, most)
                return function(call, frame)

            self.functions[name.lower()] = checked
            return function

        return register

    def _add(
        self, name: str, least: int, most: int, usable: Callable[[YamlNode], bool]
    ) -> Callable[[OfValues], OfValues]:
        def register(function: OfValues) -> OfValues:
            def evaluated(call: Invocation, frame: EvaluationFrame) -> YamlNode:
                _count(call, least, most)
                arguments = [argument.evaluate(frame) for argument in call.arguments]
                if all(usable(argument) for argument in arguments):
                    return function(call.location, arguments)
                return values.unknown(call.label, call.location, arguments)

            self.functions[name.lower()] = evaluated
            return function

        return register


def _count(call: Invocation, least: int, most: int) -> None:
    if not least <= len(call.arguments) <= most:
        wanted = f"{least}" if least == most else f"{least} or more" if most == MANY else f"{least} to {most}"
        raise EvaluationFault(call.location, f"{call.name} takes {wanted} arguments, not {len(call.arguments)}")
