"""
Operations of an API: those of its definition with what is written about them, or each one written out.

Source: "Microsoft.ApiManagement service/apis/operations"; APIM, "API import restrictions" (ids of operations).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from gateway.commands.importing.mapping.definitions import Definitions
from gateway.commands.importing.mapping.descriptions import ReadDescription
from gateway.commands.importing.mapping.draft import file_name
from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.policies import Policies
from gateway.commands.importing.mapping.responses import examples
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import ArmResource
from gateway.openapi import normalized

_ADDED = ("name", "policy", "responses")  # what is written about an operation of a description
_UNLISTED = "the API does not publish this operation of its WSDL"
_TWICE = "two operations of the API are this one of its description, and their policies may differ"
_CLASHING = "api"  # the file of the API's own policy has this name

_Pair = tuple[ArmResource | None, list[ArmResource]]  # an operation, and its policy documents


class Operations:
    """Maps the operations of one API after the other."""

    def __init__(self, instance: Instance, policies: Policies, definitions: Definitions) -> None:
        self._instance = instance
        self._draft = instance.draft
        self._policies = policies
        self._definitions = definitions
        self._mocked = instance.mentions("mock-response")

    def of(self, api: ArmResource, taker: Taker, id: str) -> dict[str, Any] | None:
        """``openapi`` and ``operations`` of *api*; None where its operations are not known."""
        definition = self._definitions.of(taker, id)
        written = [self._operation(resource, id) for resource in self._resources(api)]
        written = _completed(self._definitions.loose, written)
        known: Collection[str] = () if definition is None else definition.ids
        for operation in written:
            self._require(operation, known, api)
        if definition is not None:
            return {"openapi": definition.file} | _some(map(definition.join, written))
        return _some(operation for operation in written if _is_complete(operation)) or None

    def described(self, api: ArmResource, id: str, description: ReadDescription | None) -> dict[str, Any] | None:
        """*description* with what the instance adds to its operations; None without one."""
        written = [self._operation(resource, id) for resource in self._resources(api)]
        if description is None:
            return None
        joined: dict[str, dict[str, Any]] = {}
        for operation in written:
            own = self._joined(operation, api, description)
            joined |= own | self._withheld(api, id, own.keys() & joined.keys(), _TWICE)
        joined |= self._withheld(api, id, description.unlisted(joined) if written else (), _UNLISTED)
        return description.keys | _some(operation if len(operation) > 1 else None for operation in joined.values())

    def _joined(
        self, operation: dict[str, Any], api: ArmResource, description: ReadDescription
    ) -> dict[str, dict[str, Any]]:
        """*operation* by its id in the description; a SOAP API can have others, of other methods than POST."""
        known = description.id_of(operation)
        if known is not None:
            return {known: {"id": known, **{key: operation[key] for key in _ADDED if key in operation}}}
        if description.closed and operation.get("method", "POST") != "POST":
            return {operation["id"]: operation}
        what = f"operation {operation['id']} of API {api.name[-1]}"
        self._draft.left_out(api.location, what, "the description of the API does not have it", "correct one of them")
        return {}

    def _withheld(self, api: ArmResource, id: str, names: Iterable[str], reason: str) -> dict[str, dict[str, Any]]:
        """Operations of the description whose policies are not known."""
        withheld = {}
        for name in sorted(names):
            what, place = f"operation {name} of API {api.name[-1]}", ("policies", "apis", id, f"{file_name(name)}.xml")
            withheld[name] = {"id": name, "policy": self._policies.refused(api.location, what, reason, *place)}
        return withheld

    def _require(self, operation: dict[str, Any], known: Collection[str], api: ArmResource) -> None:
        """Report an operation of which nothing is known but that it has a policy."""
        if "method" in operation or normalized(operation["id"]) in known:
            return
        message = "the source has its policy, but neither the operation itself nor a definition that has it"
        what = f"operation {operation['id']} of API {api.name[-1]}"
        self._draft.left_out(api.location, what, message, "add its method and url-template")

    def _resources(self, api: ArmResource) -> Iterator[_Pair]:
        """Each operation with its policy; a folder may have the policy of one whose resource is in the definition."""
        seen = set()
        for resource in self._instance.below(api, "apis/operations"):
            seen.add(resource.name[-1].casefold())
            yield resource, self._instance.below(resource, "apis/operations/policies")
        for policy in self._instance.within(api, "apis/operations/policies"):
            if policy.name[1].casefold() not in seen:
                yield None, [policy]

    def _operation(self, pair: _Pair, api: str) -> dict[str, Any]:
        resource, policies = pair
        name = policies[0].name[1] if resource is None else resource.name[-1]
        what = f"operation {name} of {api}"
        operation: dict[str, Any] = {"id": self._instance.ids.give(f"operations of {api}", name)}
        if resource is not None:
            operation |= self._own(resource, what, operation["id"], api)
        stem = file_name(operation["id"])
        stem = f"operation-{stem}" if stem.lower() == _CLASHING else stem
        operation |= self._policies.first(policies, what, "policies", "apis", api, f"{stem}.xml")
        return operation

    def _own(self, resource: ArmResource, what: str, id: str, api: str) -> dict[str, Any]:
        taker = self._instance.take(resource, what)
        display = taker.text("displayName")
        operation: dict[str, Any] = {"name": display} if display and display != id else {}
        operation["method"] = taker.text("method").upper()
        template = taker.text("urlTemplate")
        operation["url-template"] = template if template.startswith("/") else f"/{template}"
        taker.skip("request")  # what a request looks like is read from a definition alone
        responses = examples(taker, self._draft, api, id) if self._mocked else []
        if not self._mocked:
            taker.skip("responses")
        return operation | ({"responses": responses} if responses else {})


def _completed(loose: list[dict[str, Any]], written: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is *written*, with method and template from the operations of a definition, and the rest of those."""
    by_id = {operation["id"]: operation for operation in loose}
    complete = [{**by_id.get(normalized(operation["id"]), {}), **operation} for operation in written]
    routes = set(map(_route, complete))
    return [*complete, *(own for own in loose if _route(own) not in routes)]


def _route(operation: dict[str, Any]) -> tuple[Any, Any]:
    return operation.get("method"), operation.get("url-template")


def _is_complete(operation: dict[str, Any]) -> bool:
    return "method" in operation


def _some(operations: Iterable[dict[str, Any] | None]) -> dict[str, Any]:
    """``operations``, where there is anything to write about one."""
    written = [operation for operation in operations if operation is not None]
    return {"operations": written} if written else {}
