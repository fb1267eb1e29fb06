"""Exporters: made from the settings, the rest from the environment; what is missing is told when the gateway loads."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from pydantic import SecretStr

from gateway.assembly.app import build
from gateway.config import parse
from gateway.errors import LoadError
from gateway.telemetry.otel import exporters
from gateway.telemetry.otel.encoding import readable_spans
from gateway.telemetry.otel.settings import Protocol, TelemetrySettings
from gateway.telemetry.spans import Span
from gateway.telemetry.trace_context import TraceContext
from tests.revocation.pki import Authority
from tests.telemetry.otel.receiver import RECEIVERS, MutualTls

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


@pytest.fixture(scope="module")
def mutual(tmp_path_factory: pytest.TempPathFactory) -> tuple[MutualTls, Path, Path]:
    """A collector's files; the certificate and the key of a client that it knows."""
    folder, authority = tmp_path_factory.mktemp("tls"), Authority()
    for name in ("localhost", "client"):
        identity = authority.issue(name)
        (folder / f"{name}.pem").write_bytes(identity.pem)
        (folder / f"{name}.key").write_bytes(identity.key_pem)
    (folder / "ca.pem").write_bytes(authority.own.pem)
    server = MutualTls(folder / "localhost.pem", folder / "localhost.key", folder / "ca.pem")
    return server, folder / "client.pem", folder / "client.key"


@pytest.mark.parametrize("presented", [True, False])
@pytest.mark.parametrize("by_setting", [True, False])
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_collector_that_asks_for_a_certificate(
    protocol: Protocol,
    by_setting: bool,
    presented: bool,
    mutual: tuple[MutualTls, Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It gets the one of the variables, whether its authorities come from there or from `ca-file`."""
    tls, certificate, key = mutual
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))  # replaces the system's authorities, not those given
    if presented:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", str(certificate))
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", str(key))
    if not by_setting:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(tls.authorities))
    exporters.silence()
    with RECEIVERS[protocol](tls) as (address, received):
        endpoint, ca_file = address.replace("127.0.0.1", "localhost"), tls.authorities if by_setting else None
        exporter = exporters.span_exporter(
            protocol, TelemetrySettings(endpoint=endpoint, ca_file=ca_file, timeout_s=5.0 if presented else 0.1)
        )
        span = Span("x", "internal", TraceContext("5", "6", sampled=True), None, lambda _: None)
        span.end()
        assert exporters.spans_taken(exporter, readable_spans([span], Resource({}))) is presented
        exporter.shutdown()
    assert len(received.spans) == presented


@pytest.mark.parametrize("name", ["CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"])
def test_a_file_of_the_environment_that_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over gRPC nothing else is trusted or presented instead."""
    monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", "/missing.pem")
    with pytest.raises(OSError, match=r"missing\.pem"):
        exporters.span_exporter("grpc", TelemetrySettings(endpoint="https://a.test:1"))


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
