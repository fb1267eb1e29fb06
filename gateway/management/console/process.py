"""The data of one process: read from its own parts, and handed on as JSON where a management process asks."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import GatewayError
from gateway.management.backends import BackendState
from gateway.management.console import concerns, traces_page
from gateway.management.console.concerns import FirstSeen
from gateway.management.console.history import History
from gateway.management.console.state import (
    Concern,
    IssuerState,
    JobsState,
    OperationCount,
    ProcessState,
    RefusalCount,
    TraceLine,
)
from gateway.management.health import Readiness, Status
from gateway.management.requests import own_records
from gateway.management.traces import Traces
from gateway.telemetry.emitted_metrics import EmittedMetrics
from gateway.telemetry.metrics import GatewayMetrics
from gateway.telemetry.requests.ring import RequestLog

EMITTED_SHOWN = 20
CONFIGURATION = "configuration"  # the group of a readiness report that says how the last reload ended

Ability = Callable[[Mapping[str, str]], Awaitable[Mapping[str, Any]]]
ReadConcerns = Callable[[], Awaitable[tuple[Concern, ...]]]
ReadJobs = Callable[[Mapping[str, str]], Awaitable[JobsState]]


@dataclass(slots=True)
class Process:
    """
    ``Sources`` of a process that has no others beside it.

    Attributes:
        history: Keeps itself while ``History.run`` runs.
        read_jobs: None where there is no notification service in this process.
        dead_letters: What the overview says of jobs whose callback was given up.
        book: None where tracing is off.
        abilities: What ``perform`` can do, by name.
    """

    readiness: Readiness
    metrics: GatewayMetrics
    history: History
    issuers: Callable[[], tuple[IssuerState, ...]]
    backends: Callable[[], tuple[BackendState, ...]]
    emitted: EmittedMetrics = field(default_factory=EmittedMetrics)
    read_jobs: ReadJobs | None = None
    dead_letters: ReadConcerns | None = None
    book: Traces | None = None
    started: float = field(default_factory=time.time)
    log: RequestLog = field(default_factory=RequestLog)
    abilities: dict[str, Ability] = field(default_factory=dict)
    first_seen: FirstSeen = field(default_factory=FirstSeen)

    async def states(self) -> Mapping[str, ProcessState]:
        """This process alone."""
        return {"gateway": await self.state()}

    async def state(self) -> ProcessState:
        """This process, now."""
        ready, report = await self.readiness.report()
        letters = () if self.dead_letters is None else await self.dead_letters()
        busy, issuers, backends = self.metrics.busy, self.issuers(), self.backends()
        return ProcessState(
            process=os.getpid(),
            started=self.started,
            ready=ready,
            draining=self.readiness.draining,
            concerns=(*self._concerns(report, issuers, backends), *letters),
            operations=tuple(
                OperationCount(operation.api, operation.operation, dict(operation.statuses)) for operation in busy
            ),
            refusals=tuple(RefusalCount(*key, count) for key, count in list(self.metrics.refusals.items())),
            samples=self.history.samples,
            issuers=issuers,
            backends=backends,
            running=self.history.running(),
            emitted=tuple(self.emitted.largest(EMITTED_SHOWN)),
        )

    def _concerns(
        self, report: Mapping[str, object], issuers: Sequence[IssuerState], backends: Sequence[BackendState]
    ) -> tuple[Concern, ...]:
        parts = {group: members for group, members in report.items() if group != CONFIGURATION}
        noted = self.first_seen.dated("report", concerns.of_report(parts), time.time())
        return (*noted, *self._dependencies(issuers, backends))

    def _dependencies(self, issuers: Sequence[IssuerState], backends: Sequence[BackendState]) -> tuple[Concern, ...]:
        current = (*concerns.of_issuers(issuers), *concerns.of_backends(backends))
        return self.first_seen.dated("dependencies", current, time.time())

    def note(self) -> None:
        """Note what is wrong also while no one looks; called at the end of each slot."""
        self._dependencies(self.issuers(), self.backends())

    async def perform(self, what: str, given: Mapping[str, str]) -> Mapping[str, Any]:
        """One of the abilities. Raises GatewayError."""
        if what == "abilities":
            return {"names": sorted(self.abilities)}
        ability = self.abilities.get(what)
        if ability is None:
            raise GatewayError(f"{what} is not possible here")
        return await ability(given)

    async def configuration(self) -> Mapping[str, Status]:
        """How the last reload ended."""
        check = self.readiness.checks.get(CONFIGURATION)
        statuses = {} if check is None else check()
        return await statuses if isinstance(statuses, Awaitable) else statuses

    async def jobs(self, query: Mapping[str, str]) -> JobsState:
        """The notification service's jobs."""
        if self.read_jobs is None:
            return JobsState(error="no notification service here")
        return await self.read_jobs(query)

    async def requests(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        """The request log. Raises ValueError."""
        return own_records(self.log, query)

    async def request(self, request_id: str) -> Mapping[str, Any] | None:
        """One request."""
        record = self.log.find(request_id)
        return None if record is None else record.as_json()

    async def traces(self) -> Sequence[TraceLine]:
        """The traces that are kept."""
        return () if self.book is None else tuple(map(traces_page.line, self.book.summaries()))

    async def trace(self, trace_id: str) -> Mapping[str, Any] | None:
        """One of them."""
        trace = None if self.book is None else self.book.find(trace_id)
        return None if trace is None else trace.as_json()
