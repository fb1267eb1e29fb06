"""The management plane of a notification service on its own: health, readiness, metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog
from pydantic import TypeAdapter, ValidationError

from gateway.errors import GatewayError
from gateway.management.app import create_app
from gateway.management.guard import Visitors
from gateway.management.health import Readiness
from gateway.management.notifications import engine_statuses
from gateway.management.server import serve_management
from gateway.notifications.engine import Engine
from gateway.reading.values import Address, Listen
from gateway.wire.server.serve import bind

log = structlog.get_logger("gateway.notifications")


@asynccontextmanager
async def managed(engine: Engine, address: Address, names: Collection[str] = ()) -> AsyncIterator[None]:
    """
    Serve ``/healthz``, ``/readyz`` and ``/metrics`` of *engine* while the context lasts.

    Args:
        names: Names by which scrapers call it; addresses always work.

    Raises:
        GatewayError: The address cannot be used.
    """
    readiness = Readiness({"notifications": partial(engine_statuses, engine)})
    plane = create_app(readiness, engine.metrics.registry, access=Visitors(address.host, names))
    try:
        listening = bind(*address)
    except OSError as error:
        raise GatewayError(f"cannot listen on {error.filename}: {error.strerror}") from None
    async with serve_management(plane, listening):
        log.info("management_listening", port=listening.getsockname()[1])
        yield


def parse_address(text: str) -> Address:
    """
    ``host:port``.

    Raises:
        GatewayError: It is something else.
    """
    with suppress(ValidationError):
        if isinstance(address := TypeAdapter(Listen).validate_python(text), Address):
            return address
    raise GatewayError(f"--management {text!r} is not an address (write 127.0.0.1:8091)")
