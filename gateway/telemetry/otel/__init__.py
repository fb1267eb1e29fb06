"""
OpenTelemetry: what ``gateway.telemetry.spans`` records, the metrics and the log, sent to a collector over OTLP.

    settings.py      the block ``telemetry`` of the configuration
    environment.py   what it leaves open, from the variables ``OTEL_…``
    batches.py       a bounded queue and the thread that empties it
    encoding.py      spans and log lines in the SDK's form, masked
    metric_data.py   metrics in the SDK's form
    exporters.py     the exporters, which only this module imports: the extra ``[otel]``
    http_session.py  their connections over HTTP, whose answers are bounded
    exporting.py     all of it, started and stopped

The libraries are imported when a process begins to serve with telemetry, never before, and never without it.
"""
