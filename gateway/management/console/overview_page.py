"""The first page: what is wrong and since when, traffic, latency and errors, each API, refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from gateway.management.console import concerns, figures, totals
from gateway.management.console.chart import curve, sparkline
from gateway.management.console.forms import NOBODY, Hand
from gateway.management.console.history import SLOT_S, SLOTS, Sample, added
from gateway.management.console.markup import Html, badge, code, element, link, section, table
from gateway.management.console.percentiles import percentile
from gateway.management.console.process import EMITTED_SHOWN
from gateway.management.console.state import Concern, ProcessState
from gateway.management.health import Status

States = Mapping[str, ProcessState | None]
MINUTES = SLOT_S * SLOTS // 60
WINDOW = f"last {MINUTES} minutes"
APIS_SHOWN = 12


def content(states: States, configuration: Mapping[str, Status], now: float, hand: Hand = NOBODY) -> list[Html]:
    """The page for all processes by name; None is one that does not answer. *configuration*: the last reload."""
    present = [state for state in states.values() if state is not None]
    samples, running = _window(present, now), _running(present)
    return [
        headline(troubles(states, configuration, samples), now),
        element("div", *_tiles(samples, running), class_="tiles", id="tiles", data_live=""),
        section(f"APIs, {WINDOW}", _apis([*samples, *running]), id="by-api"),
        section("Refused since the start", _refusals(present), id="refused"),
        section("Answers since the start", _answers(present), id="answers"),
        *_emitted(present),
        section("Processes and configuration", _processes(states, now), *_reload(configuration, hand), id="processes"),
    ]


# -- the headline
def troubles(states: States, configuration: Mapping[str, Status], samples: Sequence[Sample]) -> list[Concern]:
    """Everything that is wrong, the worst first; what several processes have is one, with their number."""
    reloads = [Concern("bad", "reload", status.detail) for status in configuration.values() if status.concern]
    answers = concerns.of_answers([*samples, *_running(filter(None, states.values()))])
    every = [*_of_processes(states), *reloads, *filter(None, [answers])]
    return sorted(every, key=lambda concern: concern.kind != "bad")


def _of_processes(states: States) -> list[Concern]:
    groups: dict[tuple[str, str], list[tuple[str, Concern]]] = {}
    for name, concern in ((name, concern) for name, state in states.items() for concern in _of_process(state)):
        groups.setdefault((concern.kind, concern.what), []).append((name, concern))
    return [_merged(group, len(states)) for group in groups.values()]


def _of_process(state: ProcessState | None) -> Iterator[Concern]:
    if state is None:
        yield Concern("bad", "process", "no answer")
        return
    if state.draining:
        yield Concern("bad", "process", "draining, takes no new requests")
    yield from state.concerns


def _merged(group: Sequence[tuple[str, Concern]], processes: int) -> Concern:
    """One line for all processes that have it."""
    first = group[0][1]
    since = min((concern.since for _, concern in group if concern.since), default=None)
    names = ", ".join(name for name, _ in group) if len(group) < processes or first.what == "process" else ""
    return replace(first, detail=f"{first.detail} ({names})" if names else first.detail, since=since)


def headline(noted: Sequence[Concern], now: float) -> Html:
    """What an operator reads first: all is well, or what is not, and since when."""
    if not noted:
        text = " Every issuer and backend can be used, and no answer of the last minute was a 5xx."
        return element("div", element("p", badge("healthy", "good"), text), class_="verdict good", **_LIVE)
    bad = [concern for concern in noted if concern.kind == "bad"]
    number = f"{len(noted)} things need attention" if len(noted) > 1 else "1 thing needs attention"
    mark = badge("failing", "bad") if bad else badge("impaired", "warn")
    lines = element("ul", *(_trouble(concern, now) for concern in noted))
    return element(
        "div", element("p", mark, f" {number}."), lines, class_=f"verdict {'bad' if bad else 'warn'}", **_LIVE
    )


_LIVE = {"id": "headline", "data_live": ""}


def _trouble(concern: Concern, now: float) -> Html:
    since = ""
    if concern.since is not None:
        since = f" – since {figures.moment(concern.since)} UTC ({figures.age(now - concern.since)})"
    what = link(concern.page, concern.what) if concern.page else concern.what
    return element("li", element("strong", what), f": {concern.detail}{since}")


# -- the last minutes
def _window(states: Iterable[ProcessState], now: float) -> list[Sample]:
    """One sample for each slot up to the last whole one; empty where nothing was measured."""
    slots = added(sample for state in states for sample in state.samples)
    newest = max(slots, default=int(now / SLOT_S) - 1)
    return [slots.get(slot) or Sample(slot, 0, 0, 0, ()) for slot in range(newest - SLOTS + 1, newest + 1)]


def _running(states: Iterable[ProcessState]) -> list[Sample]:
    """The slot that is not over: it counts in sums, and would be a fall at the end of a curve."""
    return list(added(state.running for state in states if state.running is not None).values())


def _tiles(samples: Sequence[Sample], running: Sequence[Sample]) -> list[Html]:
    whole = [*samples, *running]
    requests, now = sum(sample.requests for sample in whole), samples[-1].requests / SLOT_S
    rates = [sample.requests / SLOT_S for sample in samples]
    return [
        _tile("Requests per second", figures.rate(now), rates, figures.rate, _of(requests)),
        _share("Answers with 5xx", [sample.errors for sample in whole], requests, len(running)),
        _share("Refused or failed", [sample.refusals for sample in whole], requests, len(running)),
        _latency(samples, whole),
    ]


def _share(name: str, numbers: Sequence[int], requests: int, running: int) -> Html:
    number, curve_of = sum(numbers), numbers[: len(numbers) - running]
    remark = f"{_of(number)}; the curve shows their number in each {SLOT_S} s"
    return _tile(name, figures.share(number, requests), curve_of, figures.tick, remark, "bad" if number else "")


def _of(number: int) -> str:
    return f"{figures.count(number)} in the {WINDOW}"


def _latency(samples: Sequence[Sample], whole: Sequence[Sample]) -> Html:
    buckets = tuple(map(sum, zip(*(sample.buckets for sample in whole if sample.buckets), strict=True)))
    p50, p95, p99 = (figures.milliseconds(percentile(buckets, hundredth)) for hundredth in (50, 95, 99))
    slots = [percentile(sample.buckets, 95) or 0.0 for sample in samples]
    return _tile("Latency, p95", p95, slots, figures.milliseconds, f"p50 {p50} · p99 {p99}")


def _tile(
    name: str, number: str, values: Sequence[float], shown: Callable[[float], str], remark: str, kind: str = ""
) -> Html:
    title = f"{name}, {WINDOW}: now {shown(values[-1])}, at most {shown(max(values))}"
    picture = curve(values, title, shown, MINUTES)
    parts = (element("h2", name), element("p", number, class_="figure"), picture, element("p", remark))
    return element("div", *parts, class_=f"tile {kind}".rstrip())


def _apis(samples: Sequence[Sample]) -> Html:
    """The busiest APIs, each with its curve."""
    sums: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    for part in (part for sample in samples for part in sample.apis):
        sums[part.api] += part.requests
        errors[part.api] += part.errors
    rows = [
        [_api(api), figures.count(number), _errors(errors[api], number), _trend(api, samples)]
        for api, number in sums.most_common(APIS_SHOWN)
    ]
    return table(["API", "#Answers", "#5xx", "Requests"], rows, f"No request in the {WINDOW}.")


def _api(api: str) -> Html:
    return link(f"/console/apis/{quote(api, safe='')}", api) if api else element("span", "no API matched")


def _errors(number: int, whole: int) -> object:
    return badge(f"{figures.count(number)} ({figures.share(number, whole)})", "bad") if number else "0"


def _trend(api: str, samples: Sequence[Sample]) -> Html:
    values = [float(sum(part.requests for part in sample.apis if part.api == api)) for sample in samples]
    return sparkline(values, f"Requests of {api or 'no API'}, {WINDOW}: at most {max(values) / SLOT_S:.1f}/s")


# -- since the start
def _answers(states: Sequence[ProcessState]) -> Html:
    counts: Counter[str] = Counter()
    for operation in totals.by_operation(states).values():
        counts.update(operation)
    whole = counts.total()
    numbers = [figures.count(whole), *(figures.count(counts[status_class]) for status_class in totals.CLASSES)]
    shares = [figures.share(counts[status_class], whole) for status_class in totals.CLASSES]
    heads = ["In", "#All", *(f"#{status_class}" for status_class in totals.CLASSES)]
    return table(heads, [["numbers", *numbers], ["percent", "100 %", *shares]], "")


def _refusals(states: Sequence[ProcessState]) -> Html:
    refusals = totals.refusals(states)
    whole = sum(number for _, number in refusals)
    rows = [
        [code(policy), reason, figures.count(number), figures.share(number, whole)]
        for (policy, reason), number in refusals
    ]
    return table(["Policy", "Reason", "#Requests", "#Share"], rows, "No request has been refused.")


def _emitted(states: Sequence[ProcessState]) -> Iterator[Html]:
    """What policies count, such as tokens of language models; nothing where they count nothing."""
    largest = totals.emitted(states, EMITTED_SHOWN)
    if largest:
        rows = [
            [code(series.name), _dimensions(series.dimensions), figures.count(series.values), f"{series.total:,.6g}"]
            for series in largest
        ]
        heads = ["Metric", "Dimensions", "#Values", "#Sum"]
        yield section("Counted by policies since the start", table(heads, rows, ""), id="emitted")


def _dimensions(dimensions: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{label} {value}" for label, value in dimensions) or figures.NOTHING


def _processes(states: States, now: float) -> Html:
    rows = [_process(name, state, now) for name, state in states.items()]
    return table(["Process", "State", "#Id", "Up for", "#Answers"], rows, "None.")


def _reload(configuration: Mapping[str, Status], hand: Hand) -> Iterator[Html]:
    said = "; ".join(status.detail for status in configuration.values()) or "as it was started"
    yield element("p", "Configuration: ", said)
    if hand.can_act:
        yield hand.button("reload", "Reload the configuration", {"back": "/"}, "kill -HUP PROCESS")


def _process(name: str, state: ProcessState | None, now: float) -> list[object]:
    if state is None:
        return [name, badge("no answer", "bad"), figures.NOTHING, figures.NOTHING, figures.NOTHING]
    answers = sum(number for operation in state.operations for number in operation.statuses.values())
    return [name, _badge(state), state.process, figures.age(now - state.started), figures.count(answers)]


def _badge(state: ProcessState) -> Html:
    if state.draining:
        return badge("draining", "warn")
    return badge("ready", "good") if state.ready else badge("not ready", "bad")
