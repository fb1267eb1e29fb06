"""
The service as an ASGI application: in the gateway's process (``app: notifications``) or on its own.

The server that mounts it must run its lifespan: that is when the engine starts and stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa
import structlog
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from gateway.notifications.api.intake import Intake
from gateway.notifications.api.problems import HttpProblem, answer_bug, answer_http, answer_problem, answer_store
from gateway.notifications.api.routes import JobEndpoints
from gateway.notifications.engine import Engine, Parts
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import DEFAULT_ENVIRONMENT, NotificationSettings
from gateway.notifications.store.store import StoreSlow
from gateway.wire.addresses import Resolve, resolve

log = structlog.get_logger("gateway.notifications")


def create_app(
    settings: NotificationSettings,
    registry: CollectorRegistry | None = None,
    parts: Parts | None = None,
    resolver: Resolve = resolve,
) -> Starlette:
    """
    The notification service.

    Args:
        registry: Where its metrics go; a private one when None.
        parts: Clock and clients to use instead of the real ones, for tests.

    The application's ``state.engine`` is the running Engine.
    """
    return build_app(settings, Engine(settings, Metrics(registry), parts), resolver)


def build_app(settings: NotificationSettings, engine: Engine, resolver: Resolve = resolve) -> Starlette:
    """The application on an engine that its lifespan starts and stops."""
    api = JobEndpoints(settings, engine, Intake(settings, engine, resolver))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        warn(settings)
        await asyncio.to_thread(engine.start)
        try:
            yield
        finally:
            await asyncio.to_thread(engine.stop)

    handlers = {
        HttpProblem: answer_problem,
        HTTPException: answer_http,
        StoreSlow: answer_store,
        sa.exc.SQLAlchemyError: answer_store,
        Exception: answer_bug,
    }
    app = Starlette(routes=api.routes(), exception_handlers=handlers, lifespan=lifespan)
    app.router.redirect_slashes = False  # its Location would repeat the request's Host
    app.state.engine = engine
    return app


def warn(settings: NotificationSettings) -> None:
    """Log a warning at every start for each setting that suits development only."""
    callbacks = settings.callbacks
    if callbacks.allow_http:
        log.warning("development_switch", setting="callbacks.allow-http", effect="callbacks may go out unencrypted")
    if callbacks.allow_private_networks:
        log.warning(
            "development_switch", setting="callbacks.allow-private-networks", effect="the SSRF guard is disabled"
        )
    if not callbacks.signing_secrets:
        log.warning("callbacks_unsigned", remedy="set callbacks.signing-secret")
    for name, environment in settings.all_environments.items():
        if environment.instance_url.startswith("http://"):
            where = "d365.instance-url" if name == DEFAULT_ENVIRONMENT else f"environments.{name}.instance-url"
            log.warning("development_switch", setting=where, effect="tokens travel unencrypted (loopback)")
