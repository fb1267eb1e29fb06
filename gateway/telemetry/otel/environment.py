"""
What the settings leave open, from the environment.

A setting comes before a variable, a variable of one signal before the general one. A value that is not understood is
ignored with a warning, as OpenTelemetry asks for.

Source: OpenTelemetry specification, "Environment Variable Specification" and "OpenTelemetry Protocol Exporter".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

import structlog

from gateway.telemetry.otel.settings import Protocol, TelemetrySettings
from gateway.telemetry.spans import Sampling

log = structlog.get_logger("gateway.telemetry")

Signal: TypeAlias = Literal["traces", "metrics", "logs"]

QUEUE: Final = 2_048
BATCH: Final = 512
_LONGEST_QUEUE = 1_000_000
_TIMEOUT_MS = 10_000
_COMPRESSIONS = ("none", "gzip")
_PROTOCOLS = ("http/protobuf", "grpc")
_RATIOS = {"always_on": 1.0, "always_off": 0.0}


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """
    How one signal waits for its export.

    Attributes:
        size: Most items that wait.
        batch: Most items in one export.
        delay_s: How long the first of them waits.
    """

    size: int = QUEUE
    batch: int = BATCH
    delay_s: float = 5.0


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """
    What is exported, and how.

    Attributes:
        protocols: By signal; one that is not in it is not exported.
        propagates: Whether other services are told of traces.
        interval_s: Between two exports of metrics.
        service_name: ``service.name`` by configuration or environment; None: neither names it.
    """

    protocols: Mapping[Signal, Protocol]
    sampling: Sampling
    propagates: bool
    spans: QueuePlan
    lines: QueuePlan
    interval_s: float
    service_name: str | None


def plan(settings: TelemetrySettings, environ: Mapping[str, str]) -> ExportPlan:
    """What *settings* and *environ* ask for together."""
    wanted: dict[Signal, bool | None] = {
        "traces": settings.traces,
        "metrics": settings.metrics,
        "logs": settings.logs,
    }
    disabled = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    exported = [] if disabled else [name for name, asked in wanted.items() if _is_exported(name, asked, environ)]
    return ExportPlan(
        protocols={name: _protocol(name, settings, environ) for name in exported},
        sampling=_sampling(settings, environ),
        propagates=_propagates(environ),
        spans=_queue("BSP", 5.0, settings, environ),
        lines=_queue("BLRP", 1.0, settings, environ),
        interval_s=settings.interval_s or _number("OTEL_METRIC_EXPORT_INTERVAL", 60_000, environ, least=1) / 1000,
        service_name=settings.service_name or environ.get("OTEL_SERVICE_NAME"),
    )


def effective(settings: TelemetrySettings, name: Signal, environ: Mapping[str, str]) -> TelemetrySettings:
    """
    *settings* of one signal, time-out and compression from the variables where they leave them open.

    The exporters would take the variables' milliseconds for seconds, and over gRPC fail at what they do not understand.
    """
    prefix = f"OTEL_EXPORTER_OTLP_{name.upper()}"
    timeout_ms = _number("OTEL_EXPORTER_OTLP_TIMEOUT", _TIMEOUT_MS, environ, least=1)
    timeout_ms = _number(f"{prefix}_TIMEOUT", timeout_ms, environ, least=1)
    kind = _one_of("OTEL_EXPORTER_OTLP_COMPRESSION", _COMPRESSIONS, environ, "none")
    kind = _one_of(f"{prefix}_COMPRESSION", _COMPRESSIONS, environ, kind)
    return settings.model_copy(
        update={
            "timeout_s": settings.timeout_s or timeout_ms / 1000,
            "compression": settings.compression or kind,
        }
    )


def _is_exported(name: Signal, asked: bool | None, environ: Mapping[str, str]) -> bool:
    if asked is not None:
        return asked
    variable, usual = f"OTEL_{name.upper()}_EXPORTER", "none" if name == "logs" else "otlp"
    return _one_of(variable, ("otlp", "none"), environ, usual) == "otlp"


def _protocol(name: Signal, settings: TelemetrySettings, environ: Mapping[str, str]) -> Protocol:
    if settings.protocol is not None:
        return settings.protocol
    general = _one_of("OTEL_EXPORTER_OTLP_PROTOCOL", _PROTOCOLS, environ, "http/protobuf")
    return cast(Protocol, _one_of(f"OTEL_EXPORTER_OTLP_{name.upper()}_PROTOCOL", _PROTOCOLS, environ, general))


def _sampling(settings: TelemetrySettings, environ: Mapping[str, str]) -> Sampling:
    if settings.sampling is not None:
        return Sampling(settings.sampling)
    names = [f"{prefix}{name}" for prefix in ("parentbased_", "") for name in (*_RATIOS, "traceidratio")]
    sampler = _one_of("OTEL_TRACES_SAMPLER", names, environ, "parentbased_always_on")
    base = sampler.removeprefix("parentbased_")
    ratio = _RATIOS[base] if base in _RATIOS else _number("OTEL_TRACES_SAMPLER_ARG", 1.0, environ, most=1.0)
    return Sampling(ratio, parent_based=base != sampler)


def _propagates(environ: Mapping[str, str]) -> bool:
    named = [name.strip() for name in environ.get("OTEL_PROPAGATORS", "").split(",") if name.strip()]
    return not named or "tracecontext" in named


def _queue(prefix: str, delay_s: float, settings: TelemetrySettings, environ: Mapping[str, str]) -> QueuePlan:
    size = int(_number(f"OTEL_{prefix}_MAX_QUEUE_SIZE", QUEUE, environ, least=1, most=_LONGEST_QUEUE))
    size = settings.queue or size
    batch = int(_number(f"OTEL_{prefix}_MAX_EXPORT_BATCH_SIZE", BATCH, environ, least=1, most=_LONGEST_QUEUE))
    delay_ms = _number(f"OTEL_{prefix}_SCHEDULE_DELAY", delay_s * 1000, environ, least=1)
    return QueuePlan(size, min(batch, size), delay_ms / 1000)


def _one_of(variable: str, known: tuple[str, ...] | list[str], environ: Mapping[str, str], usual: str) -> str:
    value = environ.get(variable, "").strip().lower()
    if not value:
        return usual
    if value in known:
        return value
    log.warning("telemetry_variable_ignored", variable=variable, known=list(known), used=usual)
    return usual


def _number(
    variable: str, usual: float, environ: Mapping[str, str], *, least: float = 0.0, most: float = 2.0**31
) -> float:
    text = environ.get(variable, "").strip()
    if not text:
        return usual
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if least <= value <= most:
        return value
    log.warning("telemetry_variable_ignored", variable=variable, used=usual)
    return usual
