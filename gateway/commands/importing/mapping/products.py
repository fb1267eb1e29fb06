"""
Products, their policies, and the groups that may see them.

An API belongs to a product with all its revisions.

Source: "Microsoft.ApiManagement service/products", ``products/apis``, ``products/apiLinks``, ``products/groups``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.commands.importing.mapping.identifiers import last_segment
from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.people import People
from gateway.commands.importing.mapping.policies import Policies
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import ArmResource
from gateway.reading.yaml_nodes import Scalar


class Products:
    """Maps products; APIs and groups have been mapped before."""

    def __init__(self, instance: Instance, policies: Policies, people: People) -> None:
        self._instance = instance
        self._draft = instance.draft
        self._policies = policies
        self._people = people

    def map(self) -> None:
        """Write every product."""
        for resource in self._instance.all("products"):
            self._map(resource)

    def _map(self, resource: ArmResource) -> None:
        what = f"product {resource.name[-1]}"
        taker = self._instance.take(resource, what)
        id = self._instance.ids.give("products", resource.name[-1], resource.workspace)
        product: dict[str, Any] = {"id": id} | _display(taker, id)
        product["apis"] = list(dict.fromkeys(self._apis(resource, what)))
        product |= self._policies.of(resource, "products/policies", what, "policies", "products", f"{id}.xml")
        product |= _settings(taker)
        groups = list(dict.fromkeys(self._groups(resource)))
        product |= {"groups": groups} if groups else {}
        self._draft.item("products", product, self._instance.origin(resource.location))
        self._draft.mapped(resource.location, what, f"with the APIs {', '.join(product['apis']) or '(none)'}")

    def _apis(self, product: ArmResource, what: str) -> Iterator[str]:
        for link, name in self._links(product, "apis", "apiLinks", "apiId"):
            ids = self._instance.revisions_of(name, product.workspace)
            yield from ids
            if not ids:
                self._draft.left_out(link.location, what, f"the API {name} is not here", "")

    def _groups(self, product: ArmResource) -> Iterator[str]:
        for link, name in self._links(product, "groups", "groupLinks", "groupId"):
            yield self._people.group(name, link.location)

    def _links(self, product: ArmResource, kind: str, newer: str, key: str) -> Iterator[tuple[ArmResource, str]]:
        """The resources that link something with *product*, and the names of what they link."""
        for link in self._instance.below(product, f"products/{kind}"):
            yield link, link.name[-1]
        for link in self._instance.below(product, f"products/{newer}"):
            target = link.properties.find(key)
            if isinstance(target, Scalar):
                yield link, last_segment(target.value)


def _display(taker: Taker, id: str) -> dict[str, str]:
    display = taker.text("displayName")
    return {"name": display} if display and display != id else {}


def _settings(taker: Taker) -> dict[str, Any]:
    """What differs from the defaults, which are the same as APIM's."""
    settings: dict[str, Any] = {}
    if not taker.flag("subscriptionRequired", default=True):
        settings["subscription-required"] = False
    if taker.flag("approvalRequired", default=False):
        settings["approval-required"] = True
    if limit := taker.number("subscriptionsLimit"):
        settings["subscriptions-limit"] = limit
    if taker.text("state", "published").casefold() == "notpublished":
        settings["state"] = "not-published"
    return settings
