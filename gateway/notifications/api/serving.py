"""
The service on its own: a listener that only a gateway can use.

``caller-objectid`` must come from a trusted gateway. So this refuses to start unless the hop is configured: a shared
secret, or client certificates that the listener itself demands.
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn

from gateway.errors import GatewayError
from gateway.notifications.api.app import create_app
from gateway.notifications.settings import NotificationSettings


@dataclass(frozen=True, slots=True)
class ServiceListener:
    """Where to listen, and by which TLS files (PEM)."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None


def serve(settings: NotificationSettings, listener: ServiceListener, json_logs: bool = True) -> None:
    """
    Run until stopped.

    Raises:
        GatewayError: When nothing proves that callers come from the gateway.
    """
    require_hop(settings, listener)
    log_lines(json_logs)
    uvicorn.run(
        create_app(settings),
        host=listener.host,
        port=listener.port,
        ssl_certfile=listener.certificate,
        ssl_keyfile=listener.key,
        ssl_ca_certs=None if listener.client_ca is None else str(listener.client_ca),
        ssl_cert_reqs=ssl.CERT_REQUIRED if settings.hop.mtls else ssl.CERT_NONE,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
    )


def require_hop(settings: NotificationSettings, listener: ServiceListener) -> None:
    """Refuse a listener on which any client could pose as any caller."""
    hop = settings.hop
    if hop.mtls and not (listener.certificate and listener.key and listener.client_ca):
        raise GatewayError("hop.mtls needs --certificate, --key and --client-ca")
    if not hop.mtls and hop.shared_secret is None:
        raise GatewayError(
            "set notifications.hop.shared-secret or notifications.hop.mtls: otherwise any client could name itself"
        )


def log_lines(as_json: bool) -> None:
    """One event per line; tracebacks without the values of variables, which may be secrets."""
    form = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(
        exception_formatter=structlog.dev.plain_traceback
    )  # fmt: skip
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            *([structlog.processors.format_exc_info] if as_json else []),
            form,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
