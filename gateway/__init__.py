"""An API gateway that runs Azure API Management policies anywhere."""

from gateway.lean_imports import without

__version__ = "0.1.0"

with without("rich", "greenlet"):  # to paint tracebacks and for greenlets: 0.2 s and 6 MiB for what is never used
    import structlog  # noqa: F401
