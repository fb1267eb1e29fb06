"""
Revisions: Terraform has one resource for each, all with the API's name; ARM has ``orders`` and ``orders;rev=2``.

Source: "Revisions in Azure API Management"; the documentation of Terraform's provider azurerm.
"""

from __future__ import annotations

import dataclasses

from gateway.commands.importing.resources import ArmResource
from gateway.commands.importing.sources.terraform.values import flag_node, text_node
from gateway.reading.yaml_nodes import Mapping, Scalar


def arranged(resources: list[ArmResource]) -> list[ArmResource]:
    """*resources* with the names that the revisions of an API have in ARM."""
    groups: dict[tuple[str, str], list[ArmResource]] = {}
    for resource in filter(_is_api, resources):
        groups.setdefault((resource.workspace, resource.name[0].casefold()), []).append(resource)
    released = dict(pair for resource in resources for pair in _release(resource))
    changed: dict[int, ArmResource] = {}
    for group in filter(_is_several, groups.values()):
        current = _current(group, released)
        changed.update({id(resource): _revision(resource, resource is current) for resource in group})
    return [changed.get(id(resource), resource) for resource in resources]


def _is_api(resource: ArmResource) -> bool:
    return resource.kind == "apis"


def _is_several(group: list[ArmResource]) -> bool:
    return len(group) > 1


def _release(resource: ArmResource) -> list[tuple[str, str]]:
    """Which revision a release has made the current one."""
    target = resource.properties.find("apiId") if resource.kind == "apis/releases" else None
    if not isinstance(target, Scalar):
        return []
    return [(resource.name[0].casefold(), target.value.partition(";rev=")[2] or "1")]


def _current(group: list[ArmResource], released: dict[str, str]) -> ArmResource:
    """The released revision; else the lowest, which the others were made from."""
    wanted = released.get(group[0].name[0].casefold())
    chosen = next((resource for resource in group if _number(resource) == wanted), None)
    return chosen or min(group, key=lambda resource: (len(_number(resource)), _number(resource)))


def _number(resource: ArmResource) -> str:
    revision = resource.properties.find("apiRevision")
    return revision.value if isinstance(revision, Scalar) else "1"


def _revision(resource: ArmResource, current: bool) -> ArmResource:
    flag = flag_node(current, resource.location)
    own = [entry for entry in resource.properties.entries if entry[0].value != "isCurrent"]
    own.append((text_node("isCurrent", resource.location), flag))
    if not current and resource.properties.find("sourceApiId") is None:
        # A policy names its API alone: it may have been this revision's when that was the current one.
        source = text_node(f"/apis/{resource.name[0]}", resource.location)
        own.append((text_node("sourceApiId", resource.location), source))
    properties = Mapping(tuple(own), resource.location)
    name = resource.name if current else (f"{resource.name[0]};rev={_number(resource)}",)
    return dataclasses.replace(resource, name=name, properties=properties)
