"""Settings before variables, variables of one signal before general ones."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from gateway.telemetry.otel.environment import QueuePlan, effective, plan
from gateway.telemetry.otel.settings import TelemetrySettings
from gateway.telemetry.spans import Sampling

GRPC, HTTP = "grpc", "http/protobuf"


@pytest.mark.parametrize(
    ("settings", "environ", "protocols"),
    [
        ({}, {}, {"traces": HTTP, "metrics": HTTP}),
        ({"logs": True, "metrics": False}, {}, {"traces": HTTP, "logs": HTTP}),
        ({}, {"OTEL_LOGS_EXPORTER": "otlp", "OTEL_TRACES_EXPORTER": "none"}, {"metrics": HTTP, "logs": HTTP}),
        ({"traces": True}, {"OTEL_TRACES_EXPORTER": "none"}, {"traces": HTTP, "metrics": HTTP}),
        ({}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, {"traces": GRPC, "metrics": GRPC}),
        (
            {},
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf"},
            {"traces": GRPC, "metrics": HTTP},
        ),
        (
            {"protocol": "grpc"},
            {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
            {"traces": GRPC, "metrics": GRPC},
        ),
        ({"traces": True}, {"OTEL_SDK_DISABLED": "TRUE"}, {}),
    ],
)
def test_what_is_exported(settings: dict[str, object], environ: dict[str, str], protocols: dict[str, str]) -> None:
    """Which signals, and over what."""
    assert plan(TelemetrySettings.model_validate(settings), environ).protocols == protocols


@pytest.mark.parametrize(
    ("settings", "environ", "sampling"),
    [
        ({}, {}, Sampling(1.0)),
        ({"sampling": 0.2}, {"OTEL_TRACES_SAMPLER": "always_off"}, Sampling(0.2)),
        ({}, {"OTEL_TRACES_SAMPLER": "always_off"}, Sampling(0.0, parent_based=False)),
        ({}, {"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, Sampling(0.0)),
        (
            {},
            {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"},
            Sampling(0.5, parent_based=False),
        ),
        ({}, {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}, Sampling(0.25)),
        ({}, {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}, Sampling(1.0)),
    ],
)
def test_sampler(settings: dict[str, object], environ: dict[str, str], sampling: Sampling) -> None:
    """The specification's samplers."""
    assert plan(TelemetrySettings.model_validate(settings), environ).sampling == sampling


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "9999999999"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "-1"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
    ],
)
def test_what_is_not_understood_is_ignored(variable: str, value: str) -> None:
    """The default is used, and the log says so without the value, which may be a mistaken secret."""
    with capture_logs() as lines:
        assert plan(TelemetrySettings(), {variable: value}) == plan(TelemetrySettings(), {})
    assert {line["variable"] for line in lines} == {variable}
    assert value not in str(lines) or value == "0"


def test_queues() -> None:
    """Sizes, delays and intervals, of which variables are milliseconds."""
    environ = {
        "OTEL_BSP_MAX_QUEUE_SIZE": "100",
        "OTEL_BSP_SCHEDULE_DELAY": "250",
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "7",
        "OTEL_METRIC_EXPORT_INTERVAL": "15000",
        "OTEL_PROPAGATORS": "b3, tracecontext",
        "OTEL_SERVICE_NAME": "front",
    }
    wanted = plan(TelemetrySettings(), environ)
    assert (wanted.spans, wanted.lines) == (QueuePlan(100, 100, 0.25), QueuePlan(2048, 7, 1.0))
    assert (wanted.interval_s, wanted.propagates, wanted.service_name) == (15.0, True, "front")
    assert plan(TelemetrySettings(queue=5, interval_s=1.0), environ).spans == QueuePlan(5, 5, 0.25)
    assert not plan(TelemetrySettings(), {"OTEL_PROPAGATORS": "none"}).propagates


@pytest.mark.parametrize(
    ("settings", "environ", "found"),
    [
        ({}, {}, (10.0, "none")),
        ({}, {"OTEL_EXPORTER_OTLP_TIMEOUT": "2500", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}, (2.5, "gzip")),
        (
            {},
            {
                "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
                "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "3000",
                "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip",
            },
            (3.0, "gzip"),
        ),
        ({}, {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon", "OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"}, (10.0, "none")),
        (
            {"timeout_s": 4.0, "compression": "none"},
            {"OTEL_EXPORTER_OTLP_TIMEOUT": "1000", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
            (4.0, "none"),
        ),
    ],
)
def test_time_out_and_compression(
    settings: dict[str, object], environ: dict[str, str], found: tuple[float, str]
) -> None:
    """Variables are milliseconds, as specified; what is not understood is ignored over gRPC, too."""
    with capture_logs():
        one = effective(TelemetrySettings.model_validate(settings), "traces", environ)
    assert (one.timeout_s, one.compression) == found
