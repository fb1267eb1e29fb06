"""Traces: a list of those that are kept, and one request step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from gateway.documentation import page
from gateway.management.console import figures
from gateway.management.console.markup import Html, badge, code, element, facts, link, section, table
from gateway.management.console.state import TraceLine

PATH = "/console/traces"
HOW = f"No trace is kept. Send a request with Ocp-Apim-Trace: true and the tracing secret; see {page('tracing')}."

Trace = Mapping[str, Any]
_SHOWN_APART = frozenset({"changes", "path", "scope", "took_ms", "message", "reason"})


# -- the list
def listed(traces: Iterable[TraceLine]) -> list[Html]:
    """The traces that are kept, newest first."""
    rows = [
        [
            link(f"{PATH}/{quote(trace.id, safe='')}", trace.began[:19]),
            trace.method,
            code(trace.url),
            _status(trace),
            trace.reason,
        ]
        for trace in traces
    ]
    return [table(["Began (UTC)", "Method", "URL", "#Status", "Reason"], rows, HOW)]


def line(trace: Trace) -> TraceLine:
    """One trace for the list. *trace*: as the ``summaries`` of ``/traces`` give it."""
    return TraceLine(
        trace["id"], trace["time"], trace["method"], trace["url"], trace["status"], trace["reason"] or trace["cause"]
    )


def _status(trace: TraceLine) -> str:
    return figures.NOTHING if trace.status is None else str(trace.status)


# -- one trace
def shown(trace: Trace) -> list[Html]:
    """All steps of one request, by section."""
    sections: Mapping[str, Sequence[Trace]] = trace["traceEntries"]
    link_ = link(f"/traces/{quote(trace['traceId'], safe='')}", "the same as JSON")
    parts = [section(name, *map(_step, entries)) for name, entries in sections.items()]
    return [element("p", code(trace["traceId"]), " · ", link_), *parts]


def _step(entry: Trace) -> Html:
    """One step: who, where, when; its message; what it changed; whatever else was noted."""
    data: Trace = entry["data"]
    where = " · ".join(str(data[name]) for name in ("scope", "path") if data.get(name))
    took = f" · took {data['took_ms']} ms" if "took_ms" in data else ""
    head = element("h3", code(entry["source"]), element("small", f" {where} · at {_at(entry)}{took}"))
    return element("div", head, *_said(data), *_changes(data.get("changes") or {}), *_others(data), class_="trace")


def _at(entry: Trace) -> str:
    return figures.milliseconds(float(entry["elapsed"]))


def _said(data: Trace) -> Iterator[Html]:
    if data.get("reason"):
        yield element("p", badge(data["reason"], "bad"), f" {data.get('message', '')}")
    elif data.get("message"):
        yield element("p", data["message"])


def _changes(changes: Mapping[str, Trace]) -> Iterator[Html]:
    rows = [[code(name), _value(change["before"]), _value(change["after"])] for name, change in changes.items()]
    if rows:
        yield table(["Changed", "Before", "After"], rows, "")


def _others(data: Trace) -> Iterator[Html]:
    others = [(name, _value(value)) for name, value in data.items() if name not in _SHOWN_APART]
    if others:
        yield facts(others)


def _value(value: object) -> object:
    """A value as it is; what has parts, one line for each."""
    if isinstance(value, Mapping | list):
        return element("pre", "\n".join(_lines(value)))
    return figures.NOTHING if value is None else code(value)


def _listed(item: object) -> str:
    """A header field as it is in a message; a condition with its value; anything else as it is."""
    if isinstance(item, Mapping) and "condition" in item:
        return f"{item['condition']} is {item['value']}"
    return f"{item['name']}: {item['value']}" if isinstance(item, Mapping) else str(item)


def _lines(value: object, name: str = "") -> Iterator[str]:
    """``status.code: 401``; a list of header fields as they are in a message."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _lines(part, f"{name}.{key}".lstrip("."))
    elif isinstance(value, list):
        yield from (_listed(item) for item in value)
    else:
        yield f"{name}: {figures.NOTHING if value is None else value}"
