"""The whole instance, mapped kind by kind."""

from __future__ import annotations

from gateway.commands.importing.mapping.apis import Apis
from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.named_values import NamedValues
from gateway.commands.importing.mapping.policies import Policies
from gateway.commands.importing.mapping.urls import Urls
from gateway.commands.importing.planned import Planned
from gateway.commands.importing.resources import Harvest


def mapped(harvest: Harvest) -> Planned:
    """What *harvest* becomes; everything of it is in the plan or among its findings."""
    instance = Instance(harvest)
    values = NamedValues(instance)
    values.map()
    urls = Urls(instance.draft, values)
    _global_policy(instance)
    Apis(instance, urls).map()
    instance.finish()
    return instance.draft.plan


def _global_policy(instance: Instance) -> None:
    for resource in instance.all("policies"):
        if resource.workspace:
            message = "the policy of a workspace: the gateway has no scope between global and API"
            remedy = "write what it does into the policies of the workspace's APIs"
            instance.draft.left_out(resource.location, f"policy of workspace {resource.workspace}", message, remedy)
        elif "global-policy" not in instance.draft.plan.config:
            file = Policies(instance).file(resource, "global policy", "policies", "global.xml")
            instance.draft.setting("global-policy", file)
