"""
Load everything and report every problem, without running anything.

A file alone is checked without a configuration: what only a configuration can know (named values, fragments, backends,
certificates) is then a note, not a problem.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.documents.check import check
from gateway.documents.files import YAML_SUFFIXES, parse_document, read_document
from gateway.documents.lint import NOTE_CODES, lint
from gateway.documents.model import Node, PolicyDocument, Scope, Section, Text
from gateway.documents.named_values import Substitution
from gateway.documents.placeholders import is_unresolved
from gateway.errors import LoadError, Location, Problem
from gateway.pipeline.compiler import Compiler, Scoped
from gateway.pipeline.policy import PolicyTypes
from gateway.pipeline.services import Services
from gateway.policies import POLICIES
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode, compose
from gateway.tokens.registry import IssuerRegistry
from gateway.value_cache import Caches, MemoryCache
from gateway.wire.messages import Target
from gateway.wire.upstream.no_target import NoTarget

# What only a configuration can answer.
_NOTES = NOTE_CODES | frozenset(
    """
    unknown-named-value unresolved-value unknown-fragment unknown-backend unknown-certificate unknown-logger
    unknown-schema
    """.split()
)

_SECTION_KEY = re.compile(rb"^(?:inbound|backend|outbound|on-error|fragment):", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of one file; notes are not problems, and *verdict* is what is said where there are neither."""

    file: str
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    verdict: str = "ok"

    @property
    def ok(self) -> bool:
        """Whether the file can be used."""
        return not self.problems

    def as_json(self) -> dict[str, object]:
        """``{"file", "ok", "problems": […], "notes": […]}``."""
        return {
            "file": self.file,
            "ok": self.ok,
            "problems": [_problem_json(problem) for problem in self.problems],
            "notes": [_problem_json(note) for note in self.notes],
        }


def check_all(
    files: Iterable[Path], config: Path | None, assume_secrets: bool = False, target: str | None = None
) -> list[Report]:
    """
    Check *config* with every document that it names, and each of *files*, or in them, on its own.

    Args:
        assume_secrets: Environment variables that are not set have some value.
        target: ``azure`` or ``envoy``: what is refused there is reported, too.
    """
    reports = [] if config is None else check_config(config, assume_secrets)
    services, documents = offline_services(), list(documents_in(files))
    reports += (check_file(path, services) for path in documents)
    if target is None:
        return reports
    return for_target(target, reports, [*documents, *([] if config is None else named_documents(config))])


def for_target(target: str, reports: list[Report], documents: Iterable[Path]) -> list[Report]:
    """*reports* with what is refused there in *documents*; a report for each that has none yet."""
    from gateway.commands.check.targets import TARGETS  # which nobody else needs

    refused, verdict = TARGETS[target]
    by_file = {report.file: report for report in reports}
    for path in documents:
        with suppress(LoadError):  # reported already
            report = by_file.get(str(path), Report(str(path)))
            problems = dict.fromkeys([*report.problems, *refused(read_document(path, POLICIES))])
            by_file[str(path)] = replace(report, problems=tuple(problems), verdict=verdict)
    return list(by_file.values())


def documents_in(paths: Iterable[Path]) -> Iterator[Path]:
    """*paths*, with a directory replaced by the policy documents in it: ``.xml`` and ``.yaml``, no test files."""
    for path in paths:
        if path.is_dir():
            documents = (file for file in sorted(path.rglob("*")) if _is_document(file.relative_to(path)))
            yield from (file for file in documents if _is_policy(file))
        else:
            yield path


def _is_document(path: Path) -> bool:
    """Whether the name of a file is that of a policy document, and no part of its path is hidden."""
    if path.suffix.lower() not in {".xml", *YAML_SUFFIXES} or ".policytest" in path.suffixes:
        return False
    return not any(part.startswith(".") for part in path.parts)


def _is_policy(path: Path) -> bool:
    """Whether a YAML file among others has a policy document's keys; OpenAPI definitions are in the same folders."""
    try:
        return path.suffix.lower() not in YAML_SUFFIXES or _SECTION_KEY.search(path.read_bytes()) is not None
    except OSError:
        return True


def check_config(path: Path, assume_secrets: bool = False) -> list[Report]:
    """
    Build the whole gateway without starting it; one report per file that has a mistake, or one for the whole.

    What keeps the gateway from starting is a problem, here as there. Where the configuration itself is what cannot be
    used, the documents that it names are checked on their own, so that no mistake hides another.
    """
    # It loads everything that serves requests, which a document alone does not need.
    from gateway.assembly.app import build
    from gateway.assembly.shared_state import require_shareable
    from gateway.commands.check.assumed import build_assuming, is_assumed
    from gateway.config import load

    try:
        gateway = build_assuming(path, os.environ, build) if assume_secrets else build(load(path))
        workers = gateway.config.workers
        require_shareable(gateway.config, 1 if workers == "auto" else workers)
    except LoadError as error:
        return _all_reports(path, error.problems, is_assumed if assume_secrets else _never)
    except Exception as error:
        return _all_reports(path, [_failure(str(path), error)])
    return [_report(str(path), gateway.notes)]


def _never(problem: Problem) -> bool:
    return False


def _all_reports(
    config: Path, problems: Iterable[Problem], is_note: Callable[[Problem], bool] = _never
) -> list[Report]:
    """By file; what the documents have besides is added where they have not been reached."""
    by_file: dict[str, list[Problem]] = {}
    for problem in sorted(problems, key=lambda problem: problem.location):
        by_file.setdefault(problem.location.file, []).append(problem)
    reports = [_sorted_out(file, dict.fromkeys(own), is_note) for file, own in by_file.items()]
    return [*reports, *_unseen(config, by_file)] if str(config) in by_file else reports


def _sorted_out(file: str, problems: Iterable[Problem], is_note: Callable[[Problem], bool]) -> Report:
    own, notes = list(problems), [problem for problem in problems if is_note(problem)]
    return Report(file, tuple(problem for problem in own if problem not in notes), tuple(notes))


def _unseen(config: Path, seen: Collection[str]) -> Iterator[Report]:
    """What is wrong with the documents that *config* names and that are not among the *seen* ones."""
    from gateway.reading.values import is_file  # with the settings' library, which a document alone does not need

    services = offline_services()
    for file in named_documents(config):
        report = check_file(file, services) if is_file(file) and str(file) not in seen else None
        if report is not None and not report.ok:
            yield report


def named_documents(config: Path) -> Iterator[Path]:
    """The policy documents that a configuration names, whatever else is wrong with it."""
    try:
        root = compose(config.read_bytes(), str(config))
    except (LoadError, OSError):
        return
    named = dict.fromkeys(value for key, value in _entries(root) if key in ("policy", "global-policy"))
    fragments = root.find("fragments") if isinstance(root, Mapping) else None
    named.update(dict.fromkeys(value for _, value in _entries(fragments) if fragments is not None))
    yield from (config.resolve().parent / name for name in named)


def _entries(node: YamlNode | None) -> Iterator[tuple[str, str]]:
    """Every key with a text below it, at any depth."""
    if isinstance(node, Mapping):
        for key, value in node.entries:
            yield from [(key.value, value.value)] if isinstance(value, Scalar) else _entries(value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _entries(item)


def _failure(file: str, error: Exception) -> Problem:
    """A fault of the check itself, which is reported like any other."""
    message = f"the check failed: {type(error).__name__}: {error}"
    return Problem(Location(file), "internal-error", message, "this is a bug: please report it with the document")


class _AnyTarget:
    """A stand-in for every backend: without a configuration none is known."""

    def for_url(self, base_url: str) -> Target:
        if not is_unresolved(base_url):
            from gateway.wire.upstream.http_target import parse_base_url  # with all that reaches backends

            parse_base_url(base_url)
        return NoTarget()

    def for_id(self, backend_id: str) -> Target:
        return NoTarget()


def offline_services() -> Services:
    """Services for a check that runs nothing."""
    caches = Caches(MemoryCache(), MemoryCache())
    return Services(targets=_AnyTarget(), issuers=IssuerRegistry(), caches=caches)


def check_file(path: Path, services: Services, vocabulary: PolicyTypes = POLICIES) -> Report:
    """Check one policy document without a configuration."""
    return _checked(str(path), lambda: read_document(path, vocabulary), services, vocabulary)


def check_text(content: bytes, file: str, services: Services, vocabulary: PolicyTypes = POLICIES) -> Report:
    """The same for text that is in no file; *file* names it and tells its form."""
    return _checked(file, lambda: parse_document(content, file, vocabulary), services, vocabulary)


def _checked(file: str, read: Callable[[], PolicyDocument], services: Services, vocabulary: PolicyTypes) -> Report:
    try:
        return check_document(read(), services, vocabulary)
    except LoadError as error:
        return _report(file, error.problems)
    except Exception as error:
        return Report(file, (_failure(file, error),))


def check_document(document: PolicyDocument, services: Services, vocabulary: PolicyTypes) -> Report:
    """Check shapes, then compile: every mistake that loading could find."""
    substitution = Substitution({})
    document = substitution.document(document)
    problems = [*substitution.problems, *lint(document), *check(document, vocabulary)]
    unfilled = _unfilled(document)
    if not any(_is_bad(problem, unfilled) for problem in problems):
        hollow = _hollow(document, unfilled)
        problems += [
            problem
            for problem in _compile(document, services, vocabulary)
            if problem.code != "internal-error" or problem.location not in hollow
        ]
    return _report(document.file, problems, unfilled)


def _compile(document: PolicyDocument, services: Services, vocabulary: PolicyTypes) -> Iterable[Problem]:
    compiler = Compiler(vocabulary, services)
    try:
        compiler.compile([Scoped(Scope.OPERATION, _as_policies(document, vocabulary))])
    except LoadError as error:
        return error.problems
    return ()


def _as_policies(document: PolicyDocument, vocabulary: PolicyTypes) -> PolicyDocument:
    """A fragment's policies, each put in a section that allows it: which section will include it is not known here."""
    fragment = document.fragment
    if fragment is None:
        return document
    if [node.name for node in fragment.children] == ["http-data-source"]:  # a resolver's document
        names = {name: Text("x", fragment.location) for name in ("parent-type", "field")}
        resolver = Node("set-graphql-resolver", fragment.location, names, fragment.children)
        return PolicyDocument(document.file, {Section.BACKEND: replace(fragment, children=(resolver,))})
    section = next((candidate for candidate in Section if _fits(document, candidate, vocabulary)), Section.INBOUND)
    return PolicyDocument(document.file, {section: fragment})


def _fits(fragment: PolicyDocument, section: Section, vocabulary: PolicyTypes) -> bool:
    return all(problem.code != "wrong-section" for problem in check(fragment, vocabulary, section))


def _unfilled(document: PolicyDocument) -> frozenset[Location]:
    """Where a text is a placeholder that a deployment script replaces: its value cannot be judged yet."""
    texts = (text for root in _roots(document) for node in root.walk() for text in _texts(node))
    return frozenset(text.location for text in texts if is_unresolved(text.value))


def _hollow(document: PolicyDocument, unfilled: Collection[Location]) -> frozenset[Location]:
    """Where an element stands with an *unfilled* text inside, which a policy is not made for."""
    return frozenset(
        node.location
        for root in _roots(document)
        for node in root.walk()
        if any(text.location in unfilled for below in node.walk() for text in _texts(below))
    )


def _roots(document: PolicyDocument) -> list[Node]:
    return [*document.sections.values(), *([document.fragment] if document.fragment else [])]


def _texts(node: Node) -> list[Text]:
    return [*node.attributes.values(), *([node.text] if node.text else [])]


def _is_bad(problem: Problem, unfilled: Collection[Location]) -> bool:
    # A template's own {{…}} look like named values that are missing.
    return problem.code not in _NOTES and (problem.location not in unfilled or problem.code == "bad-template")


def _report(file: str, problems: Iterable[Problem], unfilled: Collection[Location] = ()) -> Report:
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: problem.location)
    return Report(
        file,
        tuple(problem for problem in ordered if _is_bad(problem, unfilled)),
        tuple(problem for problem in ordered if not _is_bad(problem, unfilled)),
    )


def _problem_json(problem: Problem) -> dict[str, object]:
    return {
        "line": problem.location.line,
        "column": problem.location.column,
        "code": problem.code,
        "message": f"{problem.message} ({problem.remedy})" if problem.remedy else problem.message,
    }
