"""The commands are tried on the service's own rig."""

from tests.notifications.conftest import _fresh, d365, entra, postgres, postgres_server, receiver, service, store

__all__ = ["_fresh", "d365", "entra", "postgres", "postgres_server", "receiver", "service", "store"]
