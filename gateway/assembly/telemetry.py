"""OpenTelemetry as configured; its libraries are loaded only where it is."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from gateway.config import Config
from gateway.data_plane.dispatcher import RequestWatcher
from gateway.data_plane.request_spans import RequestSpans
from gateway.errors import LoadError
from gateway.telemetry import log_observers, spans

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from gateway.telemetry.metrics import GatewayMetrics
    from gateway.telemetry.otel.batches import SignalCounts
    from gateway.telemetry.otel.exporting import Telemetry

REMEDY = "pip install 'apim-policy-gateway[otel]'"


def configured_telemetry(
    config: Config, registry: CollectorRegistry, former: tuple[Config, Telemetry | None] | None = None
) -> Telemetry | None:
    """
    What *config* asks for; that of *former* where nothing about it has changed, and None where it is off.

    Raises:
        LoadError: The extra is not installed.
    """
    if config.telemetry is None:
        return None
    before = None if former is None else former[1]
    if former is not None and before is not None and _names(former[0]) == _names(config):
        return before
    try:
        from gateway.telemetry.otel.exporting import Telemetry

        return Telemetry(config.telemetry, registry, config.deployment.service_name, os.environ, before)
    except ImportError:
        message = "the libraries of OpenTelemetry are not installed"
        raise LoadError.at(config.location("telemetry"), "missing-extra", message, REMEDY) from None


def _names(config: Config) -> tuple[object, ...]:
    return config.telemetry, config.deployment.service_name


def start_telemetry(telemetry: Telemetry, config: Config) -> None:
    """Begin to export. Raises LoadError: the exporters cannot be made."""
    try:
        telemetry.start()
    except (OSError, ValueError) as error:
        where, remedy = config.location("telemetry"), "check endpoint, ca-file and the variables OTEL_…"
        raise LoadError.at(where, "bad-telemetry", f"telemetry cannot be exported: {error}", remedy) from None


def take_over_telemetry(telemetry: Telemetry | None, former: Telemetry | None, config: Config) -> None:
    """Export by *telemetry* from now on; *former* is closed when the requests that it records have ended."""
    if telemetry is None:
        spans.use(None)
        log_observers.observe(None)
        if former is not None:
            former.hasten()
    elif telemetry is not former:
        start_telemetry(telemetry, config)


def request_watcher(
    config: Config, telemetry: Telemetry | None, traces: RequestWatcher | None
) -> RequestWatcher | None:
    """Who looks at requests as they begin: the book of *traces*, and telemetry around it."""
    if telemetry is None or config.telemetry is None:
        return traces
    settings = config.telemetry
    return RequestSpans(telemetry.recorder, settings.incoming, settings.client_address, settings.policy_steps, traces)


def count_exports(metrics: GatewayMetrics, telemetry: Telemetry | None) -> None:
    """What could not be exported, for Prometheus too: a collector that is away cannot be told."""
    if telemetry is None:
        return
    for signal, counts in telemetry.state.counts.items():
        name = f"gateway_telemetry_{signal}"
        metrics.counters[f"{name}_dropped"] = (
            f"Not exported ({signal}): the queue was full.",
            partial(_dropped, counts),
        )
        metrics.counters[f"{name}_lost"] = (
            f"Exports ({signal}) that the collector did not take.",
            partial(_lost, counts),
        )


def _dropped(counts: SignalCounts) -> float:
    return counts.dropped


def _lost(counts: SignalCounts) -> float:
    return counts.lost
