"""Settings of OpenTelemetry."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from gateway.reading.settings import Block
from gateway.reading.values import Count, Duration, File, Secret, Url

Protocol: TypeAlias = Literal["http/protobuf", "grpc"]


class TelemetrySettings(Block):
    """OpenTelemetry: traces, metrics and logs over OTLP; needs the extra `[otel]`. What is not written here comes \
from the variables `OTEL_…`, then from OpenTelemetry's defaults."""

    endpoint: Url | None = None
    """The collector's address, without `/v1/traces` and the like. None: `OTEL_EXPORTER_OTLP_ENDPOINT`, else \
localhost:4318 over HTTP and localhost:4317 over gRPC."""
    protocol: Protocol | None = None
    """`http/protobuf` or `grpc`. None: `OTEL_EXPORTER_OTLP_PROTOCOL`, else `http/protobuf`."""
    headers: dict[str, Secret] = {}
    """Header fields of each export, such as a key of the receiver's. None: `OTEL_EXPORTER_OTLP_HEADERS`."""
    ca_file: File | None = None
    """Certificate authorities (PEM) that the collector's certificate is checked against. None: \
`OTEL_EXPORTER_OTLP_CERTIFICATE`, else the system's."""
    compression: Literal["none", "gzip"] | None = None
    """Of what is exported. None: `OTEL_EXPORTER_OTLP_COMPRESSION`, else `none`."""
    timeout_s: Duration | None = None
    """One export, repetitions included. None: `OTEL_EXPORTER_OTLP_TIMEOUT`, else ten seconds."""
    traces: bool | None = None
    """Whether traces are exported. None: unless `OTEL_TRACES_EXPORTER` is `none`."""
    metrics: bool | None = None
    """Whether metrics are exported. None: unless `OTEL_METRICS_EXPORTER` is `none`."""
    logs: bool | None = None
    """Whether log lines are exported too. None: if `OTEL_LOGS_EXPORTER` is `otlp`."""
    sampling: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the traces that begin here and are recorded, from 0 to 1; one that began elsewhere is recorded if it \
is recorded there. None: `OTEL_TRACES_SAMPLER`, else 1."""
    incoming: Literal["continue", "link", "ignore"] = "continue"
    """What a client's `traceparent` does: its trace is continued, or a new trace has a link to it, or nothing. With \
`continue` a client decides whether its requests are recorded."""
    policy_steps: Literal["none", "events", "spans"] = "none"
    """What becomes of each policy that runs in a recorded request: an event of its span, a span of its own, or \
nothing."""
    client_address: bool = False
    """Whether spans name the client's address."""
    service_name: str | None = None
    """`service.name`. None: `OTEL_SERVICE_NAME`, else `deployment.service-name`."""
    resource: dict[str, str] = {}
    """Further attributes of the resource, such as `deployment.environment.name`; they come before those in \
`OTEL_RESOURCE_ATTRIBUTES`."""
    queue: Count | None = None
    """Spans, and log lines, that wait for their export; what does not fit is dropped and counted. None: \
`OTEL_BSP_MAX_QUEUE_SIZE` and `OTEL_BLRP_MAX_QUEUE_SIZE`, else 2048."""
    interval_s: Duration | None = None
    """Between two exports of metrics. None: `OTEL_METRIC_EXPORT_INTERVAL`, else a minute."""
