"""
Findings in the words with which a build tells its host where to show them.

Source: GitHub Docs, "Workflow commands for GitHub Actions"; Microsoft Learn, "Logging commands"; GitLab Docs, "Code
Quality".
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from gateway.commands.check.places import checkout, within
from gateway.commands.check.report import Report
from gateway.documents.lint import NOTE_CODES
from gateway.errors import Problem

Severity = Literal["error", "warning", "notice"]


def findings(reports: Sequence[Report]) -> Iterator[tuple[Severity, Problem, str]]:
    """Every finding with its severity and its file, relative to the checkout."""
    root, here = checkout(), Path.cwd()
    for report in reports:
        for problem in report.problems:
            yield "error", problem, within(problem.location.file, root, here).as_posix()
        for note in report.notes:
            severity: Severity = "warning" if note.code in NOTE_CODES else "notice"
            yield severity, note, within(note.location.file, root, here).as_posix()


def advice(problem: Problem) -> str:
    """The message with its remedy."""
    return f"{problem.message} ({problem.remedy})" if problem.remedy else problem.message


# GitHub and Azure read a line as a command; what would end the line, a property or the command is escaped.
_GITHUB_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_GITHUB_PROPERTY = {**_GITHUB_DATA, **str.maketrans({":": "%3A", ",": "%2C"})}
_AZURE_DATA = str.maketrans({"%": "%AZP25", "\r": "%0D", "\n": "%0A"})
_AZURE_PROPERTY = {**_AZURE_DATA, **str.maketrans({"]": "%5D", ";": "%3B"})}


def github(reports: Sequence[Report]) -> str:
    """``::error file=…,line=…,col=…,title=…::…``; what only a configuration can answer is a notice."""
    return "\n".join(
        f"::{severity} {_properties(_at(problem, file, 'file', 'line', 'col', 'title'), ',', _GITHUB_PROPERTY)}"
        f"::{advice(problem).translate(_GITHUB_DATA)}"
        for severity, problem, file in findings(reports)
    )


def azure_devops(reports: Sequence[Report]) -> str:
    """``##vso[task.logissue …]…``; Azure Pipelines has no notices, so those are lines without a place."""
    return "\n".join(_azure_line(*finding) for finding in findings(reports))


def _azure_line(severity: Severity, problem: Problem, file: str) -> str:
    if severity == "notice":
        return f"note: {problem}".replace("\r", " ").replace("\n", " ")
    named = {"type": severity, **_at(problem, file, "sourcepath", "linenumber", "columnnumber", "code")}
    return f"##vso[task.logissue {_properties(named, ';', _AZURE_PROPERTY)}]{advice(problem).translate(_AZURE_DATA)}"


def _at(problem: Problem, file: str, *names: str) -> dict[str, str]:
    place = problem.location
    return dict(zip(names, (file, str(place.line), str(place.column), problem.code), strict=True))


def _properties(named: Mapping[str, str], separator: str, escapes: Mapping[int, str]) -> str:
    return separator.join(f"{name}={value.translate(escapes)}" for name, value in named.items())


_GITLAB_SEVERITY = {"error": "major", "warning": "minor", "notice": "info"}


def gitlab(reports: Sequence[Report]) -> str:
    """A Code Quality report: a list with an object for each finding."""
    seen: Counter[str] = Counter()
    return json.dumps([_issue(*finding, seen) for finding in findings(reports)], indent=1)


def _issue(severity: Severity, problem: Problem, file: str, seen: Counter[str]) -> dict[str, object]:
    # Without its line, so that a finding stays the same one when lines are added above it.
    same = f"{file}\0{problem.code}\0{problem.message}"
    seen[same] += 1
    identity = f"{same}\0{seen[same]}"
    return {
        "description": advice(problem),
        "check_name": problem.code,
        "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
        "severity": _GITLAB_SEVERITY[severity],
        "location": {"path": file, "lines": {"begin": max(problem.location.line, 1)}},
    }
