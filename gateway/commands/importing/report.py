"""
The report of an import: what was mapped, changed, needs somebody, or was left out; as text for people, as JSON for CI.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.commands.importing.checking import Checked
from gateway.commands.importing.findings import ImportFinding, ImportOutcome
from gateway.commands.importing.planned import Planned
from gateway.commands.importing.writing.folder import WrittenFolder


@dataclass(slots=True)
class ImportReport:
    """One import: what was planned, what was written, and what the check says."""

    source: str
    form: str
    folder: Path
    plan: Planned
    written: WrittenFolder = field(default_factory=WrittenFolder)
    problems: list[Checked] = field(default_factory=list)
    dry: bool = False

    @property
    def findings(self) -> list[ImportFinding]:
        """In the order of the report: by outcome, then as the source has them."""
        return sorted([*self.plan.findings, *self.written.findings], key=lambda finding: _ORDER[finding.outcome])

    @property
    def incomplete(self) -> bool:
        """Whether anything that may matter for traffic needs a person or was left out."""
        return any(
            finding.outcome in (ImportOutcome.NEEDS_YOU, ImportOutcome.LEFT_OUT) and not finding.harmless
            for finding in self.findings
        )


_ORDER = {outcome: number for number, outcome in enumerate(ImportOutcome)}


def text(report: ImportReport) -> str:
    """For people: a block for each outcome, what to set, and what the check says."""
    verb = "Would import" if report.dry else "Imported"
    lines = [f"{verb} {report.source} ({report.form}) into {report.folder}"]
    for outcome in ImportOutcome:
        findings = [finding for finding in report.findings if finding.outcome is outcome]
        lines += ["", *_block(outcome, findings)]
    lines += [*_variables(report), "", *_verdict(report)]
    return "\n".join(lines)


def _block(outcome: ImportOutcome, findings: list[ImportFinding]) -> Iterator[str]:
    shown = [finding for finding in findings if not finding.harmless]
    harmless = Counter(finding.message for finding in findings if finding.harmless)
    yield f"{outcome.value}: {len(shown)}"
    yield from map(_line, shown)
    if harmless:
        yield f"  and {sum(harmless.values())} without effect on traffic, which --format json lists:"
        yield from (f"    {count} × {message}" for message, count in harmless.most_common())


def _line(finding: ImportFinding) -> str:
    remedy = f" ({finding.remedy})" if finding.remedy else ""
    return f"  {finding.location.file}:{finding.location.line}: {finding.what}: {finding.message}{remedy}"


def _variables(report: ImportReport) -> Iterator[str]:
    variables = report.plan.variables.values()
    if variables:
        yield ""
        yield f"to set before it starts (as in .env.example): {len(variables)}"
        yield from (f"  {variable.name}: {variable.purpose}" for variable in variables)


def _verdict(report: ImportReport) -> Iterator[str]:
    for checked in report.problems:
        source = f" [in the source: {checked.source}]" if checked.source else ""
        yield f"{checked.problem}{source}"
    count = len(report.problems)
    errors = f"{count} error{'' if count == 1 else 's'}"
    yield f"gateway check -c {report.folder / 'config.yaml'} --assume-secrets: {errors}"


def as_json(report: ImportReport) -> str:
    """For scripts: everything, harmless findings as well."""
    content = {
        "source": report.source,
        "form": report.form,
        "folder": str(report.folder),
        "dryRun": report.dry,
        "ok": not report.problems,
        "complete": not report.incomplete,
        "counts": {outcome.value: _count(report, outcome) for outcome in ImportOutcome},
        "findings": [_finding(finding) for finding in report.findings],
        "variables": [
            {"name": variable.name, "purpose": variable.purpose, "secret": variable.secret}
            for variable in report.plan.variables.values()
        ],
        "created": report.written.created,
        "replaced": report.written.replaced,
        "removed": report.written.removed,
        "kept": report.written.kept,
        "problems": [_problem(checked) for checked in report.problems],
    }
    return json.dumps(content, indent=1, ensure_ascii=False)


def _count(report: ImportReport, outcome: ImportOutcome) -> int:
    return sum(1 for finding in report.findings if finding.outcome is outcome and not finding.harmless)


def _finding(finding: ImportFinding) -> dict[str, Any]:
    return {
        "outcome": finding.outcome.value,
        "file": finding.location.file,
        "line": finding.location.line,
        "column": finding.location.column,
        "what": finding.what,
        "message": finding.message,
        "remedy": finding.remedy,
        "harmless": finding.harmless,
    }


def _problem(checked: Checked) -> dict[str, Any]:
    problem, source = checked.problem, checked.source
    written = {
        "file": problem.location.file,
        "line": problem.location.line,
        "column": problem.location.column,
        "code": problem.code,
        "message": problem.message,
        "remedy": problem.remedy,
    }
    return written if source is None else {**written, "source": str(source)}


FORMATS = {"text": text, "json": as_json}
