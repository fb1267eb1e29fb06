"""
The exporters of the extra ``[otel]``: one per signal, over HTTP or gRPC.

The variables ``OTEL_EXPORTER_OTLP_…`` that no setting replaces are read by the exporters themselves. gRPC is loaded
only where it is used, and only in the process that exports: a channel does not survive a fork.

Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter".
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from gateway.reading.values import revealed
from gateway.telemetry.otel.environment import Signal

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.trace import ReadableSpan

    from gateway.telemetry.otel.settings import Protocol, TelemetrySettings

_PATHS: Mapping[Signal, str] = {"traces": "v1/traces", "metrics": "v1/metrics", "logs": "v1/logs"}
_FOREIGN_LOGGERS = ("opentelemetry", "urllib3", "grpc")
_PROVIDER = "OTEL_PYTHON_EXPORTER_OTLP_HTTP"  # a plug-in of the exporters brings sessions of its own
_PACKAGES = {
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http",
    "grpc": "opentelemetry.exporter.otlp.proto.grpc",
}


def require(protocol: Protocol) -> None:
    """Raises ImportError: the exporters of *protocol* are not installed. Loads none of them."""
    if find_spec(_PACKAGES[protocol]) is None:
        raise ImportError(_PACKAGES[protocol])


def silence() -> None:
    """Failures of an export are counted, and logged now and then; the libraries would log each of them."""
    for name in _FOREIGN_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def span_exporter(protocol: Protocol, settings: TelemetrySettings) -> SpanExporter:
    """Of traces."""
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OverGrpc

        return OverGrpc(**_grpc("traces", settings))
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(**_http("traces", settings))


def metric_exporter(protocol: Protocol, settings: TelemetrySettings) -> MetricExporter:
    """Of metrics."""
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as OverGrpc

        return OverGrpc(**_grpc("metrics", settings))
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    return OTLPMetricExporter(**_http("metrics", settings))


def line_exporter(protocol: Protocol, settings: TelemetrySettings) -> LogRecordExporter:
    """Of log lines."""
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as OverGrpc

        return OverGrpc(**_grpc("logs", settings))
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    return OTLPLogExporter(**_http("logs", settings))


def _http(signal: Signal, settings: TelemetrySettings) -> dict[str, Any]:
    """Arguments of an exporter over HTTP: what is not set is None, and read from the environment."""
    from opentelemetry.exporter.otlp.proto.http import Compression

    from gateway.telemetry.otel.http_session import BoundedSession

    base = settings.endpoint
    return {
        "endpoint": None if base is None else f"{base.rstrip('/')}/{_PATHS[signal]}",
        "headers": _headers(settings) or None,
        "timeout": settings.timeout_s,
        "certificate_file": None if settings.ca_file is None else str(settings.ca_file),
        "compression": None if settings.compression is None else Compression(settings.compression),
        "session": None if _of_signal(signal, "CREDENTIAL_PROVIDER", _PROVIDER) else BoundedSession(),
    }


def _grpc(signal: Signal, settings: TelemetrySettings) -> dict[str, Any]:
    """The same over gRPC, where header fields have lower-case names."""
    from grpc import Compression

    kinds = {"none": Compression.NoCompression, "gzip": Compression.Gzip}
    return {
        "endpoint": settings.endpoint,
        "headers": {name.lower(): value for name, value in _headers(settings).items()} or None,
        "timeout": settings.timeout_s,
        "credentials": _credentials(signal, settings),
        "compression": None if settings.compression is None else kinds[settings.compression],
    }


def _credentials(signal: Signal, settings: TelemetrySettings) -> object | None:
    """
    Whom to trust and what to present over gRPC; None: the exporter's own choice.

    The exporter would drop the certificate that the gateway presents where authorities are set, and trust the system's
    where a file cannot be read. Raises OSError.
    """
    from grpc import ssl_channel_credentials

    ca = settings.ca_file or _of_signal(signal, "CERTIFICATE")
    files = ca, _of_signal(signal, "CLIENT_KEY"), _of_signal(signal, "CLIENT_CERTIFICATE")
    if not any(files):
        return None
    credentials: object = ssl_channel_credentials(*(Path(file).read_bytes() if file else None for file in files))
    return credentials


def _of_signal(signal: Signal, name: str, prefix: str = "OTEL_EXPORTER_OTLP") -> str | None:
    """The variable of *signal*, else the general one; None where neither is set."""
    return os.environ.get(f"{prefix}_{signal.upper()}_{name}") or os.environ.get(f"{prefix}_{name}") or None


def _headers(settings: TelemetrySettings) -> dict[str, str]:
    return {name: revealed(value) or "" for name, value in settings.headers.items()}


def spans_taken(exporter: SpanExporter, spans: Sequence[ReadableSpan]) -> bool:
    """Whether the receiver has taken *spans*."""
    return exporter.export(spans) is SpanExportResult.SUCCESS


def metrics_taken(exporter: MetricExporter, metrics: MetricsData) -> bool:
    """Whether the receiver has taken *metrics*."""
    return exporter.export(metrics) is MetricExportResult.SUCCESS


def lines_taken(exporter: LogRecordExporter, lines: Sequence[ReadableLogRecord]) -> bool:
    """Whether the receiver has taken *lines*."""
    return exporter.export(lines).name == "SUCCESS"
