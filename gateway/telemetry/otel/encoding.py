"""
Spans and log lines in the SDK's form. Here, in the thread that exports, every text is masked and cut.

Source: OpenTelemetry specification, "Trace SDK", "Logs Data Model"; attributes are limited as in "Attribute Limits".
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from opentelemetry.trace.status import Status, StatusCode

from gateway import __version__
from gateway.telemetry.http_metrics import AttributeValue
from gateway.telemetry.logs import clean
from gateway.telemetry.spans import Span
from gateway.telemetry.trace_context import TraceContext

SCOPE: Final = InstrumentationScope("gateway", __version__)
MAX_ATTRIBUTES: Final = 128
_BEYOND: Final = 1 << 63  # the first whole number that OTLP has no form for
_KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}
_UNSET, _ERROR = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
_SEVERITIES = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}
# Of a line's own fields: what the record has in fields of its own, or no use for.
_NOT_ATTRIBUTES = frozenset(["event", "level", "timestamp", "trace_id", "span_id", "_record", "_from_structlog"])


def readable_spans(spans: Sequence[Span], resource: Resource) -> list[ReadableSpan]:
    """*spans*, ready for an exporter."""
    return [_span(span, resource) for span in spans]


def _span(span: Span, resource: Resource) -> ReadableSpan:
    attributes = masked(span.attributes)
    if span.error:
        attributes["error.type"] = str(clean(span.error))
    if span.dropped_events:
        attributes["gateway.dropped_events"] = span.dropped_events
    return ReadableSpan(
        str(clean(span.name)),
        context=_context(span.context),
        parent=None if span.parent is None else _context(span.parent, is_remote=span.kind == "server"),
        resource=resource,
        attributes=attributes,
        events=[Event(event.name, masked(event.attributes), event.at_ns) for event in span.events],
        links=[Link(_context(link, is_remote=True)) for link in span.links],
        kind=_KINDS[span.kind],
        status=_ERROR if span.failed else _UNSET,
        start_time=span.start_ns,
        end_time=span.end_ns,
        instrumentation_scope=SCOPE,
    )


def _context(context: TraceContext, is_remote: bool = False) -> SpanContext:
    state = TraceState.from_header([context.state]) if context.state else None
    trace_id, span_id = int(context.trace_id, 16), int(context.span_id, 16)
    return SpanContext(trace_id, span_id, is_remote, TraceFlags(int(context.sampled)), state)


def masked(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    """*attributes* without secrets, each text and their number limited."""
    kept = list(attributes.items())[:MAX_ATTRIBUTES]
    return {name: value if _is_number(value) else str(clean(str(value))) for name, value in kept}


def _is_number(value: AttributeValue) -> bool:
    """Whether OTLP has a number for *value*: one span that cannot be encoded would take its whole batch with it."""
    return isinstance(value, bool | float) or (isinstance(value, int) and -_BEYOND <= value < _BEYOND)


def readable_lines(lines: Sequence[Mapping[str, Any]], resource: Resource) -> list[ReadableLogRecord]:
    """Log lines, as ``logs`` hands them out, ready for an exporter."""
    return [ReadableLogRecord(_record(line), resource, SCOPE) for line in lines]


def _record(line: Mapping[str, Any]) -> LogRecord:
    level, observed_ns = str(line.get("level", "info")), int(line.get("observed_ns", 0)) or time.time_ns()
    attributes = {name: _plain(value) for name, value in line.items() if name not in _NOT_ATTRIBUTES}
    attributes.pop("observed_ns", None)
    return LogRecord(
        timestamp=observed_ns,
        observed_timestamp=observed_ns,
        context=set_span_in_context(NonRecordingSpan(_ids(line))),
        severity_text=level.upper(),
        severity_number=_SEVERITIES.get(level, SeverityNumber.INFO),
        body=str(clean(str(line.get("event", "")))),
        attributes=masked(attributes),
    )


def _plain(value: object) -> AttributeValue:
    if isinstance(value, bool | int | float | str):
        return value
    return "" if value is None else str(clean(value))


def _ids(line: Mapping[str, Any]) -> SpanContext:
    """The span that the line names, if any: a line can come from a library."""
    try:
        trace_id, span_id = (int(str(line.get(name) or "0"), 16) for name in ("trace_id", "span_id"))
    except ValueError:
        trace_id = span_id = 0
    return SpanContext(trace_id, span_id, False, TraceFlags(0))
