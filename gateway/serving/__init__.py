"""Processes: the gateway's own, its workers, signals and sockets."""

from gateway.outside.lean_imports import without

with without("watchfiles"):  # for a reloader of its own, which is never used
    import uvicorn  # noqa: F401
