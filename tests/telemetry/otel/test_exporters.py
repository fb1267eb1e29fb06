"""Exporters: made from the settings, the rest from the environment; what is missing is told when the gateway loads."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.assembly.app import build
from gateway.config import parse
from gateway.errors import LoadError
from gateway.telemetry.otel import exporters
from gateway.telemetry.otel.settings import Protocol, TelemetrySettings

KEY = {"X-Key": SecretStr("k")}


def test_over_http() -> None:
    """An endpoint gets each signal's path."""
    exporter: Any = exporters.line_exporter("http/protobuf", TelemetrySettings(endpoint="http://a.test:1/"))
    assert exporter._endpoint == "http://a.test:1/v1/logs"
    exporter.shutdown()


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is set the exporters read their variables."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b.test:2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c.test:3/custom")
    spans: Any = exporters.span_exporter("http/protobuf", TelemetrySettings())
    metrics: Any = exporters.metric_exporter("http/protobuf", TelemetrySettings())
    assert (spans._endpoint, metrics._endpoint) == ("http://b.test:2/v1/traces", "http://c.test:3/custom")
    spans.shutdown()
    metrics.shutdown()


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_every_setting_is_taken(protocol: Protocol, tmp_path: Path) -> None:
    """All three signals, with headers, authorities, compression and time-out."""
    (tmp_path / "ca.pem").write_text("")
    settings = TelemetrySettings(
        endpoint="https://a.test:1", headers=KEY, ca_file=tmp_path / "ca.pem", compression="gzip", timeout_s=1.0
    )
    for make in (exporters.span_exporter, exporters.metric_exporter, exporters.line_exporter):
        make(protocol, settings).shutdown()


def test_the_libraries_are_silent() -> None:
    """Failures are counted here; none of the libraries logs them too."""
    exporters.silence()
    assert not logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").isEnabledFor(logging.CRITICAL)


@pytest.mark.parametrize("missing", ["opentelemetry.sdk.resources", "opentelemetry.exporter.otlp.proto.http"])
def test_the_extra_is_missing(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the libraries a configuration that needs them is refused, with the place and the remedy."""
    for name in [name for name in sys.modules if name.startswith("gateway.telemetry.otel.ex")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(LoadError) as refused:
        build(parse("telemetry: {}\n", "config.yaml", tmp_path, {}))
    (problem,) = refused.value.problems
    assert (problem.code, problem.location.line) == ("missing-extra", 1)
    assert "apim-policy-gateway[otel]" in problem.remedy
