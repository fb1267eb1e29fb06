"""
A kept trace as people and programs read it: step by step, with what changed, secrets masked.

The layout is APIM's; docs/tracing.md has the members. Source: APIM "Debug your APIs using request tracing".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from gateway.documents.model import Section
from gateway.pipeline.buffering import BufferBody
from gateway.pipeline.changes import EVERYTHING, RESPONSE, Change, Picture
from gateway.pipeline.masking import Cut, Masking
from gateway.pipeline.notes import Mark, Note
from gateway.pipeline.place import Place
from gateway.pipeline.step import PipelineStep
from gateway.pipeline.tracing.durations import durations
from gateway.pipeline.tracing.grounds import Cause
from gateway.pipeline.tracing.kept import KeptTrace
from gateway.telemetry.requests.record import reason_of

Json: TypeAlias = dict[str, Any]

_ANSWERED = "The policy answered; the pipeline ends here."
_CACHED = "The response is in the cache: neither the rest of inbound nor the backend is needed."
_LEFT_OUT = "Further runs of the policies in a loop were not kept: the trace is long."


@dataclass(slots=True)
class _Step:
    """One entry in the making."""

    source: str
    at: float
    section: str
    data: Json = field(default_factory=dict)
    place: Place | None = None
    policy: object = None


class TraceReader:
    """
    Writes traces out.

    Args:
        service_name: ``context.Deployment.ServiceName``.
    """

    def __init__(self, service_name: str, masking: Masking) -> None:
        self._service_name = service_name
        self._masking = masking

    def summary(self, trace: KeptTrace) -> Json:
        """What a list shows of *trace*."""
        source, reason = _blamed(trace)
        return {
            "id": trace.id,
            "cause": trace.reason.cause.value,
            "time": _time(trace.began_at),
            "method": trace.method,
            "url": self._masking.url(trace.url),
            "api": trace.api.id,
            "operation": trace.operation.id,
            "status": trace.status,
            "source": source,
            "reason": reason,
            "place": trace.place,
            "elapsed_ms": _milliseconds(trace.elapsed_s),
        }

    def whole(self, trace: KeptTrace) -> Json:
        """``{"serviceName", "traceId", "summary", "traceEntries": {"inbound": [{"source", …}]}}``."""
        entries: dict[str, list[Json]] = {}
        for step in self._steps(trace):
            entries.setdefault(step.section, []).append(_entry(step, trace))
        return {
            "serviceName": self._service_name,
            "traceId": trace.id,
            "summary": self.summary(trace),
            "traceEntries": entries,
        }

    # -- entries
    def _steps(self, trace: KeptTrace) -> list[_Step]:
        received, changes = self._history(trace)
        steps = [*self._first(trace, received)]
        took = durations(trace.events)
        for note, changed, seconds in zip(trace.events, changes, took, strict=True):
            if isinstance(note.what, PipelineStep):
                _begin(steps, note, changed, seconds)
            else:
                self._add(steps, note)
        steps += self._last(trace, steps[-1].section)
        return steps

    def _first(self, trace: KeptTrace, received: Picture) -> Iterator[_Step]:
        """What came, and what routing made of it."""
        url = {"method": trace.method, "url": self._masking.url(trace.url)}
        request = {"request": {**url, "headers": self._fields(received.request)}}
        yield _Step("handler", trace.began, Section.INBOUND.value, request)
        api = trace.api
        chosen = {"id": api.id, "path": api.path, "revision": api.revision, "version": api.version}
        configuration = {"configuration": {"api": chosen, "operation": {"id": trace.operation.id}}}
        yield _Step("mapper", trace.began, Section.INBOUND.value, configuration)

    def _last(self, trace: KeptTrace, section: str) -> Iterator[_Step]:
        """The answer, and how the exchange ended."""
        answered = [note.at for note in trace.events if note.what in (Mark.ANSWERED, Mark.POLICY_ANSWERED)]
        if trace.answer is not None and answered:
            status = {"code": trace.answer.status, "reason": trace.answer.reason}
            response = {"response": {"status": status, "headers": self._fields(trace.answer.headers)}}
            yield _Step("handler", answered[-1], section, response)
        if trace.status is None and not trace.client_left:
            return
        received, sent = trace.sizes
        data: Json = {"status": trace.status, "client_left": trace.client_left}
        data |= {"received_bytes": received, "sent_bytes": sent}
        if trace.error is not None:
            source, reason, message = trace.error
            data["lastError"] = {"source": source, "reason": reason, "message": self._masking.text(message)}
        yield _Step("handler", trace.began + trace.elapsed_s, section, data)

    def _add(self, steps: list[_Step], note: Note) -> None:
        """What *note* says about the steps so far, or a line of its own."""
        last = steps[-1]
        match note.what:
            case Mark.FAILED | Mark.CAUGHT:
                reason, message = note.value[:2]
                last.data |= {"message": self._masking.text(message), "reason": reason}
            case Mark.POLICY_ANSWERED:
                last.data.setdefault("message", _ANSWERED)
            case Mark.CACHED:
                last.data["message"] = _CACHED
            case Mark.SAID:
                steps.append(self._said(note, last))
            case Mark.LEFT_OUT:
                steps.append(_Step("gateway", note.at, last.section, {"message": _LEFT_OUT}))
            case Mark():
                pass
            case _:
                _decide(steps, note)

    def _said(self, note: Note, last: _Step) -> _Step:
        source, text, metadata = note.value
        data: Json = {"message": self._masking.text(text)}
        if metadata:
            data["metadata"] = {name: self._masking.text(value) for name, value in metadata}
        return _Step(source, note.at, last.section, data, last.place)

    def _fields(self, lines: Mapping[str, str]) -> list[Json]:
        single = [(block, line.partition(":")) for block in lines.values() for line in block.split("\r\n")]
        return [{"name": name, "value": self._masking.text(_like(block, value))} for block, (name, _, value) in single]

    # -- what changed
    def _history(self, trace: KeptTrace) -> tuple[Picture, list[Json]]:
        """The request as it was before anything, and what each note's step changed, found by going backwards."""
        after, changes = trace.final, []
        for note in reversed(trace.events):
            before = after.copy()
            _undo(note, before)
            changes.append(self._difference(before, after) if isinstance(note.what, PipelineStep) else {})
            after = before
        return after, changes[::-1]

    def _difference(self, before: Picture, after: Picture) -> Json:
        """Each thing that differs, with its value before and after (None: was not there)."""
        old, new = self._shown(before), self._shown(after)
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        return {name: {"before": old.get(name), "after": new.get(name)} for name in names}

    def _shown(self, picture: Picture) -> Json:
        shown: Json = {"request.method": picture.method, "request.url": self._masking.url(picture.url)}
        shown |= self._shown_headers("request", picture.request)
        if picture.status is not None:
            shown["response.status"] = picture.status
            shown |= self._shown_headers("response", picture.response)
        shown |= {f"variables[{name}]": self._shown_value(value) for name, value in picture.variables.items()}
        return shown

    def _shown_headers(self, message: str, lines: Mapping[str, str]) -> Json:
        return {f"{message}.headers[{line.partition(':')[0]}]": self._value(line) for line in lines.values()}

    def _value(self, block: str) -> str:
        """The values of one header's lines."""
        values = (line.partition(":")[2].strip() for line in block.split("\r\n"))
        return self._masking.text(_like(block, ", ".join(values)))

    def _shown_value(self, value: object) -> object:
        match value:
            case dict():
                return {name: self._shown_value(item) for name, item in value.items()}
            case list():
                return [self._shown_value(item) for item in value]
        return self._masking.value(value)


def _blamed(trace: KeptTrace) -> tuple[str, str]:
    """Which part decided about the answer, and for which reason; empty texts where nothing went wrong."""
    if trace.error is not None:
        return trace.error[:2]
    if trace.reason.cause is Cause.REFUSED and trace.status is not None:
        return trace.policy, reason_of(trace.status)
    return ("backend", "BackendErrorStatusCode") if trace.reason.cause is Cause.FAILED else ("", "")


def _like(block: str, value: str) -> str:
    """A *value* out of *block*, which may have been cut at its end."""
    return Cut(value.strip()) if isinstance(block, Cut) else value.strip()


def _undo(note: Note, picture: Picture) -> None:
    change: Change | None = None
    before = note.value
    if isinstance(note.what, PipelineStep):
        change = note.what.policy.changes
    elif note.what is Mark.FAILED:
        change, before = RESPONSE, note.value[2]
    elif note.what is Mark.LEFT_OUT:
        change = EVERYTHING
    if change is not None:
        change.undo(before, picture)


def _begin(steps: list[_Step], note: Note, changed: Json, seconds: float | None) -> None:
    """The entry of a step."""
    step: PipelineStep = note.what
    place = step.place
    took = None if seconds is None else _milliseconds(seconds)
    last = steps[-1]
    if isinstance(last.policy, BufferBody) and last.place is place:  # reading the body was a step of its own
        waited = steps.pop().data["took_ms"]
        data: Json = {"buffering_ms": waited} if waited else {}
    else:
        data = {}
    about = {"path": place.path, "scope": place.scope_name, "place": place.position}
    data = {**about, "took_ms": took, **data, "changes": changed}
    steps.append(_Step(place.source, note.at, place.section_name, data, place, step.policy))


def _decide(steps: list[_Step], note: Note) -> None:
    """The conditions that the latest step of the note's policy has looked at."""
    owner = next((step for step in reversed(steps) if step.policy is note.what), None)
    if owner is not None:
        decisions = note.what.decisions(note.value)
        owner.data.setdefault("conditions", []).extend(decision._asdict() for decision in decisions)


def _entry(step: _Step, trace: KeptTrace) -> Json:
    since = step.at - trace.began
    return {
        "source": step.source,
        "timestamp": datetime.fromtimestamp(trace.began_at + since, UTC).isoformat(),
        "elapsed": f"{since:.7f}",
        "data": step.data,
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
