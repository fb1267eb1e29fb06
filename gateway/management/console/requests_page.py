"""The request log: a list that can be searched, and one request with its reason, its timeline and its trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from gateway.documentation import page
from gateway.management.console import figures, forms, traces_page
from gateway.management.console.catalog import ApiLine
from gateway.management.console.chart import timeline
from gateway.management.console.markup import Html, badge, code, element, facts, joined, link, section, table
from gateway.management.console.words import words
from gateway.remedies.recorded import Record

PATH = "/console/requests"
FILTERS = ("api", "status", "reason", "caller", "path", "id")
SHOWN = "50"
STATUSES = {"": "any", "4xx": "4xx", "5xx": "5xx", "2xx": "2xx", "401": "401", "403": "403", "404": "404", "429": "429"}
_STAGES = (("inbound", "inbound_ms"), ("backend", "backend_ms"), ("outbound", "outbound_ms"))


# -- the list
def listed(log: Mapping[str, Any], apis: Sequence[ApiLine], query: Mapping[str, str]) -> list[Html]:
    """What ``/requests`` answers to *query*, newest first."""
    return [
        _search(apis, query),
        section("Newest first", _mistake(log) or _table(log["requests"]), _kept(log), id="requests"),
    ]


def _search(apis: Sequence[ApiLine], query: Mapping[str, str]) -> Html:
    known = {"": "any", **{api.id: api.name for api in apis}}
    statuses = STATUSES if query.get("status", "") in STATUSES else {**STATUSES, query["status"]: query["status"]}
    fields = [
        forms.choice("API", "api", known, query.get("api", "")),
        forms.choice("Status", "status", statuses, query.get("status", "")),
        *(
            forms.text(label, name, query.get(name, ""), size=size)
            for label, name, size in (
                ("Reason", "reason", 24),
                ("Caller", "caller", 24),
                ("Path begins with", "path", 18),
                ("Request id", "id", 24),
            )
        ),
    ]
    button = element("button", "Search", type="submit", class_="main")
    return element("form", *fields, button, method="get", action=PATH, class_="row", role="search")


def _mistake(log: Mapping[str, Any]) -> Html | None:
    return element("p", log["error"], class_="verdict bad", role="alert") if "error" in log else None


def _table(records: Iterable[Record]) -> Html:
    rows = [
        [
            link(f"{PATH}/{quote(record['id'], safe='')}", _clock(record)),
            joined((f"{record['method']} ", code(record["path"]))),
            record["api"] or figures.NOTHING,
            _status(record),
            _why(record),
            _caller(record),
            f"{record['elapsed_ms']:.1f}",
        ]
        for record in records
    ]
    heads = ["Time (UTC)", "Request", "API", "Status", "Why", "Caller", "#ms"]
    return table(heads, rows, "No request that is kept fits. All that are refused or fail are kept, and some others.")


def _clock(record: Record) -> str:
    return str(record["time"])[:19].replace("T", " ")


def _status(record: Record) -> Html:
    kind = {"answered": "good", "refused": "warn", "failed": "bad"}.get(record["outcome"], "")
    return badge("left" if record["status"] is None else str(record["status"]), kind)


def _why(record: Record) -> object:
    if not record["reason"]:
        return figures.NOTHING
    return joined((record["reason"], element("small", f" {record['source']}")))


def _caller(record: Record) -> str:
    caller = record["caller"]
    return caller["object_id"] or caller["application_id"] or caller["subscription"] or figures.NOTHING


def _kept(log: Mapping[str, Any]) -> Html:
    json = link(f"/requests?{urlencode({'limit': SHOWN})}", "the same as JSON")
    return element("p", "How many are kept, and of which: ", page("console"), " · ", json, class_="quiet")


# -- one request
def shown(record: Record, trace: traces_page.Trace | None) -> list[Html]:
    """One request: in words first, then what is known, then step by step."""
    kind = {"answered": "good", "failed": "bad"}.get(record["outcome"], "warn")
    sentences = words(record)
    head = element("p", _status(record), " ", element("strong", sentences[0]))
    rest = (element("p", sentence) for sentence in sentences[1:])
    return [
        element("div", head, *rest, class_=f"verdict {kind}"),
        element("p", link(again(record), "Try again"), " · ", link(f"/requests/{quote(record['id'])}", "as JSON")),
        section("What was asked", facts(_asked(record))),
        *([section("Why", facts(_reasons(record)))] if record["reason"] else []),
        section("Who asked", facts(_who(record))),
        section("Where the time went", *_time(record)),
        section("Step by step", *_steps(record, trace)),
    ]


def again(record: Record) -> str:
    """The page that sends the same request again, filled in; a token has to be pasted."""
    return f"/console/try?{urlencode({'method': record['method'], 'path': record['path']})}"


def _asked(record: Record) -> Iterator[tuple[str, object]]:
    yield "Request", joined((f"{record['method']} ", code(record["path"])))
    yield "Time", f"{_clock(record)} UTC"
    api = record["api"]
    yield "API", link(f"/console/apis/{quote(api, safe='')}", api) if api else "none matched"
    yield "Operation", record["operation"] or figures.NOTHING
    yield "Backend", code(record["backend"]) if record["backend"] else "not asked"
    yield "Bodies", f"{figures.count(record['received'])} bytes received, {figures.count(record['sent'])} sent"
    yield "Request id", code(record["id"])
    if record["worker"]:
        yield "Served by", record["worker"]


def _reasons(record: Record) -> Iterator[tuple[str, object]]:
    yield "Policy", joined((code(record["source"]), f" {record['scope']} {record['section']}".rstrip()))
    yield "Reason", record["reason"]
    named = (("Detail", "detail"), ("Place", "place"), ("Expected", "expected"), ("Found", "found"))
    yield from ((label, _value(record[name])) for label, name in named if record[name] not in (None, ""))


def _value(value: object) -> Html:
    if isinstance(value, Mapping):
        return joined((code(f"{name}: {part}") for name, part in value.items()), ", ")
    return joined(map(code, value), ", ") if isinstance(value, list) else code(value)


def _who(record: Record) -> Iterator[tuple[str, object]]:
    caller = record["caller"]
    yield "Address", code(record["client"])
    named = (("Object id", "object_id"), ("Application", "application_id"), ("Subscription", "subscription"))
    yield from ((label, code(caller[name])) for label, name in named if caller[name])
    verified = {True: "verified", False: "not verified: anybody can write this"}.get(caller["verified"])
    if verified:
        yield "Token", verified
    yield from ((name, _value(value)) for name, value in caller["claims"].items())


def _time(record: Record) -> Iterator[Html]:
    timings = record["timings"]
    stages = [(name, timings[key]) for name, key in _STAGES if timings[key] is not None]
    yield timeline(stages, record["elapsed_ms"])
    spent = ", ".join(f"{name} {milliseconds:.1f} ms" for name, milliseconds in stages)
    yield element("p", f"{record['elapsed_ms']:.1f} ms in all{': ' if spent else ''}{spent}.")


def _steps(record: Record, trace: traces_page.Trace | None) -> Iterator[Html]:
    if trace is not None:
        yield from traces_page.shown(trace)
    else:
        gone = "Its trace is no longer kept." if record["trace"] else "Its steps were not kept."
        yield element("p", f"{gone} What is kept, and how to ask for more: ", page("tracing"))
