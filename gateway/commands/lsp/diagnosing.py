"""
What ``gateway check`` reports, for texts that are not saved yet: the same codes, places and remedies.

A text that a configuration names is checked with it, by building the whole gateway; any other one on its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from lsprotocol.types import CodeDescription, Diagnostic, DiagnosticSeverity

from gateway.commands.check.report import Report, check_all, check_text, offline_services
from gateway.commands.lsp.project import Project
from gateway.commands.lsp.session import OpenText, Session, uri_of
from gateway.documentation import page
from gateway.errors import LoadError, Location, Problem
from gateway.expressions.expression import Compiled, remembering
from gateway.reading.files import unsaved

_MAX_COMPILED = 20_000  # expressions that are remembered
_PAGES = {"test": "testing-policies", "config": "configuration"}


@dataclass(slots=True)
class Diagnoser:
    """Checks what an editor has open."""

    session: Session
    _compiled: Compiled = field(default_factory=dict)

    def diagnose(self, text: OpenText) -> dict[str, list[Diagnostic]]:
        """The findings of *text* and of what it is checked with, by URI; empty lists where nothing is wrong."""
        if len(self._compiled) > _MAX_COMPILED:
            self._compiled.clear()
        with unsaved(self.session.unsaved()), remembering(self._compiled):
            return self._diagnose(text)

    def _diagnose(self, text: OpenText) -> dict[str, list[Diagnostic]]:
        kind = self.session.kind(text)
        if not kind:
            return {text.uri: []}
        if kind == "test":
            return {text.uri: [self._shown(text, problem, kind) for problem in _test_problems(text)]}
        project = self.session.project(text)
        if project is not None and (text.path == project.config or text.path in project.named):
            return self._with_project(project)
        return {text.uri: self._shown_report(text, self._alone(text), kind)}

    def _alone(self, text: OpenText) -> Report:
        if text.saved and self.session.settings.target:
            return check_all([text.path], None, target=self.session.settings.target)[0]
        content = text.text.encode("utf-8", "surrogatepass")
        return check_text(content, str(text.path), offline_services())

    def _with_project(self, project: Project) -> dict[str, list[Diagnostic]]:
        settings = self.session.settings
        reports = check_all([], project.config, settings.assume_secrets, settings.target)
        findings: dict[str, list[Diagnostic]] = {uri: [] for uri in self._belonging(project)}
        for path, problems, notes in _by_file(reports, project):
            text = self.session.of_path(path)
            if text is not None:
                both = Report(str(path), tuple(problems), tuple(notes))
                findings[text.uri] = [
                    *findings.get(text.uri, []),
                    *self._shown_report(text, both, self.session.kind(text)),
                ]
        return findings

    def _belonging(self, project: Project) -> list[str]:
        opened = {text.path: text.uri for text in self.session.texts.values()}
        return [opened.get(path) or uri_of(path) for path in (project.config, *project.named)]

    def _shown_report(self, text: OpenText, report: Report, kind: str) -> list[Diagnostic]:
        problems = [self._shown(text, problem, kind) for problem in report.problems]
        notes = [self._shown(text, note, kind, DiagnosticSeverity.Information) for note in report.notes]
        return [*problems, *notes]

    def _shown(
        self, text: OpenText, problem: Problem, kind: str, severity: DiagnosticSeverity = DiagnosticSeverity.Error
    ) -> Diagnostic:
        return Diagnostic(
            range=text.places.at(problem.location),
            message=f"{problem.message} ({problem.remedy})" if problem.remedy else problem.message,
            severity=severity,
            code=problem.code,
            code_description=CodeDescription(page(_PAGES[kind])) if kind in _PAGES else None,
            source="gateway",
            data={"message": problem.message, "remedy": problem.remedy},
        )


def _by_file(reports: Iterable[Report], project: Project) -> Iterator[tuple[Path, list[Problem], list[Problem]]]:
    """The findings of each file: a report about a configuration has notes on the documents that it names."""
    files: dict[Path, tuple[list[Problem], list[Problem]]] = {}
    levels = [(place, problem) for report in reports for place, problem in _levelled(report)]
    for place, problem in levels:
        path, shown = _shown_in(problem, project)
        files.setdefault(path, ([], []))[place].append(shown)
    yield from ((path, *both) for path, both in files.items())


def _levelled(report: Report) -> list[tuple[int, Problem]]:
    """Problems with 0, notes with 1."""
    return [*((0, problem) for problem in report.problems), *((1, note) for note in report.notes)]


def _shown_in(problem: Problem, project: Project) -> tuple[Path, Problem]:
    """The file that a finding is shown in: the configuration, for a document that is not there."""
    path = (project.config.parent / problem.location.file).resolve()
    if problem.code != "unreadable-file" or path == project.config:
        return path, problem
    place = project.named.get(path, Location(str(project.config)))
    return project.config, replace(problem, location=place, message=f"{path.name}: {problem.message}")


def _test_problems(text: OpenText) -> tuple[Problem, ...]:
    from gateway.commands.policy_tests.reading import read_text

    try:
        read_text(text.text.encode("utf-8", "surrogatepass"), text.path)
    except LoadError as error:
        return error.problems
    return ()
