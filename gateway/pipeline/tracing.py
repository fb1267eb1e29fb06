"""
The step-by-step trace of one request: which policy ran, in which section, what it changed, how long it took.

Source: APIM "Debug your APIs using request tracing"; layout in docs/tracing.md.
"""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from gateway.documents.model import Section
from gateway.pipeline.masking import MASK
from gateway.pipeline.outcome import finish
from gateway.pipeline.run import as_policy_error

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.masking import Masking
    from gateway.pipeline.outcome import MaybeLater, Outcome
    from gateway.pipeline.place import Place
    from gateway.wire.headers import Headers
    from gateway.wire.messages import Ending, Response

TRACE_HEADER = "Ocp-Apim-Trace"
CREDENTIAL_HEADER = "Apim-Debug-Authorization"
TRACE_ID_HEADER = "Apim-Trace-Id"

Snapshot = dict[str, object]


@dataclass(slots=True)
class RequestTrace:
    """One request's trace; implements ``Tracer``."""

    asked: ClassVar[bool] = True

    service_name: str
    trace_id: str
    masking: Masking
    started: float = field(default_factory=time.monotonic)
    entries: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    _section: str = Section.INBOUND.value
    _hidden: set[str] = field(default_factory=set)

    def received(self, context: Context) -> None:
        """The first entries: what came, and what routing made of it."""
        request = context.request
        url = {"method": request.method, "url": self.masking.url(str(request.original_url))}
        self._note("handler", {"request": {**url, "headers": self._lines(request.headers)}})
        api, operation = context.api, context.operation
        chosen = {"api": {"id": api.id, "path": api.path, "revision": api.revision, "version": api.version}}
        self._note("mapper", {"configuration": {**chosen, "operation": {"id": operation.id}}})

    def answered(self, response: Response) -> None:
        """The answer, as it is about to be sent."""
        response.headers.replace(TRACE_ID_HEADER, self.trace_id)
        status = {"code": response.status_code, "reason": response.reason}
        self._note("handler", {"response": {"status": status, "headers": self._lines(response.headers)}})

    def ended(self, context: Context, ending: Ending) -> None:
        """The exchange is over; what sent it to on-error is repeated, with APIM's reason."""
        error = context.last_error
        sizes = {"received_bytes": ending.received_bytes, "sent_bytes": ending.sent_bytes}
        data: dict[str, object] = {"status": ending.status_code, "client_left": ending.client_left, **sizes}
        if error is not None:
            message = self.masking.text(error.message)
            data["lastError"] = {"source": error.source, "reason": error.reason, "message": message}
        self._note("handler", data)

    async def watch(self, place: Place, apply: Callable[[Context], MaybeLater], context: Context) -> Outcome:
        """Apply the policy at *place*, and note what it changed."""
        self._section = place.section.value
        before, began = self._snapshot(context), time.monotonic()
        try:
            outcome = await finish(apply(context))
        except Exception as error:
            self._note(place.source, self._failure(error, place))
            raise
        self._hide(place, before, context)
        data: dict[str, object] = {
            "path": place.path,
            "scope": place.scope.value,
            "took_ms": round((time.monotonic() - began) * 1000, 3),
            "changes": _changes(before, self._snapshot(context)),
        }
        if outcome is not None:
            data["message"] = "The policy answered; the pipeline ends here."
        self._note(place.source, data)
        return outcome

    def message(self, source: str, text: str, metadata: Sequence[tuple[str, str]] = ()) -> None:
        """A line from the trace policy or ``context.Trace``."""
        extra = {name: self.masking.text(value) for name, value in metadata}
        self._note(source, {"message": self.masking.text(text), **({"metadata": extra} if extra else {})})

    def as_json(self) -> dict[str, object]:
        """``{"serviceName", "traceId", "traceEntries": {"inbound": [{"source", "timestamp", "elapsed", "data"}]}}``."""
        return {"serviceName": self.service_name, "traceId": self.trace_id, "traceEntries": self.entries}

    def _failure(self, error: Exception, place: Place) -> dict[str, object]:
        refusal = as_policy_error(error)
        reason = refusal.reason if refusal is not None else type(error).__name__
        return {"message": self.masking.text(str(error)), "reason": reason, "path": place.path}

    def _hide(self, place: Place, before: Snapshot, context: Context) -> None:
        """A token that a policy has fetched for the author's variable is a secret, whatever it looks like."""
        if place.sets_secrets:
            self._hidden |= {name for name in context.variables if f"variables[{name}]" not in before}

    def _lines(self, headers: Headers) -> list[dict[str, str]]:
        return [{"name": name, "value": self.masking.header(name, value)} for name, value in headers.items()]

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
        shown: Snapshot = {"request.method": request.method, "request.url": self.masking.url(str(request.url))}
        shown.update(self._headers("request", request.headers))
        if response is not None:
            shown["response.status"] = response.status_code
            shown.update(self._headers("response", response.headers))
        shown.update({f"variables[{name}]": self._variable(name, value) for name, value in context.variables.items()})
        return shown

    def _variable(self, name: str, value: object) -> object:
        return MASK if name in self._hidden else self.masking.value(value)

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
        credential: The operator's secret; without one only all-access subscription keys may trace.
        capacity: Traces kept.
    """

    def __init__(self, credential: str | None, masking: Masking, service_name: str, capacity: int = 100) -> None:
        self._credential = credential
        self._masking = masking
        self._service_name = service_name
        self._capacity = capacity
        self._traces: OrderedDict[str, RequestTrace] = OrderedDict()

    def begins(self, context: Context) -> None:
        """Trace *context*'s request when it asks for it with the credential; the credential is never forwarded."""
        headers = context.request.headers
        shown = headers.first(CREDENTIAL_HEADER)
        if shown is None:
            return
        headers.remove(CREDENTIAL_HEADER)
        if self._credential is None or not _wanted(headers):
            return
        if hmac.compare_digest(shown.encode(), self._credential.encode()):
            self._begin(context)

    def granted(self, context: Context, all_access: bool) -> None:
        """The request's subscription key is known: one for all APIs may trace too."""
        if all_access and context.tracer is None and _wanted(context.request.headers):
            self._begin(context)

    def find(self, trace_id: str) -> RequestTrace | None:
        """A trace that is still kept."""
        return self._traces.get(trace_id)

    def ids(self) -> list[str]:
        """The traces that are kept, newest first."""
        return list(reversed(self._traces))

    def _begin(self, context: Context) -> None:
        trace = RequestTrace(self._service_name, str(context.request_id), self._masking)
        trace.received(context)
        context.tracer = trace
        context.on_answer(trace.answered)
        context.after_response = [*(context.after_response or ()), trace.ended]
        self._traces[trace.trace_id] = trace
        if len(self._traces) > self._capacity:
            self._traces.popitem(last=False)


def _wanted(headers: Headers) -> bool:
    return (headers.first(TRACE_HEADER) or "").lower() == "true"
