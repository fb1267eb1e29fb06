"""The data of one process: read from its own parts, and handed on as JSON where a management process asks."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.management.backends import BackendState
from gateway.management.console import traces_page
from gateway.management.console.history import History
from gateway.management.console.state import (
    IssuerState,
    JobsState,
    OperationCount,
    ProcessState,
    RefusalCount,
    TraceLine,
)
from gateway.management.health import Readiness
from gateway.management.traces import Traces
from gateway.telemetry.metrics import GatewayMetrics

ReadJobs = Callable[[], Awaitable[JobsState]]


@dataclass(slots=True)
class Process:
    """
    ``Sources`` of a process that has no others beside it.

    Attributes:
        history: Keeps itself while ``History.run`` runs.
        read_jobs: None where there is no notification service in this process.
        book: None where tracing is off.
    """

    readiness: Readiness
    metrics: GatewayMetrics
    history: History
    issuers: Callable[[], tuple[IssuerState, ...]]
    backends: Callable[[], tuple[BackendState, ...]]
    read_jobs: ReadJobs | None = None
    book: Traces | None = None
    started: float = field(default_factory=time.time)

    async def states(self) -> Mapping[str, ProcessState]:
        """This process alone."""
        return {"gateway": await self.state()}

    async def state(self) -> ProcessState:
        """This process, now."""
        ready, report = await self.readiness.report()
        busy = self.metrics.busy
        return ProcessState(
            process=os.getpid(),
            started=self.started,
            ready=ready,
            draining=self.readiness.draining,
            unready=_unready(report),
            operations=tuple(
                OperationCount(operation.api, operation.operation, dict(operation.statuses)) for operation in busy
            ),
            refusals=tuple(RefusalCount(*key, count) for key, count in list(self.metrics.refusals.items())),
            samples=self.history.samples,
            issuers=self.issuers(),
            backends=self.backends(),
        )

    async def jobs(self) -> JobsState:
        """The notification service's jobs."""
        return JobsState(error="no notification service here") if self.read_jobs is None else await self.read_jobs()

    async def traces(self) -> Sequence[TraceLine]:
        """The traces that are kept."""
        if self.book is None:
            return ()
        kept = (self.book.find(trace_id) for trace_id in self.book.ids())
        return tuple(traces_page.line(trace.as_json()) for trace in kept if trace is not None)

    async def trace(self, trace_id: str) -> Mapping[str, Any] | None:
        """One of them."""
        trace = None if self.book is None else self.book.find(trace_id)
        return None if trace is None else trace.as_json()


def _unready(report: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Part and reason of what is not ready in a readiness report."""
    groups = (group for group in report.values() if isinstance(group, Mapping))
    return tuple((name, part["detail"]) for group in groups for name, part in group.items() if not part["ready"])
