"""
Subscriptions: what a key gives access to. Keys themselves come from the environment, whatever the source has.

Source: "Microsoft.ApiManagement service/subscriptions".
"""

from __future__ import annotations

import re
from typing import Any

from gateway.commands.importing.mapping.identifiers import last_segment
from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import ArmResource

_SAID = "primaryKey secondaryKey scope productId state displayName ownerId userId".split()
# An id as ARM has it, or what follows the service in it. Whatever is not one of these gives access to nothing.
_WHOLE = r"[^?#]*/service/[^/?#]+"
_SINGLE = re.compile(
    rf"(?:{_WHOLE}|[^/?#]*)(?:/workspaces/(?P<workspace>[^/?#]+))?/(?P<kind>apis|products)/(?P<name>[^/?#]+)/?",
    re.IGNORECASE,
)
_ALL_APIS = re.compile(rf"(?:{_WHOLE})?/apis/?", re.IGNORECASE)
_SERVICE = re.compile(rf"{_WHOLE}/?|/", re.IGNORECASE)
_STATES = ("active", "suspended", "expired", "submitted", "rejected", "cancelled")


class SubscriptionMapper:
    """Maps subscriptions; APIs, products and users have been mapped before."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._draft = instance.draft

    def map(self) -> None:
        """Write every subscription whose API or product is here."""
        for resource in self._instance.all("subscriptions"):
            self._map(resource)

    def _map(self, resource: ArmResource) -> None:
        what = f"subscription {resource.name[-1]}"
        taker = self._instance.take(resource, what)
        written = taker.text("scope") or taker.text("productId")
        scope = self._scope(written, resource)
        taker.skip(*_SAID)
        if scope is None:
            message = f"it gives access to {written or 'nothing'}, which is not here"
            self._draft.left_out(resource.location, what, message, "write it with a scope that is")
            return
        id = self._instance.ids.give("subscriptions", resource.name[-1], resource.workspace)
        subscription = self._described(taker, id) | scope | self._key(taker, id, what)
        subscription |= self._state(taker) | self._owner(taker)
        self._draft.item("subscriptions", subscription, self._instance.origin(resource.location))
        key = subscription["primary-key"]["env"]
        self._draft.mapped(resource.location, what, f"scope {subscription['scope']}; its key is read from {key}")

    def _described(self, taker: Taker, id: str) -> dict[str, Any]:
        display = taker.text("displayName")
        return {"id": id} | ({"name": display} if display and display != id else {})

    def _scope(self, written: str, resource: ArmResource) -> dict[str, Any] | None:
        """``scope``, and whether it is a key for everything; None where that is not here, or not clear."""
        single = _SINGLE.fullmatch(written)
        if single is not None:
            kind = single["kind"].casefold()
            workspace = single["workspace"] or resource.workspace
            id = self._instance.ids.own(kind, single["name"], workspace)
            return None if id is None else {"scope": f"/{kind}/{id}"}
        if resource.workspace:  # all APIs of a workspace: the gateway's would be those of all others as well
            return None
        if _ALL_APIS.fullmatch(written):
            return {"scope": "/apis"}
        return {"scope": "/apis", "all-access": True} if _SERVICE.fullmatch(written) else None

    def _key(self, taker: Taker, id: str, what: str) -> dict[str, Any]:
        named = f"subscription-{id}" if id[0].isdigit() else id
        keys = {"primary-key": self._draft.variable(f"{named}-key", f"{what}: its key", taker.location)}
        if taker.scalar("secondaryKey") is not None:
            keys["secondary-key"] = self._draft.variable(f"{named}-key-2", f"{what}: its second key", taker.location)
        return {name: {"env": variable} for name, variable in keys.items()}

    def _state(self, taker: Taker) -> dict[str, str]:
        written = taker.text("state")
        if not written:
            message = "the source does not say whether it is active; APIM makes a new one that waits for approval"
            remedy = "write state: active once you have approved it"
            self._draft.needs_you(taker.location, taker.what, f"{message}: state submitted is written", remedy)
            return {"state": "submitted"}
        state = written.casefold()
        if state not in _STATES:
            self._draft.needs_you(
                taker.location, taker.what, f"the state {written!r} is not known: suspended is written", "correct it"
            )
            state = "suspended"
        return {} if state == "active" else {"state": state}

    def _owner(self, taker: Taker) -> dict[str, str]:
        owner = taker.text("ownerId") or taker.text("userId")
        id = self._instance.ids.find("users", last_segment(owner)) if owner else None
        if owner and id is None:
            message = f"its owner {last_segment(owner)} is not here: context.User is null"
            place = taker.location_of("ownerId")
            if self._instance.mentions("context.User"):
                self._draft.left_out(place, taker.what, message, "add the user")
            else:
                self._draft.harmless(place, taker.what, "its owner is not here, and no policy asks for it")
        return {} if id is None else {"user": id}
