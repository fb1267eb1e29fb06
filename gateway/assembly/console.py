"""The console joined to the gateway: what it shows of this process, and of what the configuration says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute

from gateway import __version__
from gateway.assembly.apis import Assembly
from gateway.assembly.backend_states import backend_states
from gateway.assembly.catalog import AssembledCatalog
from gateway.assembly.issuers import issuer_states
from gateway.assembly.traces import secrets_of
from gateway.config import Config
from gateway.management.console.history import History
from gateway.management.console.process import Process, ReadJobs
from gateway.management.console.routes import Console, console_routes
from gateway.management.console.workers import reports
from gateway.management.health import Readiness
from gateway.management.traces import Traces
from gateway.pipeline.masking import Masking
from gateway.telemetry.metrics import GatewayMetrics

if TYPE_CHECKING:
    from gateway.assembly.app import Outside


@dataclass(frozen=True, slots=True)
class ProcessConsole:
    """
    The console of one process.

    Attributes:
        console: What stays as it is while the gateway runs.
        process: What changes: read from the parts of this process.
    """

    console: Console
    process: Process

    def routes(self) -> list[BaseRoute]:
        """The pages about this process, and what it tells a management process."""
        return console_routes(self.console, self.process, reports(self.process))


def process_console(
    assembly: Assembly, readiness: Readiness, metrics: GatewayMetrics, outside: Outside, traces: Traces | None
) -> ProcessConsole | None:
    """None where the configuration switches it off."""
    config = assembly.config
    if not config.console:
        return None
    masking = Masking(secrets_of(config))
    process = Process(
        readiness,
        metrics,
        History(metrics),
        issuers=partial(issuer_states, outside.issuers, masking),
        backends=partial(backend_states, outside.targets),
        read_jobs=_read_jobs(outside),
        book=traces,
    )
    return ProcessConsole(_console(config, assembly), process)


def _console(config: Config, assembly: Assembly) -> Console:
    return Console.of(
        config.management.host,
        AssembledCatalog(config, assembly.apis, assembly.notes),
        config.deployment.service_name,
        __version__,
        jobs=config.notifications is not None,
        traces=config.tracing.enabled,
    )


def _read_jobs(outside: Outside) -> ReadJobs | None:
    if "notifications" not in outside.apps:
        return None
    # Behind it is SQLAlchemy, which a gateway without the service does without.
    from gateway.management.console.jobs import read_jobs

    return partial(read_jobs, outside.apps["notifications"].state.engine.store)
