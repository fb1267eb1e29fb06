"""
Operations of an API: those of its definition with what is written about them, or each one written out.

Source: "Microsoft.ApiManagement service/apis/operations"; APIM, "API import restrictions" (ids of operations).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from gateway.commands.importing.mapping.definitions import Definitions
from gateway.commands.importing.mapping.draft import file_name
from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.policies import Policies
from gateway.commands.importing.mapping.responses import examples
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import ArmResource
from gateway.openapi import normalized

_CLASHING = "api"  # the file of the API's own policy has this name


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
        known: Collection[str] = () if definition is None else definition.ids
        for operation in written:
            self._require(operation, known, api)
        if definition is None:
            return _some(operation if "method" in operation else None for operation in written) or None
        return {"openapi": definition.file} | _some(map(definition.join, written))

    def _require(self, operation: dict[str, Any], known: Collection[str], api: ArmResource) -> None:
        """Report an operation of which nothing is known but that it has a policy."""
        if "method" in operation or normalized(operation["id"]) in known:
            return
        message = "the source has its policy, but neither the operation itself nor a definition that has it"
        what = f"operation {operation['id']} of API {api.name[-1]}"
        self._draft.left_out(api.location, what, message, "add its method and url-template")

    def _resources(self, api: ArmResource) -> Iterator[tuple[ArmResource | None, ArmResource | None]]:
        """Each operation with its policy; a folder may have the policy of one whose resource is in the definition."""
        seen = set()
        for resource in self._instance.below(api, "apis/operations"):
            policies = self._instance.below(resource, "apis/operations/policies")
            seen.add(resource.name[-1].casefold())
            yield resource, (policies[0] if policies else None)
        for policy in self._instance.open("apis/operations/policies"):
            if _is_of(policy, api) and policy.name[1].casefold() not in seen:
                yield None, policy

    def _operation(self, pair: tuple[ArmResource | None, ArmResource | None], api: str) -> dict[str, Any]:
        resource, policy = pair
        name = resource.name[-1] if resource else policy.name[1] if policy else ""
        what = f"operation {name} of {api}"
        operation: dict[str, Any] = {"id": self._instance.ids.give(f"operations of {api}", name)}
        if resource is not None:
            operation |= self._own(resource, what, operation["id"], api)
        if policy is not None:
            stem = file_name(operation["id"])
            stem = f"operation-{stem}" if stem.lower() == _CLASHING else stem
            operation["policy"] = self._policies.file(policy, f"{what}: policy", "policies", "apis", api, f"{stem}.xml")
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


def _some(operations: Iterable[dict[str, Any] | None]) -> dict[str, Any]:
    """``operations``, where there is anything to write about one."""
    written = [operation for operation in operations if operation is not None]
    return {"operations": written} if written else {}


def _is_of(policy: ArmResource, api: ArmResource) -> bool:
    same_workspace = policy.workspace.casefold() == api.workspace.casefold()
    return same_workspace and policy.name[0].casefold() == api.name[-1].casefold()
