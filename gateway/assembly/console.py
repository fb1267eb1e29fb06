"""The console joined to the gateway: what it shows of this process, and of the configuration."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.routing import BaseRoute

from gateway import __version__
from gateway.assembly.apis import Assembly
from gateway.assembly.inspecting import inspecting
from gateway.assembly.issuers import issuer_states, withdraw_key
from gateway.assembly.outside import Outside
from gateway.assembly.traces import keeps_traces, secrets_of
from gateway.assembly.trying import trying
from gateway.config import Config
from gateway.config.apis import Api, named
from gateway.data_plane.routing import RoutedApi
from gateway.management.backends import BackendState, backend_states
from gateway.management.console.abilities import withdrawing
from gateway.management.console.catalog import ApiLine, Catalog, CatalogEntry, operation_lines
from gateway.management.console.concerns import FirstSeen
from gateway.management.console.document_source import DocumentSources
from gateway.management.console.history import History
from gateway.management.console.process import Ability, Process, ReadConcerns, ReadJobs
from gateway.management.console.routes import Console, console_routes
from gateway.management.console.workers import performing, reports
from gateway.management.guard import Visitors
from gateway.management.health import Readiness
from gateway.management.logins import Logins
from gateway.management.traces import Traces
from gateway.pipeline.masking import Masking
from gateway.reading.values import Address, revealed
from gateway.telemetry.emitted_metrics import EmittedMetrics
from gateway.telemetry.metrics import GatewayMetrics
from gateway.telemetry.requests.ring import RequestLog


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
        """The pages about this process, and what it reports to a management process."""
        return [*console_routes(self.console, self.process, reports(self.process)), performing(self.process)]


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """The parts of a process that the console shows, and who may look."""

    assembly: Assembly
    readiness: Readiness
    metrics: GatewayMetrics
    outside: Outside
    traces: Traces | None
    requests: RequestLog
    access: Visitors
    emitted: EmittedMetrics


def process_console(parts: ConsoleParts, former: ProcessConsole | None = None) -> ProcessConsole | None:
    """None where the configuration switches it off. The history goes on from *former*."""
    config, outside, metrics = parts.assembly.config, parts.outside, parts.metrics
    if not config.console.pages:
        return None

    def backends() -> tuple[BackendState, ...]:
        return backend_states(outside.targets.named())

    process = Process(
        parts.readiness,
        metrics,
        History(metrics) if former is None else former.process.history,
        issuers=partial(issuer_states, outside.issuers, Masking(secrets_of(config))),
        backends=backends,
        emitted=parts.emitted,
        read_jobs=_read_jobs(outside),
        dead_letters=_dead_letters(outside),
        book=parts.traces,
        log=parts.requests,
        abilities=_abilities(parts),
        started=time.time() if former is None else former.process.started,
        first_seen=FirstSeen() if former is None else former.process.first_seen,
    )
    return ProcessConsole(_console(parts.assembly, parts.access), process)


def _abilities(parts: ConsoleParts) -> dict[str, Ability]:
    """What the console can do and find out in this process."""
    return {
        "withdraw-key": withdrawing(partial(withdraw_key, parts.outside.issuers)),
        "inspect": inspecting(parts.assembly),
        "try": trying(parts.assembly),
        **_job_abilities(parts.outside),
    }


def management_access(config: Config, former: Visitors | None = None) -> Visitors:
    """Who may call the management plane; who is logged in at *former* stays so, unless logins have changed."""
    console = config.console
    logins = Logins(revealed(console.token), console.login_header, console.login_proxies)
    if former is not None and former.logins.same(logins):
        logins = former.logins
    place = config.management
    host = place.host if isinstance(place, Address) else "localhost"  # only this machine reaches a socket file
    return Visitors(host, config.management_hosts, logins, console.actions)


def _console(assembly: Assembly, access: Visitors) -> Console:
    config = assembly.config
    return Console.of(
        access,
        catalog(assembly),
        (config.deployment.service_name, __version__),
        jobs=config.notifications is not None,
        traces=keeps_traces(config),
    )


def catalog(assembly: Assembly) -> Catalog:
    """The APIs as the console lists them."""
    pairs = zip(assembly.config.apis, assembly.apis, strict=True)
    return Catalog(_entry(assembly, api, routed) for api, routed in pairs)


def _entry(assembly: Assembly, api: Api, routed: RoutedApi) -> CatalogEntry:
    files = {str(path) for path in _documents(assembly.config, api) if path is not None}
    notes = tuple(note for note in assembly.notes if note.location.file in files)
    backend = api.backend or api.service_url or ""
    line = ApiLine(api.id, named(api), api.path.strip("/"), _version(api), backend, operation_lines(routed))
    masking = Masking(secrets_of(assembly.config))
    sources = DocumentSources(tuple(sorted(files)), time.time(), masking.text)
    return CatalogEntry(line, routed, notes, sources)


def _documents(config: Config, api: Api) -> Iterator[Path | None]:
    """Every document of *api*'s scopes, and all fragments: which ones it includes is not asked."""
    yield from (config.global_policy, api.policy)
    yield from (operation.policy for operation in api.operations)
    yield from (product.policy for product in config.products if api.id in config.product_apis(product))
    yield from config.fragments.values()


def _version(api: Api) -> str:
    version = "" if api.version is None else f"{api.version.value} in {api.version.name or api.version.scheme}"
    revision = "" if api.current else f"revision {api.revision}, not current"
    return ", ".join(filter(None, (version, revision)))


def _read_jobs(outside: Outside) -> ReadJobs | None:
    if "notifications" not in outside.apps:
        return None
    # Behind it is SQLAlchemy, which a gateway without the service does without.
    from gateway.management.console.jobs import jobs_of

    return partial(jobs_of, outside.apps["notifications"].state.engine)


def _dead_letters(outside: Outside) -> ReadConcerns | None:
    if "notifications" not in outside.apps:
        return None
    from gateway.management.console.jobs import dead_letters

    return partial(dead_letters, outside.apps["notifications"].state.engine)


def _job_abilities(outside: Outside) -> dict[str, Ability]:
    if "notifications" not in outside.apps:
        return {}
    from gateway.management.console.jobs import job_abilities

    return job_abilities(outside.apps["notifications"].state.engine)
