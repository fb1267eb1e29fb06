"""The APIs: a list of them, and for each its operations, effective policies and what is worth a second look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from gateway.errors import Problem
from gateway.management.console import figures, totals
from gateway.management.console.catalog import ApiLine, Catalog, EffectivePolicy, OperationLine, PolicyStep
from gateway.management.console.document_source import DocumentSources, placed
from gateway.management.console.markup import Html, badge, code, element, facts, joined, link, section, table
from gateway.management.console.state import ProcessState

PATH = "/console/apis"
_NONE: Counter[str] = Counter()
_COUNTS = ["#Answers", *(f"#{status_class}" for status_class in totals.CLASSES)]


def listed(catalog: Catalog, states: Iterable[ProcessState]) -> list[Html]:
    """All APIs with what they have answered."""
    counts = totals.by_api(totals.by_operation(states))
    rows = [
        [
            joined((link(f"{PATH}/{quote(api.id, safe='')}", api.name), _noted(catalog.notes(api.id)))),
            code(f"/{api.path}"),
            code(api.backend) if api.backend else "chosen by policy",
            len(api.operations),
            *_numbers(counts.get(api.id, _NONE)),
        ]
        for api in catalog.apis()
    ]
    unmatched = counts.get("", _NONE).total()
    remark = element("p", f"Requests that matched no API: {figures.count(unmatched)}.", class_="quiet")
    listed_ = table(["API", "Path", "Backend", "#Operations", *_COUNTS], rows, "No APIs are configured.")
    return [section("What each has answered since the start", listed_, remark, id="apis")]


def shown(catalog: Catalog, api: ApiLine, states: Iterable[ProcessState]) -> list[Html]:
    """One API."""
    counts = totals.by_operation(states)
    rows = [
        [*_operation(operation), *_numbers(counts.get((api.id, operation.id), _NONE))] for operation in api.operations
    ]
    parts = [
        _facts(api),
        section("Operations", table(["Operation", "Method", "Template", *_COUNTS], rows, ""), id="operations"),
    ]
    sources = catalog.sources(api.id)
    parts += [section("Effective policies", *(_policy(policy, sources) for policy in catalog.policies(api.id)))]
    parts += [section("Documents", *sources.shown())] if sources.files else []
    notes = catalog.notes(api.id)
    return (
        [*parts, section("Notes of gateway check", element("ul", *map(_note, notes), class_="card"))]
        if notes
        else parts
    )


def _noted(notes: Sequence[Problem]) -> Html:
    return joined((" ", badge(f"{len(notes)} notes" if len(notes) > 1 else "1 note", "warn"))) if notes else Html()


def _numbers(counts: Counter[str]) -> list[str]:
    return [figures.count(counts.total()), *(figures.count(counts[status_class]) for status_class in totals.CLASSES)]


def _operation(operation: OperationLine) -> list[object]:
    name = operation.name or operation.id or "the API as a whole"
    return [name, operation.method, code(operation.template)]


def _facts(api: ApiLine) -> Html:
    known = [("Id", code(api.id)), ("Path", code(f"/{api.path}")), ("Version", api.version)]
    known.append(("Backend", code(api.backend) if api.backend else "chosen by policy"))
    return facts((name, value) for name, value in known if value)


def _policy(policy: EffectivePolicy, sources: DocumentSources) -> Html:
    """One effective policy: its operations, then its sections with the policies in order."""
    rows = [[name, joined((_step(step, sources) for step in steps), " → ")] for name, steps in policy.sections]
    steps = table(["Section", "Policies"], rows, "Nothing runs.")
    return element("div", element("h3", ", ".join(policy.operations)), steps, class_="policy")


def _step(step: PolicyStep, sources: DocumentSources) -> Html:
    named = f" #{step.id}" if step.id else ""
    where = [" ", placed(sources, step.position)] if step.position else []
    return element("span", code(step.element), element("small", f" {step.scope}{named}"), *where, class_="step")


def _note(note: Problem) -> Html:
    remedy = f" ({note.remedy})" if note.remedy else ""
    return element("li", element("div", code(note.location)), badge(note.code, "warn"), f" {note.message}{remedy}")
