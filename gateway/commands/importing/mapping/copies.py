"""
APIs that were made from another one: a new revision or version starts with the other's operations and policies.

A template names only what differs. Without what is copied, the new revision would have no policy at all.

Source: "Microsoft.ApiManagement service/apis", ``sourceApiId``; APIM, "Revisions".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from gateway.commands.importing.mapping.identifiers import last_segment
from gateway.commands.importing.resources import ArmResource, Harvest, mapping
from gateway.reading.yaml_nodes import Scalar

_POLICIES = "apis/policies"
_BESIDE_A_DEFINITION = (_POLICIES, "apis/operations/policies")
_COPIED = (*_BESIDE_A_DEFINITION, "apis/operations")
_MOST = 5  # copies of copies

_Key = tuple[str, ...]


def with_copies(harvest: Harvest) -> Harvest:
    """*harvest* with what its APIs have from the APIs that they were made from; unknown policies are empty ones."""
    for _ in range(_MOST):
        copies = list(_copies(harvest))
        if not copies:
            break
        harvest = Harvest([*harvest.resources, *copies], harvest.findings)
    return harvest


def _copies(harvest: Harvest) -> Iterator[ArmResource]:
    below: dict[_Key, list[ArmResource]] = defaultdict(list)
    for resource in harvest.resources:
        if resource.kind in _COPIED:
            below[_api(resource)].append(resource)
    apis = {_api(api): api for api in harvest.of("apis")}
    for api in apis.values():
        known = {_within(resource) for resource in below[_api(api)]}
        yield from (copy for copy in _made_from_source(api, apis, below) if _within(copy) not in known)


def _made_from_source(
    api: ArmResource, apis: dict[_Key, ArmResource], below: dict[_Key, list[ArmResource]]
) -> list[ArmResource]:
    id = api.properties.find("sourceApiId")
    if not isinstance(id, Scalar) or not id.value:
        return []
    source = _found(id.value, api, apis)
    if source is None:
        return [ArmResource(_POLICIES, (api.name[0], "policy"), mapping(id.location), id.location, api.workspace)]
    kinds = _COPIED if api.properties.find("value") is None else _BESIDE_A_DEFINITION
    copied = [resource for resource in below[source] if resource.kind in kinds]
    return [replace(resource, name=(api.name[0], *resource.name[1:])) for resource in copied]


def _found(id: str, api: ArmResource, apis: dict[_Key, ArmResource]) -> _Key | None:
    """The API with *id*, whose current revision may have the plain name."""
    name = last_segment(id).casefold()
    places = [(api.workspace.casefold(), name), (api.workspace.casefold(), name.partition(";rev=")[0])]
    return next((place for place in places if place in apis), None)


def _api(resource: ArmResource) -> _Key:
    return resource.workspace.casefold(), resource.name[0].casefold()


def _within(resource: ArmResource) -> _Key:
    """What *resource* is in its API."""
    return resource.kind, *(part.casefold() for part in resource.name[1:])
