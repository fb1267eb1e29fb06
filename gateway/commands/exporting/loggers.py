"""
Loggers of event hubs; those that write elsewhere are left out.

Source: "Microsoft.ApiManagement service/loggers" in Azure's template reference.
"""

from __future__ import annotations

import re

from gateway.commands.exporting.folder import ExportFolder
from gateway.commands.exporting.source import ExportSource

_HUB = re.compile(r"https://(?P<host>[^/]+)/(?P<hub>.+)/messages")


def write_loggers(source: ExportSource, folder: ExportFolder) -> None:
    """Each logger that posts to an event hub, which Azure does with the service's own identity."""
    for name, logger in source.config.loggers.items():
        match = _HUB.fullmatch(logger.url or "")
        what, place = f"logger {name}", source.at("loggers", name)
        if match is None:
            folder.left_out(place, what, "not an event hub's URL", "create a logger for Event Hubs in Azure")
            continue
        credentials = {"name": match["hub"], "identityClientId": "SystemAssigned"}
        if match["host"].endswith(".invalid"):
            folder.needs_you(place, what, "its namespace is not known", "write endpointAddress into its credentials")
        else:
            credentials["endpointAddress"] = match["host"]
        folder.information({"loggerType": "azureEventHub", "credentials": credentials}, "loggers", name)
