"""``gateway serve``: from the configuration to running processes."""

from __future__ import annotations

import os
import signal

import structlog
import uvloop

from gateway.assembly.app import Gateway, build
from gateway.assembly.shared_state import require_shareable
from gateway.assembly.traces import secrets_of
from gateway.config import Config
from gateway.documents.lint import PLACEHOLDER_TENANT
from gateway.errors import GatewayError
from gateway.reading.values import Address, Place
from gateway.serving.activation import taken_from
from gateway.serving.exit_codes import AddressUnusable, ExitCode, code_of
from gateway.serving.generations import supervise
from gateway.serving.machine import Machine
from gateway.serving.resources import raise_descriptor_limit, shortages
from gateway.serving.running import PassedSockets, Reloads, Sockets, run_process
from gateway.serving.service_manager import ServiceManager
from gateway.serving.signals import ignore
from gateway.serving.source import ConfigurationSource
from gateway.serving.worker_count import Workers, worker_count
from gateway.telemetry import logs

log = structlog.get_logger("gateway")


def serve(
    source: ConfigurationSource, *, workers: Workers | None = None, port: int | None = None, watch: bool | None = None
) -> ExitCode:
    """
    Run until a signal stops it. *workers*, *port* and *watch* replace the configuration's.

    Raises:
        LoadError: Before anything listens, with every problem found.
        GatewayError: An address cannot be used, or no worker can start. Each error has its exit code.
    """
    signal.signal(signal.SIGHUP, ignore)
    try:
        return _serve(source, workers, port, watch)
    except GatewayError as error:
        error.exit_code = error.exit_code if error.exit_code in set(ExitCode) else code_of(error)
        raise


def _serve(source: ConfigurationSource, workers: Workers | None, port: int | None, watch: bool | None) -> ExitCode:
    manager, passed = ServiceManager.taken_from(os.environ), taken_from(os.environ)
    config = source.load()
    logs.configure(config.logging.level, config.logging.format)
    logs.hide(secrets_of(config))
    gateway = build(config)
    _log_notes(gateway)
    count = _count(config, config.workers if workers is None else workers)
    require_shareable(config, count)
    sockets = _sockets(config, _place(config, port), passed)
    watched = config.reload.watch if watch is None else watch
    try:
        if count > 1:
            return supervise(gateway, sockets, count, source, watched, manager)
        uvloop.run(run_process(gateway, sockets, reloads=Reloads(source, watched), manager=manager))
    finally:
        sockets.remove_files()
    return ExitCode.STOPPED


def _place(config: Config, port: int | None) -> Place:
    """Where the data plane listens; *port* replaces the configured one. Raises GatewayError: there is none."""
    if port is None:
        return config.listen
    if not isinstance(config.listen, Address):
        error = GatewayError(f"--port {port} has no effect on listen: {config.listen} (leave it out)")
        error.exit_code = ExitCode.CONFIGURATION
        raise error
    return Address(config.listen.host, port)


def _log_notes(gateway: Gateway) -> None:
    for note in gateway.notes:
        if note.code == PLACEHOLDER_TENANT:  # the others are for reviews; with this one no token is ever accepted
            log.warning("placeholder_tenant", at=str(note.location), detail=note.message, remedy=note.remedy)


def _count(config: Config, wanted: Workers) -> int:
    """How many workers there are; says why, and what the machine lacks for them."""
    machine = Machine()
    chosen = worker_count(config, wanted, machine)
    if chosen.reason:
        log.info("workers", count=chosen.count, because=chosen.reason)
    for shortage in shortages(config, chosen.count, raise_descriptor_limit(), machine):
        shortage.write_log()
    return chosen.count


def _sockets(config: Config, address: Place, passed: PassedSockets) -> Sockets:
    try:
        return Sockets.bound(config, address, passed)
    except OSError as error:
        raise AddressUnusable(f"cannot listen on {error.filename}: {error.strerror}") from None
