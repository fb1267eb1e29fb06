"""
What every source is read into: the resources of one API Management instance, in Azure ArmResource Manager's terms.

A resource has the type, the name and the properties that it has in ARM, whatever it was written in; each value
remembers its place. Text kept in files of its own (policies, definitions) is the value of the property that holds it
in ARM (``value``), with the place in that file.

Source: "Microsoft.ApiManagement resource types" in Azure's template reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.commands.importing.findings import ImportFinding
from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode


@dataclass(frozen=True, slots=True)
class Unresolved(Scalar):
    """
    A value that only a deployment knows: a parameter without a default, an output of another resource.

    ``value`` is its text with what is unknown written as ``{NAME}``: ``https://{host}/orders``.

    Attributes:
        names: The parameters or expressions that are unknown, as a person would name them: ``host``.
        secret: Whether the source marks one of them as a secret (``securestring``, ``@secure()``, ``sensitive``).
    """

    names: tuple[str, ...] = ()
    secret: bool = False


@dataclass(frozen=True, slots=True)
class ArmResource:
    """
    One resource of the instance.

    Attributes:
        kind: The type below ``Microsoft.ApiManagement/service``, without workspaces: ``apis``, ``apis/operations``,
            ``apis/operations/policies``, ``policies``, ``namedValues``; empty for the service itself.
        name: The name's segments, one for each of *kind*: ``("orders", "create", "policy")``.
        properties: What ARM has under ``properties``.
        location: Where the resource begins.
        workspace: Name of its workspace; empty for the service itself.
    """

    kind: str
    name: tuple[str, ...]
    properties: Mapping
    location: Location
    workspace: str = ""


@dataclass(slots=True)
class Harvest:
    """All that one source holds, and what could not be read of it."""

    resources: list[ArmResource] = field(default_factory=list)
    findings: list[ImportFinding] = field(default_factory=list)

    def of(self, kind: str) -> Iterator[ArmResource]:
        """The resources of one *kind*, in the order of the source."""
        return (resource for resource in self.resources if resource.kind == kind)


def mapping(location: Location, **values: YamlNode) -> Mapping:
    """A mapping whose keys have no place of their own, for readers of forms with other names than ARM's."""
    return Mapping(tuple((Scalar(key, location), value) for key, value in values.items()), location)
