"""
Decides which requests are traced, and keeps their traces for the management plane.

Notes are taken of every request while traces are kept afterwards ("tail tracing"), and dropped when it has ended well.
A caller who may can ask for the trace of its own request, and the management plane for the next one that matches.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from gateway.pipeline.masking import Masking
from gateway.pipeline.notes import WIDTH, Notes
from gateway.pipeline.tracing.grounds import Cause, Grounds, kind_of, what_went_wrong
from gateway.pipeline.tracing.kept import KeptTrace, keep
from gateway.pipeline.tracing.reading import TraceReader
from gateway.pipeline.tracing.throttle import Throttle
from gateway.pipeline.tracing.wanted import WantedTraces
from gateway.telemetry.requests.fair_ring import FairRing
from gateway.wire.fields import fold_name

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.wire.headers import Headers
    from gateway.wire.messages import Ending, Response

TRACE_HEADER = "Ocp-Apim-Trace"
CREDENTIAL_HEADER = "Apim-Debug-Authorization"
TRACE_ID_HEADER = "Apim-Trace-Id"

_CREDENTIAL_KEY = fold_name(CREDENTIAL_HEADER)


@dataclass(frozen=True, slots=True)
class TraceRules:
    """
    Which traces are kept.

    Attributes:
        asked: Whether callers may ask for them.
        credential: The operator's secret; without one only all-access subscription keys may.
        keep_asked: Traces kept of requests for which somebody asked.
        tail: Whether refused, failed and slow requests keep theirs without being asked for.
        keep_tail: How many of those.
        slow_s: Seconds until the answer from which a request is slow.
    """

    asked: bool = True
    credential: str | None = None
    keep_asked: int = 100
    tail: bool = False
    keep_tail: int = 200
    slow_s: float = 5.0


@dataclass(frozen=True, slots=True)
class WrittenTrace:
    """A trace, to be written out when somebody reads it."""

    trace: KeptTrace
    reader: TraceReader

    def as_json(self) -> Mapping[str, Any]:
        """See ``TraceReader.whole``."""
        return self.reader.whole(self.trace)


class TraceBook:
    """
    The traces of one process.

    Attributes:
        takes_notes, looks_for, patience_s: See ``RequestWatcher``. They are plain values, because each request asks.
    """

    def __init__(self, rules: TraceRules, masking: Masking, service_name: str) -> None:
        self.wanted = WantedTraces()
        self._rules = rules
        self._masking = masking
        self._reader = TraceReader(service_name, masking)
        self._asked: OrderedDict[str, KeptTrace | Context] = OrderedDict()
        self._tail: FairRing[KeptTrace] = FairRing(rules.keep_tail if rules.tail else 0)
        self._throttle = Throttle(rules.keep_tail)
        self._asks, self._has_tail, self._slow_s = rules.asked, rules.tail, rules.slow_s
        self.looks_for = _CREDENTIAL_KEY
        self.takes_notes, self.patience_s = rules.tail, rules.slow_s
        self.wanted.changed = self._attend

    def _attend(self) -> None:
        """While somebody waits for the next trace, each request is noted, and looked at when it ends."""
        is_awaited = bool(self.wanted.orders)
        self.takes_notes = self._has_tail or is_awaited
        self.patience_s = 0.0 if is_awaited else self._slow_s

    # -- requests
    def begins(self, context: Context) -> None:
        """Take notes if anyone may want the trace of *context*'s request; a credential is never forwarded."""
        if self.takes_notes and context.notes is None:
            context.notes = []
        if self._asks and _CREDENTIAL_KEY in context.request.headers.lines:
            self._ask(context)

    def granted(self, context: Context, all_access: bool) -> None:
        """The request's subscription key is known: one for all APIs may trace too."""
        if all_access and self._asks and not context.tracing and _wanted(context.request.headers):
            self._begin(context)

    def ended(self, context: Context, ending: Ending) -> str | None:
        """The exchange is over. The id of its trace if that is kept."""
        notes = context.notes
        if notes is None:
            return None
        if self.wanted.orders or context.tracing:
            return self._keep_asked(context, ending)
        if not self._has_tail or self._was_good(notes, context, ending):
            return None
        return self._keep_tail(context, ending)

    def _was_good(self, notes: Notes, context: Context, ending: Ending) -> bool:
        """The last note is that of the answer."""
        return (
            context.last_error is None
            and ending.fault is None
            and (ending.status_code or 500) < 400
            and (not notes or notes[1 - WIDTH] - context.started < self._slow_s)
        )

    def _ask(self, context: Context) -> None:
        headers = context.request.headers
        shown = headers.first(CREDENTIAL_HEADER) or ""
        headers.remove(CREDENTIAL_HEADER)
        credential = self._rules.credential
        if credential is None or not _wanted(headers):
            return
        if hmac.compare_digest(shown.encode(), credential.encode()):
            self._begin(context)

    def _begin(self, context: Context) -> None:
        """The caller may see the trace of *context*'s request."""
        context.tracing = True
        if context.notes is None:
            context.notes = []
        trace_id = context.request.id
        context.on_answer(partial(_name, trace_id))
        self._add_asked(trace_id, context)

    def _keep_asked(self, context: Context, ending: Ending) -> str | None:
        """Somebody may have asked for the trace."""
        trace_id = context.request.id
        if context.tracing:
            if trace_id not in self._asked:  # many others were asked for meanwhile
                return None
            cause = Cause.ASKED
        elif self.wanted.takes(context):
            cause = Cause.NEXT
        else:
            return self._keep_tail(context, ending) if self._has_tail else None
        self._add_asked(trace_id, keep(context, ending, Grounds.of(cause, context, ending), self._masking))
        return trace_id

    def _keep_tail(self, context: Context, ending: Ending) -> str | None:
        """Nobody has, but something may have gone wrong."""
        cause = what_went_wrong(context, ending, self._slow_s)
        if cause is None:
            return None
        kind = kind_of(cause, context, ending)
        if not self._throttle.allows(kind):
            return None
        trace = keep(context, ending, Grounds(cause, kind), self._masking)
        self._tail.add(trace)
        return trace.id

    def _add_asked(self, trace_id: str, trace: KeptTrace | Context) -> None:
        self._asked[trace_id] = trace
        if len(self._asked) > self._rules.keep_asked:
            self._asked.popitem(last=False)

    # -- readers
    @property
    def throttled(self) -> int:
        """Traces that were not kept because there were too many of their kind."""
        return self._throttle.refused

    def find(self, trace_id: str) -> WrittenTrace | None:
        """A trace that is still kept, also of a request that is not over yet."""
        trace = self._asked.get(trace_id) or next((kept for kept in self._tail if kept.id == trace_id), None)
        return None if trace is None else WrittenTrace(self._kept(trace), self._reader)

    def ids(self) -> list[str]:
        """The traces that are kept, newest first."""
        return [trace.id for trace in self._newest_first()]

    def summaries(self) -> list[dict[str, Any]]:
        """The same for people, see ``TraceReader.summary``."""
        return [self._reader.summary(trace) for trace in self._newest_first()]

    def _newest_first(self) -> list[KeptTrace]:
        traces = [*map(self._kept, self._asked.values()), *self._tail]
        return sorted(traces, key=lambda trace: trace.began_at, reverse=True)

    def _kept(self, trace: KeptTrace | Context) -> KeptTrace:
        return (
            trace if isinstance(trace, KeptTrace) else keep(trace, None, Grounds.of(Cause.ASKED, trace), self._masking)
        )


def _wanted(headers: Headers) -> bool:
    return (headers.first(TRACE_HEADER) or "").lower() == "true"


def _name(trace_id: str, answer: Response) -> None:
    answer.headers.replace(TRACE_ID_HEADER, trace_id)
