"""``gateway serve``: from the configuration to running processes."""

from __future__ import annotations

import signal

import structlog
import uvloop

from gateway.assembly.app import build
from gateway.assembly.shared_state import require_shareable
from gateway.assembly.traces import secrets_of
from gateway.documents.lint import PLACEHOLDER_TENANT
from gateway.errors import GatewayError
from gateway.reading.values import Address
from gateway.serving.generations import supervise
from gateway.serving.running import Reloads, Sockets, run_process
from gateway.serving.signals import ignore
from gateway.serving.source import ConfigurationSource
from gateway.telemetry import logs

log = structlog.get_logger("gateway")


def serve(
    source: ConfigurationSource, *, workers: int | None = None, port: int | None = None, watch: bool | None = None
) -> None:
    """
    Run until a signal stops it. *workers*, *port* and *watch* replace the configuration's.

    Raises:
        LoadError: Before anything listens, with every problem found.
        GatewayError: An address cannot be used.
    """
    signal.signal(signal.SIGHUP, ignore)
    config = source.load()
    logs.configure(config.logging.level, config.logging.format)
    logs.hide(secrets_of(config))
    gateway = build(config)
    for note in gateway.notes:
        if note.code == PLACEHOLDER_TENANT:  # the others are for reviews; with this one no token is ever accepted
            log.warning("placeholder_tenant", at=str(note.location), detail=note.message, remedy=note.remedy)
    address = config.listen if port is None else Address(config.listen.host, port)
    count = config.workers if workers is None else workers
    require_shareable(config, count)
    try:
        sockets = Sockets.bound(config, address)
    except OSError as error:
        raise GatewayError(f"cannot listen on {error.filename}: {error.strerror}") from None
    watched = config.reload.watch if watch is None else watch
    if count == 1:
        uvloop.run(run_process(gateway, sockets, reloads=Reloads(source, watched)))
    else:
        supervise(gateway, sockets, count, source, watched)
