"""
Loggers of log-to-eventhub, and the external cache.

Source: "Microsoft.ApiManagement service/loggers", ``caches``; Event Hubs REST API, "Send event".
"""

from __future__ import annotations

import re
from typing import Any

from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.named_values import NamedValues
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import ArmResource

_AUDIENCE = "https://eventhubs.azure.net"
_ENDPOINT = re.compile(r"Endpoint=sb://([A-Za-z0-9.-]+)", re.IGNORECASE)
_HOST = re.compile(r"(?:[a-z]+://)?([A-Za-z0-9.-]+)/?")


class Loggers:
    """Maps loggers that policies write to."""

    def __init__(self, instance: Instance, values: NamedValues) -> None:
        self._instance = instance
        self._draft = instance.draft
        self._values = values

    def map(self) -> None:
        """Write the loggers of event hubs; others are of diagnostics alone."""
        for resource in self._instance.all("loggers"):
            taker = self._instance.take(resource, f"logger {resource.name[-1]}")
            kind = taker.text("loggerType")
            if kind.casefold() == "azureeventhub":
                self._event_hub(resource, taker)
            else:
                taker.skip("credentials")
                message = f"{kind or 'it'} is for diagnostics: the gateway has its own logs, metrics and traces"
                self._draft.harmless(resource.location, taker.what, message)

    def _event_hub(self, resource: ArmResource, taker: Taker) -> None:
        credentials = taker.inner("credentials")
        host, hub = self._place(credentials, resource) if credentials else ("", resource.name[-1])
        id = self._instance.ids.give("loggers", resource.name[-1], resource.workspace)
        entry: dict[str, Any] = {
            "url": f"https://{host or f'{id.lower()}.invalid'}/{hub}/messages",
            "resource": _AUDIENCE,
        }
        self._draft.entry("loggers", id, entry, self._instance.origin(resource.location))
        if host:
            message = "events are posted to the hub with the gateway's own identity, not with a connection string"
            remedy = "let managed-identity in config.yaml send to the event hub"
            self._draft.changed(resource.location, taker.what, message, remedy)
        else:
            message = "the namespace of the event hub is in a secret: the URL that is written leads nowhere"
            self._draft.needs_you(resource.location, taker.what, message, f"correct loggers/{id}/url")

    def _place(self, credentials: Taker, resource: ArmResource) -> tuple[str, str]:
        """Host of the namespace, or empty where that is not known, and name of the hub."""
        hub = credentials.text("name", resource.name[-1])
        credentials.skip("identityClientId")
        endpoint, secret = credentials.scalar("endpointAddress"), credentials.scalar("connectionString")
        address = self._values.filled(endpoint.value) if endpoint else None
        if address and (match := _HOST.fullmatch(address)):
            return match[1], hub
        known = self._values.filled(secret.value) if secret else None
        match = _ENDPOINT.search(known) if known else None
        return (match[1] if match else ""), hub


def map_caches(instance: Instance) -> None:
    """Write the first external cache as ``redis``."""
    for number, resource in enumerate(instance.all("caches")):
        taker = instance.take(resource, f"cache {resource.name[-1]}")
        taker.skip("connectionString", "useFromLocation")
        if number:
            message = "caches of single regions: the gateway has one Redis"
            instance.draft.left_out(resource.location, taker.what, message)
            continue
        variable = instance.draft.variable(
            "REDIS_URL", f"{taker.what}, as redis://:PASSWORD@HOST:6379/0", taker.location
        )
        instance.draft.setting("redis", {"env": variable}, instance.origin(resource.location))
        message = f"read from {variable} as a URL; counters and quotas are kept in it as well"
        instance.draft.changed(resource.location, taker.what, message, "the extra [redis] has to be installed")
