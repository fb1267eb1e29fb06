"""Processes: the gateway's own, its workers, signals and sockets."""

from gateway.outside.lean_imports import in_parts, without

with without("rich"):  # to paint tracebacks: 0.2 s and 6 MiB for what is never used
    import structlog  # noqa: F401

in_parts("prometheus_client")  # else an HTTP server and client
in_parts("uvicorn", Config="uvicorn.config")  # else a command line and a reloader
