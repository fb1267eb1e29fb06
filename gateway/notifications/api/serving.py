"""
The service on its own: a listener that only a gateway can use.

``caller-objectid`` must come from a trusted gateway. So this refuses to start unless the hop is configured: a shared
secret, or client certificates that the listener itself demands.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from starlette.applications import Starlette

from gateway.errors import GatewayError
from gateway.notifications.api.app import create_app
from gateway.notifications.api.wire import ProblemProtocol
from gateway.notifications.engine import Engine
from gateway.notifications.settings import NotificationSettings

Beside = Callable[[Engine], AbstractAsyncContextManager[None]]
"""What is served beside the service while it runs: its management plane."""

_FAILED_START = 3


@dataclass(frozen=True, slots=True)
class ServiceListener:
    """Where to listen, and by which TLS files (PEM)."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None


def serve(
    settings: NotificationSettings,
    listener: ServiceListener,
    json_logs: bool = True,
    beside: Beside = lambda _engine: nullcontext(),
) -> None:
    """
    Run until stopped.

    Raises:
        GatewayError: When nothing proves that callers come from the gateway.
    """
    require_hop(settings, listener)
    log_lines(json_logs)
    app = create_app(settings)
    config = _server_config(app, settings, listener)
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(server, beside(app.state.engine)))
    if not server.started:
        sys.exit(_FAILED_START)


async def _serve(server: uvicorn.Server, beside: AbstractAsyncContextManager[None]) -> None:
    async with beside:
        await server.serve()


def _server_config(app: Starlette, settings: NotificationSettings, listener: ServiceListener) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=listener.host,
        port=listener.port,
        http=ProblemProtocol,
        ws="none",
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
