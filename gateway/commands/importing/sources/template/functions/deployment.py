"""
Functions whose result only a deployment knows, and resource ids.

Source: "Resource functions for ARM templates", "Deployment functions", "Scope functions", "Date functions".
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.functions.registration import MANY, FunctionTable
from gateway.commands.importing.sources.template.limits import EvaluationFault
from gateway.commands.importing.sources.template.syntax import EvaluationFrame, Invocation, SymbolValue
from gateway.errors import Location
from gateway.reading.yaml_nodes import Scalar, YamlNode

TABLE = FunctionTable()

_UNKNOWN = """
    managementGroup tenant environment deployer reference providers pickZones
    newGuid utcNow dateTimeAdd dateTimeFromEpoch dateTimeToEpoch uniqueString guid
    getSecret externalInput cidrSubnet cidrHost parseCidr loadDirectoryFileInfo
""".split()
_SECRET = "listKeys listSecrets listAccountSas listServiceSas listCallbackUrl listAdminKeys listQueryKeys".split()


def is_listing(name: str) -> bool:
    """``listKeys`` and all its kin, which give secrets; each resource provider has others."""
    return name.startswith("list")


def listing(call: Invocation, frame: EvaluationFrame) -> YamlNode:
    """What a ``list…`` function would give: a secret that the deployment knows."""
    return values.unknown(call.label, call.location, secret=True)


def _only_the_deployment_knows(name: str, secret: bool) -> None:
    @TABLE.lazy(name, 0, MANY)
    def ask(call: Invocation, frame: EvaluationFrame) -> YamlNode:
        return values.unknown(call.label, call.location, secret=secret)


for _name in _UNKNOWN:
    _only_the_deployment_knows(_name, _name == "getSecret")
for _name in _SECRET:
    _only_the_deployment_knows(_name, True)


def _described(name: str, **entries: str) -> None:
    """``resourceGroup()`` and its kin: objects whose entries are not known, but have names."""

    @TABLE.lazy(name, 0, 2)
    def describe(call: Invocation, frame: EvaluationFrame) -> YamlNode:
        parts = tuple((Scalar(key, call.location), values.text(value, call.location)) for key, value in entries.items())
        return SymbolValue(parts, call.location, label=f"{call.name}()")


_described("subscription")
_described("resourceGroup")
_described("deployment")


def resource_id(kind: str, segments: Iterable[YamlNode], location: Location) -> Scalar:
    """The id of the resource of the type *kind* whose name has *segments*."""
    provider, *steps = kind.split("/")
    pairs = [(values.text(f"/{step}/", location), segment) for step, segment in zip(steps, segments, strict=False)]
    subscription = values.unknown("subscription().subscriptionId", location)
    group = values.unknown("resourceGroup().name", location)
    head = [values.text("/subscriptions/", location), subscription, values.text("/resourceGroups/", location), group]
    own = [values.text(f"/providers/{provider}", location), *(part for pair in pairs for part in pair)]
    return values.joined([*head, *own], location)


def _names_of(location: Location, arguments: list[YamlNode]) -> tuple[str, list[YamlNode]]:
    """The type among *arguments* and the names behind it; subscription and resource group may come before."""
    for position, argument in enumerate(arguments):
        provider, slash, _ = values.displayed(argument).partition("/")
        if slash and "." in provider and values.kind(argument) == "string":
            return values.displayed(argument), arguments[position + 1 :]
    raise EvaluationFault(location, "resourceId needs a type such as Microsoft.ApiManagement/service")


@TABLE.lenient("resourceId", 2, MANY)
def _resource_id(location: Location, arguments: list[YamlNode]) -> YamlNode:
    return resource_id(*_names_of(location, arguments), location)


@TABLE.lenient("subscriptionResourceId", 2, MANY)
def _subscription_resource_id(location: Location, arguments: list[YamlNode]) -> YamlNode:
    return values.unknown(f"subscriptionResourceId({_names_of(location, arguments)[0]})", location, arguments)


@TABLE.lenient("tenantResourceId", 2, MANY)
def _tenant_resource_id(location: Location, arguments: list[YamlNode]) -> YamlNode:
    return values.unknown(f"tenantResourceId({_names_of(location, arguments)[0]})", location, arguments)


@TABLE.lenient("managementGroupResourceId", 2, MANY)
def _management_group_resource_id(location: Location, arguments: list[YamlNode]) -> YamlNode:
    return values.unknown(f"managementGroupResourceId({_names_of(location, arguments)[0]})", location, arguments)


@TABLE.lenient("extensionResourceId", 3, MANY)
def _extension_resource_id(location: Location, arguments: list[YamlNode]) -> YamlNode:
    base, kind, *names = arguments
    return values.joined([base, resource_id(values.displayed(kind), names, location)], location)
