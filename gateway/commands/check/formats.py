"""
What ``gateway check`` prints: lines for people, JSON for scripts, SARIF and annotations for code reviews.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway import __version__
from gateway.commands.check.annotations import advice, azure_devops, github, gitlab
from gateway.commands.check.places import checkout, uri, within
from gateway.commands.check.report import Report
from gateway.documentation import page
from gateway.errors import GatewayError, Problem


def text(reports: Sequence[Report]) -> str:
    """A line for each finding, a line for each file without one, and how many there are."""
    lines = [line for report in reports for line in _lines(report)]
    return "\n".join([*lines, _summary(reports)])


def _lines(report: Report) -> list[str]:
    notes = [f"{note.location}: note: {_rest(note)}" for note in report.notes]
    return [*map(str, report.problems), *notes] or [f"{report.file}: {report.verdict}"]


def _rest(problem: Problem) -> str:
    return str(problem).removeprefix(f"{problem.location}: ")


def _summary(reports: Sequence[Report]) -> str:
    errors = sum(len(report.problems) for report in reports)
    notes = sum(len(report.notes) for report in reports)
    return f"{_count(errors, 'error')}, {_count(notes, 'note')} in {_count(len(reports), 'file')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def as_json(reports: Sequence[Report]) -> str:
    """One object for each file, each on a line of its own."""
    return "\n".join(json.dumps(report.as_json()) for report in reports)


def sarif(reports: Sequence[Report]) -> str:
    """One run with a result for each finding."""
    root, here = checkout(), Path.cwd()
    results = [
        _result(problem, level, uri(within(problem.location.file, root, here)))
        for report in reports
        for level, problems in (("error", report.problems), ("note", report.notes))
        for problem in problems
    ]
    rules = [{"id": code} for code in sorted({str(result["ruleId"]) for result in results})]
    driver = {"name": "gateway check", "version": __version__, "informationUri": page("ci"), "rules": rules}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(log, indent=1)


def write_sarif(file: Path, reports: Sequence[Report]) -> None:
    """Write them to *file*, replacing it. Raises GatewayError."""
    try:
        file.write_text(sarif(reports), "utf-8")
    except OSError as error:
        raise GatewayError(f"{file} cannot be written: {error.strerror} (name another file)") from None


def _result(problem: Problem, level: str, address: str) -> dict[str, object]:
    place = problem.location
    region = {"startLine": max(place.line, 1), "startColumn": max(place.column, 1)}
    return {
        "ruleId": problem.code,
        "level": level,
        "message": {"text": advice(problem)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": address}, "region": region}}],
    }


def _with_summary(annotate: Callable[[Sequence[Report]], str]) -> Callable[[Sequence[Report]], str]:
    """The log of a build shows how many there are; most annotations appear elsewhere."""
    return lambda reports: "\n".join(filter(None, (annotate(reports), _summary(reports))))


FORMATS = {
    "text": text,
    "json": as_json,
    "sarif": sarif,
    "github": _with_summary(github),
    "azure-devops": _with_summary(azure_devops),
    "gitlab": gitlab,
}
