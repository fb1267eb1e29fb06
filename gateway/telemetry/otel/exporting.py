"""
All of it for one process: what is recorded, the queues, and the threads that export.

Made without starting anything, so that it can be made before processes are forked; a process that serves starts it.
After a reload with other settings a successor takes over: it goes on counting, and spans of requests that began before
still go where they were going, until the last of them has ended.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from opentelemetry.sdk.resources import Resource

from gateway import __version__
from gateway.telemetry import log_observers, spans
from gateway.telemetry.http_metrics import HttpMetrics
from gateway.telemetry.logs import shortened
from gateway.telemetry.otel import exporters
from gateway.telemetry.otel.batches import ExportQueue, Interval, SignalCounts
from gateway.telemetry.otel.encoding import readable_lines, readable_spans
from gateway.telemetry.otel.environment import ExportPlan, Signal, effective, plan
from gateway.telemetry.otel.metric_data import metrics_data
from gateway.telemetry.spans import Span, SpanRecorder

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from gateway.telemetry.otel.settings import Protocol as OtlpProtocol
    from gateway.telemetry.otel.settings import TelemetrySettings

_UNNAMED = "unknown_service"  # what the SDK calls a service without a name
STOP_S: Final = 2.0  # for everything that waits, when the process ends


class _Stopping(Protocol):
    def finish(self) -> None: ...

    def stop(self, timeout_s: float) -> None: ...


@dataclass(slots=True)
class ExportState:
    """
    What outlives a reload.

    Attributes:
        counts: By signal.
        http: OpenTelemetry's own HTTP metrics.
        made_in: The process that made this, which forks others.
        instance: ``service.instance.id`` of that process.
        since_ns: When it began to count.
        running: Those that export: the newest, and those before it whose requests have not ended.
    """

    counts: Mapping[Signal, SignalCounts] = field(
        default_factory=lambda: {
            "traces": SignalCounts("traces"),
            "metrics": SignalCounts("metrics"),
            "logs": SignalCounts("logs"),
        }
    )
    http: HttpMetrics = field(default_factory=HttpMetrics)
    made_in: int = field(default_factory=os.getpid)
    instance: str = field(default_factory=lambda: str(uuid.uuid4()))
    since_ns: int = field(default_factory=time.time_ns)
    running: list[Telemetry] = field(default_factory=list)

    @property
    def instance_id(self) -> str:
        """Of this process: workers that were forked from one that was built have their own."""
        return (
            self.instance
            if os.getpid() == self.made_in
            else str(uuid.uuid5(uuid.UUID(self.instance), str(os.getpid())))
        )


class Telemetry:
    """
    OpenTelemetry as configured.

    Attributes:
        recorder: Makes spans, and counts; for requests.
    """

    def __init__(
        self,
        settings: TelemetrySettings,
        registry: CollectorRegistry,
        service_name: str,
        environ: Mapping[str, str],
        former: Telemetry | None = None,
    ) -> None:
        """
        Nothing is opened or started yet.

        Args:
            service_name: Where neither settings nor environment name the service.

        Raises:
            ImportError: The exporters are not installed.
        """
        self._settings = settings
        self._registry = registry
        self._environ = environ
        self._plan: ExportPlan = plan(settings, environ)
        self._service_name = service_name
        self.state: ExportState = ExportState() if former is None else former.state
        for protocol in set(self._plan.protocols.values()):
            exporters.require(protocol)
        self._spans: ExportQueue[Span] = ExportQueue(self._plan.spans, self.state.counts["traces"])
        self._lines: ExportQueue[Mapping[str, Any]] = ExportQueue(self._plan.lines, self.state.counts["logs"])
        self._running: list[_Stopping] = []
        self._exporters: list[Callable[[], object]] = []
        wanted = self._plan.protocols
        self.recorder = SpanRecorder(
            self._spans.put,
            self._plan.sampling if "traces" in wanted else spans.Sampling(0.0, parent_based=False),
            self.state.http if "metrics" in wanted else None,
            propagates=self._plan.propagates and "traces" in wanted,
        )

    def start(self) -> None:
        """Begin to record and to export, in this process. Raises OSError, ValueError: an exporter cannot be made."""
        exporters.silence()
        try:
            self._begin(self._resource())
        except BaseException:  # of what was begun before that nothing stays: a reload goes on with its former
            self._end(time.monotonic())
            raise
        for former in self.state.running:
            former.hasten()
        self.state.running.append(self)
        spans.use(self.recorder if self._plan.protocols else None)
        log_observers.observe(self._take_line if "logs" in self._plan.protocols else None)

    def _begin(self, resource: Resource) -> None:
        for signal, begin in (
            ("traces", self._start_traces),
            ("metrics", self._start_metrics),
            ("logs", self._start_logs),
        ):
            if signal in self._plan.protocols:
                begin(resource)

    def _way(self, signal: Signal) -> tuple[OtlpProtocol, TelemetrySettings]:
        """How *signal* is exported."""
        return self._plan.protocols[signal], effective(self._settings, signal, self._environ)

    def _start_traces(self, resource: Resource) -> None:
        exporter = exporters.span_exporter(*self._way("traces"))

        def export(batch: Sequence[Span]) -> bool:
            return exporters.spans_taken(exporter, readable_spans(batch, resource))

        self._spans.start(export)
        self._note(self._spans, exporter.shutdown)

    def _start_metrics(self, resource: Resource) -> None:
        exporter = exporters.metric_exporter(*self._way("metrics"))
        state, interval = self.state, Interval(self._plan.interval_s, self.state.counts["metrics"])

        def export() -> bool:
            return exporters.metrics_taken(exporter, metrics_data(self._registry, state.http, resource, state.since_ns))

        interval.start(export)
        self._note(interval, exporter.shutdown)

    def _start_logs(self, resource: Resource) -> None:
        exporter = exporters.line_exporter(*self._way("logs"))

        def export(batch: Sequence[Mapping[str, Any]]) -> bool:
            return exporters.lines_taken(exporter, readable_lines(batch, resource))

        self._lines.start(export)
        self._note(self._lines, exporter.shutdown)

    def _note(self, running: _Stopping, shut_down: Callable[[], object]) -> None:
        self._running.append(running)
        self._exporters.append(shut_down)

    def _take_line(self, line: Mapping[str, Any]) -> None:
        short = {name: shortened(value) if isinstance(value, str) else value for name, value in line.items()}
        self._lines.put({**short, "observed_ns": time.time_ns()})

    def _resource(self) -> Resource:
        """What all that is exported has in common; ``OTEL_RESOURCE_ATTRIBUTES`` is in it, too."""
        own: dict[str, str | int] = {
            "service.version": __version__,
            "host.name": socket.gethostname(),
            "process.pid": os.getpid(),
        }
        named = {"service.name": name} if (name := self._plan.service_name) else {}
        # What is given here comes before the environment, which comes before what the gateway knows itself.
        given = dict(Resource.create({**self._settings.resource, **named}).attributes)
        if str(given.get("service.name", "")).startswith(_UNNAMED):
            given["service.name"] = self._service_name
        return Resource({**own, **given, "service.instance.id": self._instance(given)})

    def _instance(self, attributes: Mapping[str, Any]) -> str:
        """An id that was given names all workers, so each of them adds its own number."""
        given = attributes.get("service.instance.id")
        if not isinstance(given, str) or not given:
            return self.state.instance_id
        return given if os.getpid() == self.state.made_in else f"{given}/{os.getpid()}"

    def stop(self, timeout_s: float = STOP_S) -> None:
        """Export what waits, for *timeout_s* at most, and stop; the newest stops those before it too. Blocks."""
        until, stopping = time.monotonic() + timeout_s, [self]
        if spans.is_used(self.recorder):  # else a successor's is
            spans.use(None)
            log_observers.observe(None)
            stopping = list(self.state.running)
        for telemetry in stopping:
            telemetry.hasten()
        for telemetry in stopping:
            telemetry._stop(until)

    def hasten(self) -> None:
        """Export what waits now, for it may be the last."""
        self._spans.hasten()
        self._lines.hasten()

    def _stop(self, until: float) -> None:
        if self not in self.state.running:
            return
        self.state.running.remove(self)
        self._end(until)

    def _end(self, until: float) -> None:
        for part in self._running:  # all of them before any is waited for: one that hangs costs the others nothing
            part.finish()
        for part in self._running:
            part.stop(max(0.0, until - time.monotonic()))
        for shut_down in self._exporters:
            shut_down()

    async def aclose(self) -> None:
        """As ``stop``, without holding the loop."""
        await asyncio.to_thread(partial(self.stop, STOP_S))
