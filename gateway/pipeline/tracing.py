"""
The step-by-step trace of one request: which policy ran, in which section, what it changed, how long it took.

Source: APIM "Debug your APIs using request tracing"; layout as in reference 7.3.
"""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.pipeline.document import Section
from gateway.pipeline.run import finish

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.masking import Masking
    from gateway.pipeline.policy import MaybeLater, Outcome, Step, Steps
    from gateway.wire.headers import Headers

TRACE_HEADER = "Ocp-Apim-Trace"
CREDENTIAL_HEADER = "Apim-Debug-Authorization"
TRACE_ID_HEADER = "Apim-Trace-Id"

Snapshot = dict[str, object]


@dataclass(slots=True)
class RequestTrace:
    """One request's trace; implements ``Tracer``."""

    service_name: str
    trace_id: str
    masking: Masking
    started: float = field(default_factory=time.monotonic)
    entries: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    _section: str = Section.INBOUND.value

    def run(self, steps: Steps, context: Context) -> MaybeLater:
        """Apply *steps* as ``run`` does, and note each one."""
        return self._run(steps, context) if steps else None

    async def _run(self, steps: Steps, context: Context) -> Outcome:
        for step in steps:
            outcome = await self._apply(step, context)
            if outcome is not None:
                return outcome
        return None

    async def _apply(self, step: Step, context: Context) -> Outcome:
        context.place = step.place
        self._section = step.place.section.value
        before, began = self._snapshot(context), time.monotonic()
        try:
            outcome = await finish(step.apply(context))
        except Exception as error:
            self._note(step.place.source, {"message": self.masking.text(str(error)), "path": step.place.path})
            raise
        data: dict[str, object] = {
            "path": step.place.path,
            "scope": step.place.scope.value,
            "took_ms": round((time.monotonic() - began) * 1000, 3),
            "changes": _changes(before, self._snapshot(context)),
        }
        if outcome is not None:
            data["message"] = "The policy answered; the pipeline ends here."
        self._note(step.place.source, data)
        return outcome

    def message(self, source: str, text: str, metadata: Sequence[tuple[str, str]] = ()) -> None:
        """A line from the trace policy or ``context.Trace``."""
        extra = {name: self.masking.text(value) for name, value in metadata}
        self._note(source, {"message": self.masking.text(text), **({"metadata": extra} if extra else {})})

    def as_json(self) -> dict[str, object]:
        """``{"serviceName", "traceId", "traceEntries": {"inbound": [{"source", "timestamp", "elapsed", "data"}]}}``."""
        return {"serviceName": self.service_name, "traceId": self.trace_id, "traceEntries": self.entries}

    def _note(self, source: str, data: dict[str, object]) -> None:
        entry: dict[str, object] = {
            "source": source,
            "timestamp": datetime.now(UTC).isoformat(),
            "elapsed": f"{time.monotonic() - self.started:.7f}",
            "data": data,
        }
        self.entries.setdefault(self._section, []).append(entry)

    def _snapshot(self, context: Context) -> Snapshot:
        """What a policy can change, as it may be shown."""
        request, response = context.request, context.response
        shown: Snapshot = {"request.method": request.method, "request.url": self.masking.text(str(request.url))}
        shown.update(self._headers("request", request.headers))
        if response is not None:
            shown["response.status"] = response.status_code
            shown.update(self._headers("response", response.headers))
        shown.update({f"variables[{name}]": self.masking.value(value) for name, value in context.variables.items()})
        return shown

    def _headers(self, message: str, headers: Headers) -> Snapshot:
        return {f"{message}.headers[{name}]": self.masking.header(name, value) for name, value in headers.items()}


def _changes(before: Snapshot, after: Snapshot) -> dict[str, dict[str, object]]:
    """Each thing that differs, with its value before and after (None: was not there)."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: {"before": before.get(name), "after": after.get(name)} for name in names}


class TraceBook:
    """
    Decides who may trace and keeps the newest traces for the management plane.

    Args:
        credential: The operator's secret; without one nothing is ever traced.
        capacity: Traces kept.
    """

    def __init__(self, credential: str | None, masking: Masking, service_name: str, capacity: int = 100) -> None:
        self._credential = credential
        self._masking = masking
        self._service_name = service_name
        self._capacity = capacity
        self._traces: OrderedDict[str, RequestTrace] = OrderedDict()

    def begin(self, context: Context) -> None:
        """Trace *context*'s request when it asks for it with the credential; the credential never goes on."""
        headers = context.request.headers
        wanted, shown = headers.first(TRACE_HEADER), headers.first(CREDENTIAL_HEADER)
        headers.remove(CREDENTIAL_HEADER)
        if self._credential is None or wanted is None or shown is None or wanted.lower() != "true":
            return
        if hmac.compare_digest(shown.encode(), self._credential.encode()):
            trace_id = str(context.request_id)
            trace = RequestTrace(self._service_name, trace_id, self._masking)
            context.tracer = trace
            self._keep(trace)

    def find(self, trace_id: str) -> RequestTrace | None:
        """A trace that is still kept."""
        return self._traces.get(trace_id)

    def _keep(self, trace: RequestTrace) -> None:
        self._traces[trace.trace_id] = trace
        if len(self._traces) > self._capacity:
            self._traces.popitem(last=False)
