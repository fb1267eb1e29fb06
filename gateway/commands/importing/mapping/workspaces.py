"""
Policies of workspaces, a scope between global and API that the gateway does not have.

An API without a policy of its own has the workspace's instead, which is the same. Where both have one they would have
to be joined, which is a person's work: until then the API refuses.

Source: APIM, "Workspaces", "Policies in API Management": scopes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.policies import Policies
from gateway.commands.importing.resources import ArmResource
from gateway.reading.yaml_nodes import Scalar

_COMMENT = re.compile(r"<!--.*?-->|\s+", re.DOTALL)
_PASSING = re.compile(r"<policies>(<(inbound|backend|outbound|on-error)><base/></\2>)*</policies>")


class WorkspacePolicies:
    """The policies of workspaces, for their APIs."""

    def __init__(self, instance: Instance, policies: Policies) -> None:
        self._instance = instance
        self._draft = instance.draft
        self._policies = policies
        self._documents: dict[str, list[ArmResource]] = {}

    def take(self, resource: ArmResource) -> None:
        """Keep the document of a workspace; one that adds nothing is not needed."""
        what = f"policy of workspace {resource.workspace}"
        if _passes(resource):
            self._instance.take(resource, what).skip("format", "value")
            self._draft.harmless(resource.location, what, "it adds nothing to the policies around it")
            return
        self._documents.setdefault(resource.workspace.casefold(), []).append(resource)
        message = "the gateway has no scope between global and API: it is written as the policy of each of its APIs"
        remedy = "where an API has a policy of its own, join the two"
        self._draft.changed(resource.location, what, message, remedy)

    def of(self, api: ArmResource, what: str, *path: str) -> dict[str, str]:
        """``policy`` of *api*, with what its workspace adds; empty where it has none."""
        own = self._instance.below(api, "apis/policies")
        around = self._documents.get(api.workspace.casefold(), []) if api.workspace else []
        if not around or not own:
            return self._policies.first(own or around, what, *path)
        return self._both(own, what, *path)

    def _both(self, own: Sequence[ArmResource], what: str, *path: str) -> dict[str, str]:
        for document in own:
            self._instance.take(document, what).skip("format", "value", "policyContent")
        reason = "its workspace has a policy as well, and the two have to be joined"
        return {"policy": self._policies.refused(own[0].location, f"{what}: policy", reason, *path)}


def _passes(resource: ArmResource) -> bool:
    value = resource.properties.find("value")
    return isinstance(value, Scalar) and _PASSING.fullmatch(_COMMENT.sub("", value.value)) is not None
