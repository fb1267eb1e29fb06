"""
A collector for tests, made from the protocol's own messages: it takes what parses, and refuses the rest.

Source: OTLP specification 1.x, "OTLP/HTTP" and "OTLP/gRPC".
"""

from __future__ import annotations

import gzip
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_MESSAGES: dict[str, tuple[Any, Any]] = {
    "traces": (ExportTraceServiceRequest, ExportTraceServiceResponse),
    "metrics": (ExportMetricsServiceRequest, ExportMetricsServiceResponse),
    "logs": (ExportLogsServiceRequest, ExportLogsServiceResponse),
}
_METHODS = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": "traces",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "metrics",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": "logs",
}


class Refused(Exception):
    """What was sent is not OTLP."""


def attributes(pairs: Any) -> dict[str, Any]:
    """Attributes as a dictionary. Raises Refused: two of one name."""
    values = {pair.key: _value(pair.value) for pair in pairs}
    if len(values) != len(pairs):
        raise Refused("two attributes of one name")
    return values


def _value(value: AnyValue) -> Any:
    which = value.WhichOneof("value")
    if which is None:
        raise Refused("an attribute without a value")
    return getattr(value, which)


@dataclass
class Received:
    """What has come so far; ``fields`` are header fields, or gRPC's metadata, of each export."""

    spans: list[Span] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    lines: list[Any] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    fields: list[dict[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def take(self, signal: str, data: bytes, fields: dict[str, str]) -> bytes:
        """The answer to one export. Raises Refused."""
        request_class, response_class = _MESSAGES[signal]
        try:
            message = request_class.FromString(data)
            message.DiscardUnknownFields()
            if message.ByteSize() != len(data):
                raise Refused("fields that the protocol does not know")
            getattr(self, f"_take_{signal}")(message)
        except (DecodeError, Refused) as error:
            self.refused.append(f"{signal}: {error}")
            raise Refused(str(error)) from None
        self.fields.append(fields)
        answer: bytes = response_class().SerializeToString()
        return answer

    def _take_traces(self, message: ExportTraceServiceRequest) -> None:
        for of_resource in message.resource_spans:
            self.resources.append(attributes(of_resource.resource.attributes))
            for of_scope in of_resource.scope_spans:
                for span in of_scope.spans:
                    _check_span(span)
                    self.spans.append(span)

    def _take_metrics(self, message: ExportMetricsServiceRequest) -> None:
        for of_resource in message.resource_metrics:
            self.resources.append(attributes(of_resource.resource.attributes))
            for of_scope in of_resource.scope_metrics:
                for metric in of_scope.metrics:
                    _check_metric(metric)
                    self.metrics[metric.name] = metric

    def _take_logs(self, message: ExportLogsServiceRequest) -> None:
        for of_resource in message.resource_logs:
            for of_scope in of_resource.scope_logs:
                for line in of_scope.log_records:
                    attributes(line.attributes)
                    self.lines.append(line)

    def named(self, name: str) -> Span:
        """The only span of that name."""
        (span,) = [span for span in self.spans if span.name == name]
        return span

    def wait(self, met: Callable[[Received], bool], seconds: float = 20.0) -> None:
        """Until *met*; fails after *seconds*."""
        until = time.monotonic() + seconds
        while not met(self):
            assert time.monotonic() < until, (self.refused, [span.name for span in self.spans])
            time.sleep(0.01)

    def text(self) -> str:
        """Everything, to look for what must not be in it."""
        return f"{self.spans}{self.metrics}{self.lines}{self.resources}"


def _check_span(span: Span) -> None:
    sound = len(span.trace_id) == 16 and len(span.span_id) == 8 and any(span.trace_id) and any(span.span_id)
    if not sound or (span.parent_span_id and len(span.parent_span_id) != 8):
        raise Refused("a malformed id")
    if not 0 < span.start_time_unix_nano <= span.end_time_unix_nano or not span.kind or not span.name:
        raise Refused("a span without time, kind or name")
    attributes(span.attributes)
    for event in span.events:
        attributes(event.attributes)


def _check_metric(metric: Any) -> None:
    which = metric.WhichOneof("data")
    if which is None:
        raise Refused("a metric without data")
    for point in getattr(metric, which).data_points:
        attributes(point.attributes)
        if which == "histogram" and (
            sum(point.bucket_counts) != point.count or len(point.bucket_counts) != len(point.explicit_bounds) + 1
        ):
            raise Refused(f"{metric.name}: the buckets do not add up")


def span_facts(span: Span) -> dict[str, Any]:
    """A span's attributes."""
    return attributes(span.attributes)


class _Handler(BaseHTTPRequestHandler):
    received: Received
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        signal = self.path.removeprefix("/v1/")
        fields = {name.lower(): value for name, value in self.headers.items()}
        if signal not in _MESSAGES or fields.get("content-type") != "application/x-protobuf":
            self.received.refused.append(f"{self.path} {fields.get('content-type')}")
            self._answer(404, b"")
            return
        try:
            self._answer(200, self.received.take(signal, body, fields))
        except Refused:
            self._answer(400, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: a client that is refused leaves."""

    block_on_close = False


@dataclass(frozen=True)
class MutualTls:
    """Files of a collector that asks for certificates."""

    certificate: Path
    key: Path
    authorities: Path

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.authorities))
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(self.certificate, self.key)
        return context

    @property
    def credentials(self) -> grpc.ServerCredentials:
        pair = self.key.read_bytes(), self.certificate.read_bytes()
        return grpc.ssl_server_credentials([pair], self.authorities.read_bytes(), require_client_auth=True)


@contextmanager
def over_http(tls: MutualTls | None = None) -> Iterator[tuple[str, Received]]:
    """A collector that listens for OTLP over HTTP: its address, and what it gets."""
    received = Received()
    handler = type("Handler", (_Handler,), {"received": received})
    with _Server(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            server.socket = tls.context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}", received
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def over_grpc(tls: MutualTls | None = None) -> Iterator[tuple[str, Received]]:
    """The same over gRPC."""
    received = Received()

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, call: Any) -> Any:
            signal = _METHODS.get(call.method)
            if signal is None:
                return None
            fields = {pair.key: pair.value for pair in call.invocation_metadata}

            def export(data: bytes, context: Any) -> bytes:
                try:
                    return received.take(signal, data, fields)
                except Refused as error:
                    context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
                    raise

            return grpc.unary_unary_rpc_method_handler(export)

    server = grpc.server(ThreadPoolExecutor(2), handlers=[Handler()])
    where = "127.0.0.1:0"
    port = server.add_secure_port(where, tls.credentials) if tls else server.add_insecure_port(where)
    server.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}", received
    finally:
        server.stop(None).wait()


RECEIVERS = {"http/protobuf": over_http, "grpc": over_grpc}


def pair(key: str, value: str) -> KeyValue:
    """An attribute."""
    return KeyValue(key=key, value=AnyValue(string_value=value))
