"""
Groups and users, as far as policies see them: ``context.User``, ``context.Product.Groups``.

Source: "Microsoft.ApiManagement service/groups", ``users``, ``groups/users``.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import ArmResource
from gateway.errors import Location

_BUILT_IN = {"administrators": "Administrators", "developers": "Developers", "guests": "Guests"}


class People:
    """Maps groups, then users."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._draft = instance.draft
        self._groups_of: dict[str, list[str]] = defaultdict(list)

    def map(self) -> None:
        """Write every group and every user."""
        for resource in self._instance.all("groups"):
            self._group(resource)
        for link in self._instance.all("groups/users"):
            self._groups_of[link.name[-1].casefold()].append(self.group(link.name[0], link.location))
        for resource in self._instance.all("users"):
            self._user(resource)

    def group(self, name: str, location: Location) -> str:
        """The id of the group *name*; APIM's own groups are in no source and are written when they are used."""
        id = self._instance.ids.find("groups", name)
        if id is None:
            id = self._instance.ids.give("groups", name)
            display = _BUILT_IN.get(name.casefold())
            self._draft.item("groups", {"id": id} | ({"name": display} if display else {}))
            if display is None:
                self._draft.changed(location, f"group {name}", "it is not in the source: written with its name alone")
        return id

    def _group(self, resource: ArmResource) -> None:
        taker = self._instance.take(resource, f"group {resource.name[-1]}")
        id = self._instance.ids.give("groups", resource.name[-1], resource.workspace)
        display = taker.text("displayName")
        self._draft.item("groups", {"id": id} | ({"name": display} if display and display != id else {}))
        self._draft.mapped(resource.location, taker.what, "written")

    def _user(self, resource: ArmResource) -> None:
        taker = self._instance.take(resource, f"user {resource.name[-1]}")
        user: dict[str, Any] = {"id": self._instance.ids.give("users", resource.name[-1])}
        for key, name in _USER.items():
            if text := taker.text(name):
                user[key] = text
        identities = [_identity(identity) for identity in taker.inners("identities")]
        if identities:
            user["identities"] = identities
        if groups := self._groups_of.get(resource.name[-1].casefold()):
            user["groups"] = groups
        self._draft.item("users", user, self._instance.origin(resource.location))
        self._draft.mapped(resource.location, taker.what, "written")


_USER = {
    "email": "email",
    "first-name": "firstName",
    "last-name": "lastName",
    "note": "note",
    "registration-date": "registrationDate",
}


def _identity(identity: Taker) -> dict[str, str]:
    return {"id": identity.text("id"), "provider": identity.text("provider")}
