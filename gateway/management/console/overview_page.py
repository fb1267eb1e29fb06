"""The first page: readiness, traffic, latency and errors, refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from gateway.management.console import figures, totals
from gateway.management.console.chart import sparkline
from gateway.management.console.history import SLOT_S, SLOTS, Sample, added
from gateway.management.console.markup import Html, badge, code, element, section, table
from gateway.management.console.percentiles import percentile
from gateway.management.console.state import ProcessState

States = Mapping[str, ProcessState | None]
WINDOW = f"last {SLOT_S * SLOTS // 60} minutes"


def content(states: States, now: float) -> list[Html]:
    """The page for all processes by name; None is one that does not answer."""
    present = [state for state in states.values() if state is not None]
    samples = _window(present, now)
    return [
        _verdict(states),
        element("div", *_tiles(samples), class_="tiles"),
        section("Answers since the start", _answers(present)),
        section("Refused since the start", _refusals(present)),
        section("Processes", _processes(states, now)),
    ]


# -- ready or not
def _verdict(states: States) -> Html:
    lines = [line for name, state in states.items() for line in _troubles(name, state)]
    if not lines:
        return element("p", badge("ready", "good"), " All dependencies are available.", class_="verdict")
    return element("div", badge("not ready", "bad"), element("ul", *lines), class_="verdict")


def _troubles(name: str, state: ProcessState | None) -> Iterable[Html]:
    if state is None:
        yield element("li", name, ": no answer")
    elif state.draining:
        yield element("li", name, ": draining, takes no new requests")
    for part, reason in state.unready if state is not None else ():
        yield element("li", name, ": ", code(part), f" {reason}")


# -- the last minutes
def _window(states: Iterable[ProcessState], now: float) -> list[Sample]:
    """One sample for each slot up to the last whole one; empty where nothing was measured."""
    slots = added(sample for state in states for sample in state.samples)
    newest = max(slots, default=int(now / SLOT_S) - 1)
    return [slots.get(slot) or Sample(slot, 0, 0, 0, ()) for slot in range(newest - SLOTS + 1, newest + 1)]


def _tiles(samples: Sequence[Sample]) -> list[Html]:
    requests, now = sum(sample.requests for sample in samples), samples[-1].requests / SLOT_S
    rates = [sample.requests / SLOT_S for sample in samples]
    return [
        _tile("Requests per second", figures.rate(now), rates, _of(requests)),
        _share("Errors (5xx)", [sample.errors for sample in samples], requests),
        _share("Refused or failed", [sample.refusals for sample in samples], requests),
        _latency(samples),
    ]


def _share(name: str, numbers: Sequence[int], requests: int) -> Html:
    number = sum(numbers)
    return _tile(name, figures.share(number, requests), numbers, _of(number), "bad" if number else "")


def _of(number: int) -> str:
    return f"{figures.count(number)} in the {WINDOW}"


def _latency(samples: Sequence[Sample]) -> Html:
    buckets = tuple(map(sum, zip(*(sample.buckets for sample in samples if sample.buckets), strict=True)))
    p50, p95, p99 = (figures.milliseconds(percentile(buckets, hundredth)) for hundredth in (50, 95, 99))
    slots = [percentile(sample.buckets, 95) or 0.0 for sample in samples]
    return _tile("Latency, p95", p95, slots, f"p50 {p50} · p99 {p99}")


def _tile(name: str, number: str, values: Sequence[float], remark: str, kind: str = "") -> Html:
    picture = sparkline(values, f"{name}, {WINDOW}")
    parts = (element("h3", name), element("p", number, class_="figure"), picture, element("p", remark))
    return element("div", *parts, class_=f"tile {kind}".rstrip())


# -- since the start
def _answers(states: Sequence[ProcessState]) -> Html:
    counts: Counter[str] = Counter()
    for operation in totals.by_operation(states).values():
        counts.update(operation)
    whole = counts.total()
    numbers = [figures.count(whole), *(figures.count(counts[status_class]) for status_class in totals.CLASSES)]
    shares = [figures.share(counts[status_class], whole) for status_class in totals.CLASSES]
    heads = ["", "#All", *(f"#{status_class}" for status_class in totals.CLASSES)]
    return table(heads, [["Answers", *numbers], ["Share", "", *shares]], "")


def _refusals(states: Sequence[ProcessState]) -> Html:
    refusals = totals.refusals(states)
    whole = sum(number for _, number in refusals)
    rows = [
        [code(policy), reason, figures.count(number), figures.share(number, whole)]
        for (policy, reason), number in refusals
    ]
    return table(["Policy", "Reason", "#Requests", "#Share"], rows, "No request has been refused.")


def _processes(states: States, now: float) -> Html:
    rows = [_process(name, state, now) for name, state in states.items()]
    return table(["Process", "State", "#Id", "Up for", "#Answers"], rows, "None.")


def _process(name: str, state: ProcessState | None, now: float) -> list[object]:
    if state is None:
        return [name, badge("no answer", "bad"), figures.NOTHING, figures.NOTHING, figures.NOTHING]
    answers = sum(number for operation in state.operations for number in operation.statuses.values())
    return [name, _badge(state), state.process, figures.age(now - state.started), figures.count(answers)]


def _badge(state: ProcessState) -> Html:
    if state.draining:
        return badge("draining", "warn")
    return badge("ready", "good") if state.ready else badge("not ready", "bad")
