"""What Envoy can ask."""

from __future__ import annotations

from gateway.data_plane.envoy.ext_authz.service import ExtAuthz
from gateway.data_plane.envoy.ext_proc.service import ProcessorService
from gateway.data_plane.envoy.health import HealthService
from gateway.data_plane.envoy.host import EnvoyService


def services() -> tuple[EnvoyService, ...]:
    """The services of the listener."""
    asked: tuple[EnvoyService, ...] = (ExtAuthz(), ProcessorService())
    return (*asked, HealthService([service.name for service in asked]))
