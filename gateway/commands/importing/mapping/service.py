"""The whole instance, mapped kind by kind."""

from __future__ import annotations

from collections import defaultdict

from gateway.commands.importing.mapping.apis import Apis
from gateway.commands.importing.mapping.backends import Backends
from gateway.commands.importing.mapping.certificates import Certificates
from gateway.commands.importing.mapping.copies import with_copies
from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.loggers import Loggers, map_caches
from gateway.commands.importing.mapping.named_values import NamedValues
from gateway.commands.importing.mapping.people import People
from gateway.commands.importing.mapping.policies import Policies
from gateway.commands.importing.mapping.products import Products
from gateway.commands.importing.mapping.schemas import map_schemas
from gateway.commands.importing.mapping.subscriptions import SubscriptionMapper
from gateway.commands.importing.mapping.urls import Urls
from gateway.commands.importing.mapping.workspaces import WorkspacePolicies
from gateway.commands.importing.planned import Planned
from gateway.commands.importing.resources import ArmResource, Harvest
from gateway.errors import Location

# The order of the configuration, which is that of config.example.yaml.
_ORDER = """
    redis named-values backends global-policy fragments certificates schemas loggers apis products subscriptions users
    groups
""".split()


def mapped(harvest: Harvest, root: str = "") -> Planned:
    """What *harvest*, which was read below *root*, becomes; everything is in the plan or among its findings."""
    instance = Instance(with_copies(harvest), root)
    values = NamedValues(instance)
    values.map()
    urls = Urls(instance, values)
    certificates = Certificates(instance)
    certificates.map()
    Backends(instance, urls, values, certificates).map()
    Loggers(instance, values).map()
    map_caches(instance)
    map_schemas(instance)
    policies = Policies(instance)
    workspaces = WorkspacePolicies(instance, policies)
    _documents(instance, policies, workspaces)
    Apis(instance, urls, policies, workspaces).map()
    people = People(instance)
    people.map()
    Products(instance, policies, people).map()
    SubscriptionMapper(instance).map()
    for resource in instance.all(""):
        instance.take(resource, "service")
    instance.finish()
    plan = instance.draft.plan
    if "apis" not in plan.config:
        remedy = "name the folder or template that has the APIs, and the parameters that it needs"
        instance.draft.needs_you(Location(root or "."), "APIs", "there is none that could be taken over", remedy)
    plan.config.setdefault("apis", [])
    plan.config = {key: plan.config[key] for key in _ORDER if key in plan.config}
    return plan


def _documents(instance: Instance, policies: Policies, workspaces: WorkspacePolicies) -> None:
    """Fragments and the global policy; all fragments have ids before any of them is written."""
    fragments = list(instance.all("policyFragments"))
    documents: dict[tuple[str, str], list[ArmResource]] = defaultdict(list)
    for fragment in fragments:
        instance.ids.give("policyFragments", fragment.name[-1], fragment.workspace)
        documents[(fragment.workspace.casefold(), fragment.name[-1].casefold())].append(fragment)
    for same in documents.values():
        _fragment(instance, policies, same)
    own = []
    for resource in instance.all("policies"):
        if resource.workspace:
            workspaces.take(resource)
        else:
            own.append(resource)
    written = policies.first(own, "global scope", "policies", "global.xml")
    if written:
        instance.draft.setting("global-policy", written["policy"])


def _fragment(instance: Instance, policies: Policies, documents: list[ArmResource]) -> None:
    fragment = documents[0]
    id = instance.ids.give("policyFragments", fragment.name[-1], fragment.workspace)
    what = f"fragment {fragment.name[-1]}"
    file = policies.one(documents, what, "policies", "fragments", f"{id}.xml", fragment=True)
    instance.draft.entry("fragments", id, file)
