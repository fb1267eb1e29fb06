"""``gateway notifications``, joined to the configuration file."""

from __future__ import annotations

from pathlib import Path

from gateway.commands.notifications.command import build
from gateway.config import load
from gateway.errors import LoadError, Location
from gateway.notifications.settings import NotificationSettings


def settings(path: Path) -> NotificationSettings:
    """
    The service's settings in a configuration file.

    Raises:
        LoadError: The file has mistakes, or no ``notifications``.
    """
    config = load(path)
    if config.notifications is None:
        message, remedy = "the configuration has no notifications", "add notifications:"
        raise LoadError.at(Location(str(path)), "missing-key", message, remedy)
    return config.notifications


app = build(settings)
