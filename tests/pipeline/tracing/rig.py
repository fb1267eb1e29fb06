"""Requests through a pipeline, and what their traces say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from gateway.pipeline.context import Context
from gateway.pipeline.masking import Masking
from gateway.pipeline.tracing.book import TraceBook, TraceRules
from gateway.wire.messages import Ending, Request, Response
from tests.policies.bench import Bench, new_context

TAIL = TraceRules(asked=False, tail=True)


class Watching(Protocol):
    """What sees a request begin and end."""

    def begins(self, context: Context) -> None: ...
    def ended(self, context: Context, ending: Ending) -> str | None: ...


def book(rules: TraceRules = TAIL, **masking: Any) -> TraceBook:
    """The traces of one process."""
    return TraceBook(rules, Masking(**masking), "gateway")


def through(
    bench: Bench,
    traces: Watching,
    policies: str,
    request: Request | None = None,
    left: bool = False,
    prepare: Callable[[Context], None] = lambda _: None,
) -> str | None:
    """One request through *policies*; the id of its trace. *left*: the client does not wait for the answer."""
    pipeline, context = bench.compile(policies), new_context(request)
    prepare(context)
    traces.begins(context)

    async def answered() -> Response:
        answer = pipeline.execute(context)
        return answer if isinstance(answer, Response) else await answer

    answer = asyncio.run(answered())
    return traces.ended(context, Ending(None if left else answer.status_code, client_left=left))


def trace_of(traces: TraceBook, trace_id: str | None) -> Mapping[str, Any]:
    """The trace with that id."""
    found = traces.find(trace_id or "")
    assert found is not None
    return found.as_json()


def steps_of(trace: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its entries in all sections, but for those of the gateway itself: data, with the source."""
    entries = [entry for section in trace["traceEntries"].values() for entry in section]
    return [
        {"source": each["source"], **each["data"]} for each in entries if each["source"] not in ("handler", "mapper")
    ]
