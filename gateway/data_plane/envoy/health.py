"""
The health service that Envoy's active health checks ask.

A gateway that drains is not serving, and Envoy sends its next question to another one. Issuers and backends that are
down do not count: all gateways would leave at the same time (docs/adr/0056).

Source: gRPC Health Checking Protocol (grpc.health.v1); ``Watch`` is left out, which the protocol allows for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import grpc

from gateway.data_plane.envoy.answering import Answering
from gateway.data_plane.envoy.host import EnvoyHost, Unanswerable
from gateway.data_plane.envoy.messages import HealthCheckRequest, HealthCheckResponse


class HealthService:
    """Serving, or not while it drains; for the listener (the empty name) and for each of *services*."""

    name = "grpc.health.v1.Health"

    def __init__(self, services: Collection[str]) -> None:
        self._names = frozenset(["", self.name, *services])

    def methods(self, host: EnvoyHost) -> Mapping[str, grpc.RpcMethodHandler]:
        return {"Check": host.unary(self.check, HealthCheckRequest, HealthCheckResponse)}

    def check(self, question: Any, answering: Answering) -> Any:
        """Raises Unanswerable: there is no such service."""
        if question.service not in self._names:
            raise Unanswerable(grpc.StatusCode.NOT_FOUND, "no such service")
        return HealthCheckResponse(status="NOT_SERVING" if answering.is_draining() else "SERVING")
